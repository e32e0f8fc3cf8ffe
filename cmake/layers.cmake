# One static library a folder of src/, linked to the layers under it and to
# nothing else: a forbidden call does not link. tools/layers.txt says the same
# of includes, and `make lint` compares.
function(otk_layer name)
  cmake_parse_arguments(L "" "" "UNDER;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
  if(NOT sources)
    return()
  endif()
  add_library(otk_${name} STATIC ${sources})
  target_include_directories(otk_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src
      ${PROJECT_SOURCE_DIR}/include)
  target_compile_options(otk_${name} PRIVATE
      "$<$<COMPILE_LANGUAGE:C>:SHELL:-include base/banned.h>")
  foreach(under ${L_UNDER})
    if(TARGET otk_${under})
      target_link_libraries(otk_${name} PUBLIC otk_${under})
    endif()
  endforeach()
  target_link_libraries(otk_${name} PUBLIC ${L_LIBS})
endfunction()

otk_layer(base LIBS PkgConfig::jansson PkgConfig::libsodium
    PkgConfig::yaml_0_1 Threads::Threads m)
otk_layer(text UNDER base LIBS PkgConfig::libutf8proc ${STEMMER_LIBRARY})
otk_layer(tensor UNDER base LIBS Threads::Threads m)
otk_layer(data UNDER base LIBS PkgConfig::libzip PkgConfig::expat)
otk_layer(db UNDER base LIBS PkgConfig::sqlite3)
otk_embed(otk_db db_migrations ${PROJECT_SOURCE_DIR}/src/db/migrations *.sql)
otk_layer(net UNDER base LIBS PkgConfig::libcurl)
otk_layer(model UNDER base text tensor data db net LIBS otk_onnx
    PkgConfig::zlib)
otk_layer(triage UNDER base text tensor data model LIBS ${LINEAR_LIBRARY}
    PkgConfig::cairo)
otk_layer(knowledge UNDER base text tensor data db model)
otk_layer(speech UNDER base text tensor data db net model)
otk_layer(desk UNDER base text tensor data db model triage knowledge speech)
if(libre_FOUND)
  otk_layer(channel UNDER base text net db speech desk LIBS PkgConfig::libre)
else()
  otk_layer(channel UNDER base text net db speech desk)
endif()
# What only one of the two builds has.
set(with_libre phone.c phone_call.c phone_caller.c phone_media.c phone_srtp.c
    phone_transfer.c)
set(without_libre phone_absent.c)
get_target_property(sources otk_channel SOURCES)
foreach(name ${with_libre} ${without_libre})
  if((libre_FOUND AND name IN_LIST without_libre) OR
     (NOT libre_FOUND AND name IN_LIST with_libre))
    list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/src/channel/${name})
  endif()
endforeach()
set_target_properties(otk_channel PROPERTIES SOURCES "${sources}")
otk_layer(api UNDER base text data db triage knowledge desk
    LIBS PkgConfig::libmicrohttpd)
otk_embed(otk_api api_description ${PROJECT_SOURCE_DIR}/src/api openapi.json)
otk_layer(cli UNDER base text data db net model triage knowledge speech desk
    channel)
otk_embed(otk_cli starter_files ${PROJECT_SOURCE_DIR}/starter *.csv *.yaml)

file(GLOB app CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/app/*.c)
if(app AND TARGET otk_cli)
  add_executable(otklik ${app})
  otk_embed(otklik web_files ${PROJECT_SOURCE_DIR}/web/dist *)
  foreach(layer cli api channel)
    if(TARGET otk_${layer})
      target_link_libraries(otklik PRIVATE otk_${layer})
    endif()
  endforeach()
endif()

# A program of its own: see src/decoder/main.c.
if(av_FOUND)
  add_executable(otklik-decode ${PROJECT_SOURCE_DIR}/src/decoder/main.c)
  target_link_libraries(otklik-decode PRIVATE PkgConfig::av)
  add_dependencies(otklik otklik-decode)
endif()
