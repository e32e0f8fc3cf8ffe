# libotklik: the public C API, its symbols and nothing else.
file(GLOB lib_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/lib/*.c)
add_library(otklik_shared SHARED ${lib_sources})
target_link_libraries(otklik_shared PRIVATE otk_knowledge otk_triage)
target_include_directories(otklik_shared PRIVATE ${PROJECT_SOURCE_DIR}/include)
target_link_options(otklik_shared PRIVATE
    "-Wl,--version-script=${PROJECT_SOURCE_DIR}/src/lib/otklik.map")
set_target_properties(otklik_shared PROPERTIES OUTPUT_NAME otklik
    VERSION ${PROJECT_VERSION} SOVERSION 0
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/src/lib/otklik.map)
configure_file(packaging/otklik.pc.in otklik.pc @ONLY)

install(TARGETS otklik otklik_shared)
if(TARGET otklik-decode)
  install(TARGETS otklik-decode)
endif()
install(FILES include/otklik.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/otklik.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Completion and man pages come out of the program's own tables.
install(CODE "
  execute_process(COMMAND $<TARGET_FILE:otklik> install-texts
      \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/share COMMAND_ERROR_IS_FATAL ANY)")
