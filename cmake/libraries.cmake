# Libraries of the distribution; `./run` installs what is missing.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

foreach(lib jansson libsodium yaml-0.1 sqlite3 libutf8proc libzip expat
        libmicrohttpd cairo libcurl zlib)
  string(MAKE_C_IDENTIFIER ${lib} name)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${lib})
endforeach()

# These two ship no pkg-config file.
find_library(STEMMER_LIBRARY stemmer REQUIRED)
find_library(LINEAR_LIBRARY linear REQUIRED)
