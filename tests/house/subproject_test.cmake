# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Configures a project that has Anew within it: the library that runs modules alone is wanted of it, without tests, cargo,
# warnings as errors, or Substrate and what that is made with; and one of its sources and the project's own compile. (All of
# them would take minutes.)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
# Nothing of what only the command and the tests need is to be looked for.
set(absent)
foreach(package CLI11 wabt GTest benchmark nlohmann_json)
  list(APPEND absent -D CMAKE_DISABLE_FIND_PACKAGE_${package}=ON)
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -G Ninja -S ${SOURCE}/tests/house/embedding/subproject -B ${WORK} -D ANEW_SOURCE=${SOURCE}
                        -D CMAKE_CXX_COMPILER=${CXX} -D ANEW_CARGO=/none ${absent}
                COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
file(STRINGS ${WORK}/CMakeCache.txt looked_for REGEX "^pkgcfg_lib_(botan|secp256k1|zstd)_")
if(looked_for)
  message(FATAL_ERROR "without Substrate, what it is made with is not to be looked for: ${looked_for}")
endif()
file(READ ${WORK}/compile_commands.json commands)
if(commands MATCHES "-Werror" OR commands MATCHES "tests/wasm" OR commands MATCHES "src/cli"
   OR commands MATCHES "src/host/substrate")
  message(FATAL_ERROR "within another project Anew brings more than its library; see ${WORK}/compile_commands.json")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK} --target CMakeFiles/plugin.dir${SOURCE}/tests/house/embedding/plugin.cpp.o
                        anew/CMakeFiles/anew.dir/src/wasm/types.cpp.o
                COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
