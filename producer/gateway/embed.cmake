# Writes files as one C file: for each `const char gateway_NAME[]` and its size.
#
#   cmake -D OUT=FILE.c -D FILES=NAME=PATH,NAME=PATH -P embed.cmake
cmake_minimum_required(VERSION 3.25)

set(text "/* Made by producer/gateway/embed.cmake. */\n#include <stddef.h>\n\n#include \"producer/gateway/embedded.h\"\n")
string(REPLACE "," ";" FILES "${FILES}")
foreach(file IN LISTS FILES)
  string(REGEX MATCH "^([a-z_]+)=(.*)$" ignored "${file}")
  set(name "${CMAKE_MATCH_1}")
  file(READ "${CMAKE_MATCH_2}" bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND text "\nconst char gateway_${name}[] = {${bytes}0};\nconst size_t gateway_${name}_size = sizeof gateway_${name} - 1;\n")
endforeach()
file(WRITE "${OUT}" "${text}")
