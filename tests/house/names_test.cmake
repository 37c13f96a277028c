# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Tests have names that mean something: the parameters in them are words, not numbers, raw bytes or addresses.
#
#   cmake -D CTEST=... -D BUILD_DIRECTORY=... -P names_test.cmake
execute_process(COMMAND "${CTEST}" --show-only --test-dir "${BUILD_DIRECTORY}" OUTPUT_VARIABLE list
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "Test +#[0-9]+: ([^\n]*[^A-Za-z0-9_./\n][^\n]*|[^\n]*/[0-9]+)\n" nameless "${list}")
if(nameless)
  list(JOIN nameless "" nameless)
  message(FATAL_ERROR "give INSTANTIATE_TEST_SUITE_P names, such as name_of of tests/support/print.hpp:\n${nameless}")
endif()
if(NOT list MATCHES "Total Tests: [1-9][0-9][0-9]")
  message(FATAL_ERROR "the tests were not found:\n${list}")
endif()
