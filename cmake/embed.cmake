# otk_embed(TARGET SYMBOL FOLDER [GLOB…]): put the files of FOLDER that match
# into TARGET as `const struct embed SYMBOL[]`. The assembler reads the bytes
# (.incbin), so a megabyte costs nothing to compile.
function(otk_embed target symbol folder)
  set(globs ${ARGN})
  if(NOT globs)
    set(globs "*")
  endif()
  list(TRANSFORM globs PREPEND "${folder}/")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${globs})
  list(SORT files)
  set(asm "/* made by cmake/embed.cmake */\n.section .rodata\n")
  set(externs "")
  set(rows "")
  set(i 0)
  foreach(f IN LISTS files)
    file(RELATIVE_PATH name ${folder} ${f})
    string(APPEND asm ".global ${symbol}_${i}_begin, ${symbol}_${i}_end\n"
      ".hidden ${symbol}_${i}_begin, ${symbol}_${i}_end\n.balign 16\n"
      "${symbol}_${i}_begin:\n.incbin \"${f}\"\n${symbol}_${i}_end:\n.byte 0\n")
    string(APPEND externs
      "extern const unsigned char ${symbol}_${i}_begin[], ${symbol}_${i}_end[];\n")
    string(APPEND rows
      "    {\"${name}\", ${symbol}_${i}_begin, ${symbol}_${i}_end},\n")
    math(EXPR i "${i} + 1")
  endforeach()
  string(APPEND asm ".section .note.GNU-stack,\"\",%progbits\n")
  set(base "${CMAKE_CURRENT_BINARY_DIR}/embed/${symbol}")
  file(CONFIGURE OUTPUT "${base}.S" CONTENT "${asm}" @ONLY)
  file(CONFIGURE OUTPUT "${base}.c" CONTENT
"/* made by cmake/embed.cmake */
#include \"base/embed.h\"

${externs}extern const struct embed ${symbol}[];
const struct embed ${symbol}[] = {
${rows}    {0},
};
" @ONLY)
  set_source_files_properties("${base}.S" PROPERTIES OBJECT_DEPENDS "${files}")
  target_sources(${target} PRIVATE "${base}.S" "${base}.c")
endfunction()
