# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Compares include/anew/wasm-c-api/wasm.h with the standard's header, which it takes from a package of crates.io: both have
# the same functions, of the same types, with the same layouts and numbers; and the client of this folder, compiled with the
# standard's, runs with libanew.
#
#   cmake -D WORK= -D SOURCE= -D CC= -D CXX= -D CFLAGS= -D LIBRARY= -P header_test.cmake
cmake_policy(VERSION 3.25)
set(package wasmtime-c-api-impl-48.0.8)
set(sha256 8dfcfe09bf02aa65ff67dd14322408dfba2d63bd09e43df5bfc4ada75e6ebd2f)

# cargo downloads a package when it is asked what that is.
set(cargo_home $ENV{CARGO_HOME})
if(NOT cargo_home)
  set(cargo_home $ENV{HOME}/.cargo)
endif()
file(GLOB archive ${cargo_home}/registry/cache/*/${package}.crate)
if(NOT archive)
  file(MAKE_DIRECTORY ${WORK})
  execute_process(COMMAND cargo info --quiet wasmtime-c-api-impl@48.0.8 WORKING_DIRECTORY ${WORK} TIMEOUT 120
                  OUTPUT_QUIET ERROR_VARIABLE reason RESULT_VARIABLE result)
  file(GLOB archive ${cargo_home}/registry/cache/*/${package}.crate)
endif()
if(NOT archive)
  message("SKIPPED: cargo could not fetch ${package} from crates.io: ${result} ${reason}")
  return()
endif()
list(GET archive 0 archive)
file(SHA256 ${archive} found)
if(NOT found STREQUAL sha256)
  message(FATAL_ERROR "${archive} is not the package that is expected: its SHA-256 is ${found}, not ${sha256}")
endif()
file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${WORK} PATTERNS ${package}/include/wasm.h)
set(standard ${WORK}/${package}/include)
set(own ${SOURCE}/include/anew/wasm-c-api)
separate_arguments(CFLAGS)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nfailed: ${result}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# The declarations of a header, each with the mark that stands before it; and the names of what they declare.
function(read_declarations directory declarations names)
  run(${CC} -E -P -x c -D WASM_API_EXTERN=DECLARED ${directory}/wasm.h)
  string(REGEX REPLACE "[\n\t ]+" " " output "${output}")
  string(REPLACE ";" "\n" output "${output}")  # elements of lists have none
  string(REGEX MATCHALL "DECLARED [^\n]*" found "${output}")
  list(TRANSFORM found REPLACE "^DECLARED " "")
  set(${declarations} "${found}" PARENT_SCOPE)
  list(TRANSFORM found REPLACE "^[^(]*[ *](wasm_[a-z0-9_]+) ?\\(.*" "\\1")
  list(SORT found)
  set(${names} "${found}" PARENT_SCOPE)
endfunction()
read_declarations(${standard} theirs their_names)
read_declarations(${own} ours our_names)
list(LENGTH their_names count)
if(count LESS 250)
  message(FATAL_ERROR "only ${count} functions were found in the standard's header")
endif()
if(NOT their_names STREQUAL our_names)
  set(missing ${their_names})
  list(REMOVE_ITEM missing ${our_names})
  set(added ${our_names})
  list(REMOVE_ITEM added ${their_names})
  message(FATAL_ERROR "the headers declare other functions; ours lacks: ${missing}; and has besides: ${added}")
endif()

# A C compiler refuses a second declaration of a function with another type.
set(code "#include <wasm.h>\n#include <stddef.h>\n")
foreach(declaration IN LISTS ours)
  string(APPEND code "${declaration};\n")
endforeach()
string(APPEND code "typedef void (*function)(void);\nconst function every_function[] = {\n")
foreach(name IN LISTS their_names)
  string(APPEND code "(function)${name},\n")
endforeach()
string(APPEND code "};\n")
# What the types are: the same numbers with both headers.
set(layout "#include <stddef.h>\n#include <wasm.h>\nconst size_t LAYOUT[] = {")
foreach(type byte_t wasm_byte_vec_t wasm_extern_vec_t wasm_val_vec_t wasm_limits_t wasm_val_t wasm_valkind_t wasm_externkind_t
        wasm_mutability_t wasm_table_size_t wasm_memory_pages_t wasm_message_t)
  string(APPEND layout "sizeof(${type}), ")
endforeach()
foreach(place "wasm_byte_vec_t, data" "wasm_val_vec_t, data" "wasm_limits_t, max" "wasm_val_t, of")
  string(APPEND layout "offsetof(${place}), ")
endforeach()
foreach(number WASM_CONST WASM_VAR WASM_I32 WASM_I64 WASM_F32 WASM_F64 WASM_EXTERNREF WASM_FUNCREF WASM_EXTERN_FUNC
        WASM_EXTERN_GLOBAL WASM_EXTERN_TABLE WASM_EXTERN_MEMORY WASM_EXTERN_TAG)
  string(APPEND layout "${number}, ")
endforeach()
string(APPEND layout "(wasm_byte_t)-1 < 0};\nconst size_t LAYOUT_size = sizeof(LAYOUT);\n")
file(WRITE ${WORK}/functions.c "${code}")
file(WRITE ${WORK}/layout.c "${layout}")
file(WRITE ${WORK}/compare.c "#include <stddef.h>
#include <string.h>
extern const size_t theirs[], ours[], theirs_size, ours_size;
__attribute__((constructor)) static void compare(void) {
  if (theirs_size != ours_size || memcmp(theirs, ours, theirs_size) != 0) __builtin_trap();
}
")
set(objects)
function(compile name source)
  run(${CC} -std=c11 -Wall -Wextra -Werror ${CFLAGS} ${ARGN} -c ${source} -o ${WORK}/${name}.o)
  set(objects ${objects} ${WORK}/${name}.o PARENT_SCOPE)
endfunction()
compile(functions ${WORK}/functions.c -I ${standard})
compile(theirs ${WORK}/layout.c -I ${standard} -D LAYOUT=theirs -D LAYOUT_size=theirs_size)
compile(ours ${WORK}/layout.c -I ${own} -D LAYOUT=ours -D LAYOUT_size=ours_size)
compile(compare ${WORK}/compare.c)
compile(client ${SOURCE}/tests/c/standard/client.c -I ${standard})
run(${CXX} ${CFLAGS} ${objects} ${LIBRARY} -lfmt -lxxhash -lsodium -ldl -lpthread -o ${WORK}/client)
run(${WORK}/client)
message("${count} functions; ${output}")
