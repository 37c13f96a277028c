# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# asmjit, as objects that can also be linked into shared objects, in ANEW_ASMJIT_OBJECTS: they become part of libanew.a.
#
# Debian has a static library only, compiled for executables. What keeps it out of shared objects is one reference to
# the C library's `stderr`, from the function that reports failed assertions: it becomes one to a variable of Anew's
# (src/codegen/quick/x86_64/asmjit_stderr.cpp). The rest is position-independent, calls go through the procedure linkage table.
find_package(asmjit REQUIRED)
get_target_property(asmjit_type asmjit::asmjit TYPE)
if(NOT asmjit_type STREQUAL "STATIC_LIBRARY")
  message(FATAL_ERROR "Anew takes asmjit's static library into its own, but the one found is a ${asmjit_type}. Install Debian's libasmjit-dev, or build asmjit with -DASMJIT_STATIC=ON and set asmjit_DIR.")
endif()
get_target_property(asmjit_archive asmjit::asmjit LOCATION)
set(asmjit_objects ${PROJECT_BINARY_DIR}/asmjit)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${asmjit_archive})
if(${asmjit_archive} IS_NEWER_THAN ${asmjit_objects}/asmjit.a)
  file(REMOVE_RECURSE ${asmjit_objects})
  file(MAKE_DIRECTORY ${asmjit_objects})
  execute_process(COMMAND ${CMAKE_OBJCOPY} --redefine-sym stderr=anew_asmjit_stderr ${asmjit_archive} ${asmjit_objects}/asmjit.a
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_AR} x asmjit.a WORKING_DIRECTORY ${asmjit_objects} COMMAND_ERROR_IS_FATAL ANY)
endif()
file(GLOB ANEW_ASMJIT_OBJECTS ${asmjit_objects}/*.o)

# Its headers alone: the code is in Anew.
add_library(anew_asmjit INTERFACE)
target_include_directories(anew_asmjit SYSTEM INTERFACE $<TARGET_PROPERTY:asmjit::asmjit,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_options(anew_asmjit INTERFACE $<TARGET_PROPERTY:asmjit::asmjit,INTERFACE_COMPILE_OPTIONS>)
