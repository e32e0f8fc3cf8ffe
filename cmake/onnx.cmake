# otk_onnx: the messages of ONNX in C, made by protoc-c from the onnx.proto of
# the distribution. Made when CMake runs, not later, because clang-tidy reads
# the header without building anything.
pkg_check_modules(protobuf_c REQUIRED IMPORTED_TARGET libprotobuf-c)
find_program(PROTOC_C protoc-c)
# Builds of onnx with the classical operators call the file by the other name;
# on Ubuntu 22.04 it is in python3-onnx.
find_file(ONNX_PROTO NAMES onnx/onnx.proto onnx/onnx-ml.proto
    PATHS /usr/lib/python3/dist-packages)
if(NOT PROTOC_C)
  message(FATAL_ERROR
    "protoc-c is missing; it comes with the package protobuf-c-compiler")
endif()
if(NOT ONNX_PROTO)
  message(FATAL_ERROR
    "onnx/onnx.proto is missing; it comes with the package libonnx-dev")
endif()

set(onnx_dir ${PROJECT_BINARY_DIR}/onnx)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ONNX_PROTO})
if(NOT EXISTS ${onnx_dir}/onnx.pb-c.c OR
   ${ONNX_PROTO} IS_NEWER_THAN ${onnx_dir}/onnx.pb-c.c)
  file(MAKE_DIRECTORY ${onnx_dir})
  # under one name, so that what is made of it has one name too
  configure_file(${ONNX_PROTO} ${onnx_dir}/onnx.proto COPYONLY)
  execute_process(COMMAND ${PROTOC_C} --c_out=${onnx_dir} -I${onnx_dir}
      ${onnx_dir}/onnx.proto COMMAND_ERROR_IS_FATAL ANY)
endif()

add_library(otk_onnx STATIC ${onnx_dir}/onnx.pb-c.c)
# Not our hand: its warnings are not ours either.
target_compile_options(otk_onnx PRIVATE -w)
target_include_directories(otk_onnx SYSTEM PUBLIC ${onnx_dir})
target_link_libraries(otk_onnx PUBLIC PkgConfig::protobuf_c)
