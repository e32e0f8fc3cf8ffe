# How every C file of the project is compiled.
add_compile_definitions(_GNU_SOURCE OTK_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wcast-qual
    -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
    -fno-strict-aliasing -fstack-protector-strong)
# Numbers are named by enums, also those that meet floats (clang 19 minds).
add_compile_options(-Wno-enum-float-conversion)
if(OTK_WERROR)
  # a newer library of the distribution may call a function deprecated
  add_compile_options(-Werror -Wno-error=deprecated-declarations)
endif()
if(OTK_SANITIZE)
  add_compile_options(-fsanitize=${OTK_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${OTK_SANITIZE})
  add_compile_definitions(OTK_SANITIZED)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
if(OTK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
