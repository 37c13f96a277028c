# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs the build in BUILD_DIRECTORY to a prefix of its own, builds EXAMPLE against it (WAY: find_package or
# pkg_config) and compares what it prints.
set(work ${BUILD_DIRECTORY}/install_test/${WAY})
set(prefix ${work}/prefix)
file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work})

macro(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work} COMMAND_ERROR_IS_FATAL ANY OUTPUT_VARIABLE output
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
endmacro()

set(flags "")
if(SANITIZE)
  set(flags -fsanitize=${SANITIZE})
endif()

run(${CMAKE_COMMAND} --install ${BUILD_DIRECTORY} --prefix ${prefix})
if(WAY STREQUAL "find_package")
  run(${CMAKE_COMMAND} -S ${EXAMPLE} -B ${work}/build -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX}
      -D CMAKE_CXX_FLAGS=${flags})
  run(${CMAKE_COMMAND} --build ${work}/build)
  run(${work}/build/counter)
else()
  set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
  run(pkg-config --cflags anew)
  separate_arguments(compile_flags UNIX_COMMAND "${output}")
  run(pkg-config --libs anew)
  separate_arguments(link_flags UNIX_COMMAND "${output}")
  run(${CXX} ${flags} ${compile_flags} ${EXAMPLE}/main.cpp -o ${work}/counter ${link_flags})
  run(${work}/counter)
endif()

set(expected "an instance: 1 2 3\nanother:     1 2 3")
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "the example printed\n${output}\ninstead of\n${expected}")
endif()
