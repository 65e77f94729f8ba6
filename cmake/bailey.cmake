# bailey: how a folder becomes a library, and its test-*.c and fuzz-*.c its tests
#
# The include root of a library is a folder that holds one link, to itself.  A
# target sees "base/err.h" only when it links base: includes can point down only.

# bailey_include_root(target prefix folder scope): make <prefix/x.h> name folder/x.h
function(bailey_include_root target prefix folder scope)
  string(REPLACE "/" "_" flat ${prefix})
  get_filename_component(parent ${CMAKE_BINARY_DIR}/include/${flat}/${prefix} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${folder} ${CMAKE_BINARY_DIR}/include/${flat}/${prefix} SYMBOLIC)
  target_include_directories(${target} ${scope} ${CMAKE_BINARY_DIR}/include/${flat})
endfunction()

# bailey_library(name PREFIX p [DEPS public...] [PRIVATE hidden...] [EXCLUDE file.c...])
#
# All .c files of the folder, without test-*.c, fuzz-*.c and main-*.c.
function(bailey_library name)
  cmake_parse_arguments(A "" "PREFIX" "DEPS;PRIVATE;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  list(FILTER sources EXCLUDE REGEX "/(test|fuzz|main)-[^/]*\\.c$")
  foreach(x IN LISTS A_EXCLUDE)
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${x})
  endforeach()
  if(NOT sources)	# only headers so far
    set(none ${CMAKE_CURRENT_BINARY_DIR}/${name}-none.c)
    file(CONFIGURE OUTPUT ${none} CONTENT "extern int bailey_no_source;\n")
    set(sources ${none})
  endif()
  add_library(${name} STATIC ${sources})
  bailey_include_root(${name} ${A_PREFIX} ${CMAKE_CURRENT_SOURCE_DIR} PUBLIC)
  target_link_libraries(${name} PUBLIC ${A_DEPS} PRIVATE ${A_PRIVATE})
  bailey_header_check(${name} ${A_PRIVATE})

  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test-*.c)
  foreach(t IN LISTS tests)
    get_filename_component(base ${t} NAME_WE)
    string(REGEX REPLACE "^test-" "" what ${base})
    string(REPLACE "/" "-" flat ${A_PREFIX})
    bailey_test(${flat}-${what} ${t} ${name} ${A_PRIVATE})
  endforeach()
  if(BAILEY_FUZZ)
    file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz-*.c)
    foreach(f IN LISTS fuzzers)
      get_filename_component(base ${f} NAME_WE)
      bailey_fuzz(${base} ${f} ${name} ${A_PRIVATE})
    endforeach()
  endif()
endfunction()

# bailey_header_check(target hidden...): every header of the folder compiles alone; those of tests see what tests see
function(bailey_header_check name)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  file(GLOB of_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/test_*.h)
  list(REMOVE_ITEM headers ${of_tests})
  bailey_headers_alone(${name}-headers "${headers}" ${name})
  bailey_headers_alone(${name}-test-headers "${of_tests}" ${name} ${ARGN})
endfunction()

# bailey_headers_alone(name headers libs...): a unit for each
function(bailey_headers_alone name headers)
  set(units)
  foreach(h IN LISTS headers)
    get_filename_component(base ${h} NAME_WE)
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/headers/${base}-alone.c)
    file(CONFIGURE OUTPUT ${unit} CONTENT "#include \"${h}\"\nextern int bailey_header_alone;\n")
    list(APPEND units ${unit})
  endforeach()
  if(units)
    add_library(${name} OBJECT ${units})
    set_target_properties(${name} PROPERTIES C_CLANG_TIDY "")
    target_compile_definitions(${name} PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")	# as a test has it
    target_link_libraries(${name} PRIVATE ${ARGN})
  endif()
endfunction()

# bailey_test(name source libs...): one plain program, run by ctest
function(bailey_test name source)
  if(BAILEY_FUZZ)
    return()
  endif()
  add_executable(test-${name} ${source})
  set_target_properties(test-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(test-${name} PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(test-${name} PRIVATE ${ARGN})
  add_test(NAME unit-${name} COMMAND test-${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set_tests_properties(unit-${name} PROPERTIES LABELS unit TIMEOUT 120)
endfunction()

# bailey_fuzz(name source libs...): a libFuzzer target with its corpus in tests/fuzz/corpus/
function(bailey_fuzz name source)
  add_executable(${name} ${source})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE ${ARGN})
  string(REGEX REPLACE "^fuzz-" "" what ${name})
  set(found ${CMAKE_BINARY_DIR}/corpus/${what})
  set(seeds ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${what})
  file(MAKE_DIRECTORY ${found})
  if(NOT EXISTS ${seeds})
    set(seeds)
  endif()
  add_test(NAME ${name} COMMAND ${name} -max_total_time=${BAILEY_FUZZ_SECONDS} -timeout=10
    -rss_limit_mb=2048 -print_final_stats=1 ${found} ${seeds})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 600)
endfunction()

# bailey_program(name main.c libs...): an executable in build/<preset>/bin
function(bailey_program name source)
  if(BAILEY_FUZZ)
    return()
  endif()
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${ARGN})
endfunction()
