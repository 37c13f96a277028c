# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Tests have names that mean something: the parameters in them are no raw bytes and no addresses.
#
#   cmake -D CTEST=... -D BUILD_DIRECTORY=... -P names_test.cmake
execute_process(COMMAND "${CTEST}" --show-only --test-dir "${BUILD_DIRECTORY}" OUTPUT_VARIABLE list
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]*(-byte object|[^:]0x[0-9a-f]+)[^\n]*" nameless "${list}")
if(nameless)
  list(JOIN nameless "\n" nameless)
  message(FATAL_ERROR "give the parameters a PrintTo:\n${nameless}")
endif()
if(NOT list MATCHES "Total Tests: [1-9][0-9][0-9]")
  message(FATAL_ERROR "the tests were not found:\n${list}")
endif()
