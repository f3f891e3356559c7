# Flattens the Lua scripts of schema/lua/ and writes them as one C file, each with its size and SHA1.
#
#   cmake -D LUA=schema/lua -D DEFS=schema -D OUT=BUILD/script -D SCRIPTS=apply,answer -P embed.cmake
#
# Every script starts with `#!lua`, which stays its very first line. In it, and in what it includes, these lines stand for more:
#
#   --@include NAME.lua   the contents of that file, once per script however often it is asked for
#   --@codes              local REASON = { [0] = "ok", ... }, DECIDED = { [0] = true, ... }, CODE_TEXT = { [0] = "0", ... } from code.def;
#                         from there on CODE.word becomes the number of that word
#   --@batch              local ENTRY, MS, ... = unpack(batch, 4) from batch.def
#
# Whole-line comments and blank lines are dropped (Redis keeps the text in memory); long comments and strings over several lines
# are refused, since a line in one cannot be told from a comment. OUT/NAME.lua is the flattened text: line numbers in the
# errors of Redis are its.
cmake_minimum_required(VERSION 3.25)

# `out` becomes the Lua tables made from code.def.
function(embed_codes out)
  file(READ "${DEFS}/code.def" text)
  string(REGEX MATCHALL "\nX\\(-?[0-9]+, [a-z_]+, [A-Z_]+," rows "${text}")
  set(reasons "")
  set(decided "")
  set(texts "")
  foreach(row IN LISTS rows)
    string(REGEX MATCH "X\\((-?[0-9]+), ([a-z_]+), ([A-Z_]+)," row "${row}")
    set(number "${CMAKE_MATCH_1}")
    set_property(GLOBAL PROPERTY "EMBED_CODE_${CMAKE_MATCH_2}" "${number}")
    string(APPEND texts " [${number}] = \"${number}\",")
    string(APPEND reasons " [${number}] = \"${CMAKE_MATCH_2}\",")
    if(CMAKE_MATCH_3 STREQUAL "DECIDED")
      string(APPEND decided " [${number}] = true,")
    endif()
  endforeach()
  if(reasons STREQUAL "")
    message(FATAL_ERROR "${DEFS}/code.def: no rows understood")
  endif()
  set(${out} "local REASON = {${reasons} }\nlocal DECIDED = {${decided} }\nlocal CODE_TEXT = {${texts} }\n" PARENT_SCOPE)
endfunction()

# `out` becomes one `local` statement that names the columns of the unpacked `batch`, from batch.def.
function(embed_batch out)
  file(READ "${DEFS}/batch.def" text)
  string(REGEX MATCHALL "\nX\\([A-Z_]+," rows "${text}")
  set(names "")
  foreach(row IN LISTS rows)
    string(REGEX REPLACE "\nX\\(([A-Z_]+)," "\\1" name "${row}")
    list(APPEND names "${name}")
  endforeach()
  if(names STREQUAL "")
    message(FATAL_ERROR "${DEFS}/batch.def: no rows understood")
  endif()
  string(REPLACE ";" ", " names "${names}")
  set(${out} "local ${names} = unpack(batch, 4)\n" PARENT_SCOPE)
endfunction()

# `out` becomes the line with every CODE.word replaced by its number: words in the source, no table to build at every call.
function(embed_code_words out file line)
  while("${line}" MATCHES "CODE\\.([a-z_]+)")
    set(word "${CMAKE_MATCH_1}")
    get_property(number GLOBAL PROPERTY "EMBED_CODE_${word}")
    if("${number}" STREQUAL "")
      message(FATAL_ERROR "${file}: no such code, or no --@codes before it: ${word}")
    endif()
    string(REPLACE "CODE.${word}" "${number}" line "${line}")
  endwhile()
  set(${out} "${line}\n" PARENT_SCOPE)
endfunction()

# Appends what one line stands for to the global property EMBED_TEXT. Text is never handled as a list: Lua is full of ; and [ ].
function(embed_line file line)
  set(more "")
  if("${line}" MATCHES "^--@include ([A-Za-z0-9_]+\\.lua)[ \t]*$")
    embed_file("${CMAKE_MATCH_1}")
  elseif("${line}" MATCHES "^--@codes[ \t]*$")
    embed_codes(more)
  elseif("${line}" MATCHES "^--@batch[ \t]*$")
    embed_batch(more)
  elseif("${line}" MATCHES "^--@")
    message(FATAL_ERROR "${file}: not understood: ${line}")
  elseif("${line}" MATCHES "--\\[=*\\[")
    message(FATAL_ERROR "${file}: long comments cannot be embedded: ${line}")
  elseif("${line}" MATCHES "^[ \t]*(--.*)?$")
    # a comment, or blank
  elseif("${line}" MATCHES "\\[=*\\[" AND NOT "${line}" MATCHES "\\]=*\\]")
    message(FATAL_ERROR "${file}: a string over several lines cannot be embedded: ${line}")
  else()
    embed_code_words(more "${file}" "${line}")
  endif()
  set_property(GLOBAL APPEND_STRING PROPERTY EMBED_TEXT "${more}")
endfunction()

# Appends a file's lines; nothing when this script has it already.
function(embed_file name)
  get_property(seen GLOBAL PROPERTY EMBED_SEEN)
  if("${name}" IN_LIST seen)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY EMBED_SEEN "${name}")
  file(READ "${LUA}/${name}" rest)
  list(LENGTH seen depth)
  if((depth EQUAL 0) AND NOT ("${rest}" MATCHES "^#!lua[^\n]*\n"))
    message(FATAL_ERROR "${LUA}/${name}: a script starts with the line #!lua")
  elseif((depth GREATER 0) AND ("${rest}" MATCHES "^#!"))
    message(FATAL_ERROR "${LUA}/${name}: what is included has no #! line")
  endif()
  while(NOT "${rest}" STREQUAL "")
    string(FIND "${rest}" "\n" end)
    if(end EQUAL -1)
      embed_line("${name}" "${rest}")
      break()
    endif()
    string(SUBSTRING "${rest}" 0 ${end} line)
    math(EXPR end "${end} + 1")
    string(SUBSTRING "${rest}" ${end} -1 rest)
    embed_line("${name}" "${line}")
  endwhile()
endfunction()

# `out` becomes the C definitions of one script, whose flattened text is also left in OUT.
function(embed_script name out)
  set_property(GLOBAL PROPERTY EMBED_TEXT "")
  set_property(GLOBAL PROPERTY EMBED_SEEN "")
  embed_file("${name}.lua")
  get_property(text GLOBAL PROPERTY EMBED_TEXT)
  file(WRITE "${OUT}/${name}.lua" "${text}")
  file(SHA1 "${OUT}/${name}.lua" sha1)
  file(READ "${OUT}/${name}.lua" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
  set(c "static const unsigned char ${name}_body[] = {\n${bytes}0};\n")
  string(APPEND c "const struct script script_${name} = {\"${name}\", (const char *)${name}_body, sizeof ${name}_body - 1, \"${sha1}\"};\n\n")
  set(${out} "${c}" PARENT_SCOPE)
endfunction()

set(c "/* The scripts of schema/lua/, made by embed.cmake at build time. */\n#include \"schema/script.h\"\n\n")
set(all "")
string(REPLACE "," ";" scripts "${SCRIPTS}")
foreach(name IN LISTS scripts)
  embed_script("${name}" more)
  string(APPEND c "${more}")
  string(APPEND all "&script_${name}, ")
endforeach()
string(APPEND c "const struct script *const script_all[] = {${all}NULL};\n")
file(WRITE "${OUT}/script.c" "${c}")
