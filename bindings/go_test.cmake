# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# go vet and go test, with a pkg-config file for the library of this build, which is linked statically. Nothing is fetched:
# the module needs no others.
set(minimum 1.24)
find_program(go go)
if(go)
  execute_process(COMMAND ${go} version OUTPUT_VARIABLE version ERROR_QUIET)
endif()
if(NOT version MATCHES "go([0-9.]+)" OR CMAKE_MATCH_1 VERSION_LESS minimum)
  execute_process(COMMAND ${CMAKE_COMMAND} -E echo "skipped: the Go bindings need go ${minimum} or later on the PATH")
  return()
endif()
cmake_path(GET LIBRARY PARENT_PATH library_directory)
# go's cache of what it compiled, and of tests that passed, does not look at libraries in C and their headers.
file(SHA256 ${LIBRARY} library_hash)
file(SHA256 ${SOURCE}/include/anew.h header_hash)
file(WRITE ${WORK}/pkgconfig/anew.pc
     "Name: anew\nDescription: Anew as it is built\nVersion: 0\nRequires: fmt libxxhash libsodium\n"
     "Cflags: -I${SOURCE}/include -DANEW_TESTED=l${library_hash}h${header_hash}\nLibs: -L${library_directory} -l:libanew.a -lstdc++ -ldl -lpthread\n")
set(tags)
if(EXISTS ${library_directory}/libanew_wasi.a)
  file(SHA256 ${library_directory}/libanew_wasi.a library_hash)
  file(SHA256 ${SOURCE}/include/anew_wasi.h header_hash)
  file(WRITE ${WORK}/pkgconfig/anew-wasi.pc
       "Name: anew-wasi\nDescription: WASI preview 1 as it is built\nVersion: 0\nRequires: anew\n"
       "Cflags: -DANEW_WASI_TESTED=l${library_hash}h${header_hash}\nLibs: -l:libanew_wasi.a\n")
else()
  set(tags -tags=anew_no_wasi)
endif()
set(ENV{PKG_CONFIG_PATH} ${WORK}/pkgconfig)
set(ENV{ANEW_CACHE_DIR} ${WORK}/go-cache)
set(ENV{GOFLAGS} -buildvcs=false)
set(ENV{GOTOOLCHAIN} local)
set(ENV{GOPROXY} off)
foreach(command vet test)
  execute_process(COMMAND ${go} ${command} ${tags} ./... WORKING_DIRECTORY ${SOURCE}/bindings/go COMMAND_ERROR_IS_FATAL ANY)
endforeach()
