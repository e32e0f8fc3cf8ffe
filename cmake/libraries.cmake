# Libraries of the distribution; `./run` installs what is missing.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

foreach(lib jansson libsodium yaml-0.1 sqlite3 libutf8proc libzip expat
        libmicrohttpd cairo libcurl zlib)
  string(MAKE_C_IDENTIFIER ${lib} name)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${lib})
endforeach()

# The telephone is left out where its libraries are not.
pkg_check_modules(libre IMPORTED_TARGET libre libssl libcrypto)
if(NOT libre_FOUND)
  message(STATUS "Otklik is built without the telephone: libre-dev or "
    "libssl-dev is missing")
endif()

# Calls are in G.711 alone where these two are not.
pkg_check_modules(opus IMPORTED_TARGET opus)
pkg_check_modules(spandsp IMPORTED_TARGET spandsp)
if(NOT opus_FOUND)
  message(STATUS "Otklik is built without Opus: libopus-dev is missing")
endif()
if(NOT spandsp_FOUND)
  message(STATUS "Otklik is built without G.722: libspandsp-dev is missing")
endif()

# So is the program that decodes what people upload.
pkg_check_modules(av IMPORTED_TARGET libavformat libavcodec libswresample
    libavutil)
if(NOT av_FOUND)
  message(STATUS "Otklik reads only WAVE: libavformat-dev, libavcodec-dev and "
    "libswresample-dev are missing")
endif()

# These two ship no pkg-config file.
find_library(STEMMER_LIBRARY stemmer REQUIRED)
find_library(LINEAR_LIBRARY linear REQUIRED)
