# embed: files as bytes of a C file
#
# cmake -DOUT=files.c -DFOLDER=dir -DNAMES=index.html,app.js -P embed.cmake
# Each gets the content type of its suffix, and the beginning of its SHA-256 as its ETag.
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

string(REPLACE "," ";" names "${NAMES}")
set(arrays)
set(table)
set(i 0)
foreach(name IN LISTS names)
  get_filename_component(suffix ${name} LAST_EXT)
  string(SUBSTRING ${suffix} 1 -1 suffix)
  if(NOT DEFINED type_${suffix})
    message(FATAL_ERROR "${name}: no content type is known for .${suffix}")
  endif()
  file(READ ${FOLDER}/${name} bytes HEX)
  file(SHA256 ${FOLDER}/${name} sum)
  string(SUBSTRING ${sum} 0 16 sum)
  string(REGEX REPLACE "(................................)" "\\1\n\t" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const uint8_t file_${i}[] = {\n\t${bytes}\n};\n\n")
  string(APPEND table "\t{ \"${name}\", \"${type_${suffix}}\", \"\\\"${sum}\\\"\", file_${i}, sizeof(file_${i}) },\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE ${OUT} "/* SPDX-License-Identifier: Apache-2.0 */
/* Made by cmake/embed.cmake out of the files of vmm/console. */
#include \"console/console.h\"

${arrays}const struct console_file console_files[] = {
${table}\t{ 0 },
};
")
