# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What does not compile says what to write instead.
function(expect_refused name standard message)
  execute_process(COMMAND ${CXX} -std=${standard} -fsyntax-only -I${SOURCE}/include ${SOURCE}/tests/house/messages/${name}.cpp
                  RESULT_VARIABLE failed ERROR_VARIABLE errors OUTPUT_QUIET)
  if(NOT failed OR NOT errors MATCHES "error[^\n]*${message}")
    message(SEND_ERROR "tests/house/messages/${name}.cpp with -std=${standard}: expected an error with \"${message}\", not\n${errors}")
  endif()
endfunction()
expect_refused(parameter c++23 "a host function's parameters are")
expect_refused(result c++23 "a host function returns")
expect_refused(reference c++23 "a host function takes its arguments by value")
expect_refused(order c++23 "a host function takes Caller and host states before its arguments")
expect_refused(state c++23 "a host state is reset by")
expect_refused(generic c++23 "a host function is a function, a lambda")
expect_refused(tuple c++23 "a host function returns")
expect_refused(guest_parameter c++23 "the parameters of a guest's function are")
expect_refused(guest_result c++23 "a guest's function returns")
expect_refused(reference c++20 "Anew needs C\\+\\+23")
