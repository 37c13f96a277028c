# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs the build in BUILD_DIRECTORY to a prefix of its own, builds programs against it and compares what they print.
# WAY is
#   find_package       the examples in SOURCE, with the static libraries; one of them with the shared one
#   packages           two of them, by pkg-config, of Debian packages that are made of the build and unpacked; and what the
#                      packages bring beside the libraries
#   thread_sanitizer   the one with a deadline, built with ThreadSanitizer
#   shared_object      two shared objects that hold Anew, in one process, loaded, unloaded and loaded again
set(EXAMPLES ${SOURCE}/examples)
set(work ${BUILD_DIRECTORY}/install_test/${WAY})
set(prefix ${work}/prefix)
file(REMOVE_RECURSE ${work})
file(MAKE_DIRECTORY ${work}/build)
set(ENV{ANEW_CACHE_DIR} ${work}/cache)

set(expected_call [[
calls: mutable i32
next: [] -> [i32]
divide: [i32 i32] -> [i32 i32]
an instance: 1 2 3
another:     1 2 3
by name: 1
17 by 5: 3, remainder 2
16 by 3: 5, remainder 1
the global: 1
not found: the module exports no function "nex"; did you mean "next"?
wrong argument: the function "next" is [] -> [i32], but is called as [] -> [f64]
integer divide by zero
  at quotient, function 1, byte 0x6f of the module
  at divide, function 2, byte 0x77 of the module
an instance: 1 2 3
another:     1 2 3]])
set(expected_host_functions [[
Hello, Ada Lovelace
  its journal: looking one up
host function failed: nobody is called "Bob"
  at env.full_name, function 1, a call of the host
  at greet, function 3, byte 0x89 of the module
  its journal: looking one up
Hello, Alan Turing
  its journal: looking one up]])
set(expected_embed [[
count: 1 2 3
count: 1 2 3
hello from the guest
and hello from the host
42 by -6: -7
integer divide by zero
  at divide, function 4, byte 0xa2 of the module
trap: interrupted: the call's deadline passed]])
set(expected_service [[
request 0: the sum is 500500, for 12001 units of fuel
request 1: the sum is 2001000, for 24001 units of fuel
request 2: the sum is 4501500, for 36001 units of fuel
request 3: out of fuel
request 4: the sum is 12502500, for 60001 units of fuel
request 5: interrupted: the call's deadline passed
request 6: the sum is 24503500, for 84001 units of fuel
request 7: the sum is 32004000, for 96001 units of fuel
drain: 1 of the pool's instances are still leased at the deadline: give the leases back, or stop the calls with Pool::shutdown
the job: interrupted: the pool was shut down
acquire: the pool is closed (Pool::drain, Pool::shutdown): make another pool
9 leases, 0 out now, 2 kills, 1 other traps]])
set(expected_blocks [[
Polkadot, genesis state 0x29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17
block 1: 2 extrinsics, 37 changes, state 0xc56fcd6e7a757926ace3e1ecff9b4010fc78b90d459202a339266a7f6360002f
block 1: 2 extrinsics, 37 changes, state 0xc56fcd6e7a757926ace3e1ecff9b4010fc78b90d459202a339266a7f6360002f
a nonce: 4 bytes
again: unreachable; the runtime said: panicked at 'Timestamp must increment by at least <MinimumPeriod> between sequential blocks', /rustc/2454a68cfbb63aa7b8e09fe05114d5f98b2f9740/src/libcore/macros/mod.rs:10:9]])

macro(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work} COMMAND_ERROR_IS_FATAL ANY OUTPUT_VARIABLE output
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
endmacro()

# Runs an example with its module, or with the arguments given.
macro(run_example name)
  if(${ARGC} GREATER 1)
    run(${work}/build/${name} ${ARGN})
  else()
    run(${work}/build/${name} ${work}/build/${name}.wasm)
  endif()
  if(NOT output STREQUAL expected_${name})
    message(FATAL_ERROR "${name} printed\n${output}\ninstead of\n${expected_${name}}")
  endif()
endmacro()

set(blocks_arguments ${CHAIN_SPECS}/polkadot.json ${SOURCE}/tests/data/substrate/polkadot-block-1.hex)

# An embedder's warnings are not to come from the headers.
set(flags -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror)
if(SANITIZE)
  list(APPEND flags -fsanitize=${SANITIZE})
endif()

# Compiles with what pkg-config says of a library: compile(LIBRARY static|shared OUTPUT FLAGS_AND_SOURCES...). The names of
# static libraries are said in full, as docs/embedding.md has it: the linker prefers shared ones.
macro(compile library kind output_file)
  set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
  run(pkg-config --cflags ${library})
  separate_arguments(compile_flags UNIX_COMMAND "${output}")
  if(${kind} STREQUAL "static")
    run(pkg-config --libs --static ${library})
    string(REGEX REPLACE "-l(anew[_a-z]*)" "-l:lib\\1.a" output "${output}")
  else()
    run(pkg-config --libs ${library})
    string(APPEND output " -Wl,-rpath,${prefix}/${LIBDIR}")
  endif()
  separate_arguments(link_flags UNIX_COMMAND "${output}")
  run(${CXX} -std=c++23 ${flags} ${compile_flags} ${ARGN} -o ${output_file} ${link_flags})
endmacro()

# Whoever runs modules alone needs nothing of the chains' cryptography.
macro(expect_no_cryptography program)
  run(objdump -p ${program})
  if(NOT output MATCHES "NEEDED +libsodium" OR output MATCHES "NEEDED +lib(botan|secp256k1|zstd)")
    message(FATAL_ERROR "${program} is to need libsodium, and not what libanew_substrate is made with:\n${output}")
  endif()
endmacro()

# Of Anew's libraries it needs the shared one, and what that needs it finds by itself.
macro(expect_shared program)
  run(objdump -p ${program})
  if(NOT output MATCHES "NEEDED +libanew.so.1" OR output MATCHES "NEEDED +lib(sodium|xxhash|fmt)")
    message(FATAL_ERROR "${program} is to need libanew.so.1, and nothing that this is made with:\n${output}")
  endif()
endmacro()

if(WAY STREQUAL "packages")
  set(prefix ${work}/root/usr)
  run(${CMAKE_CPACK_COMMAND} --config ${BUILD_DIRECTORY}/CPackConfig.cmake -B ${work}/packages)
  file(GLOB files ${work}/packages/*.deb)
  foreach(file IN LISTS files)
    run(dpkg-deb --extract ${file} ${work}/root)
  endforeach()
else()
  run(${CMAKE_COMMAND} --install ${BUILD_DIRECTORY} --prefix ${prefix})
endif()
if(WAY STREQUAL "find_package")
  list(JOIN flags " " flags)
  run(${CMAKE_COMMAND} -S ${EXAMPLES} -B ${work}/build -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${CXX}
      -D CMAKE_CXX_FLAGS=${flags} -D CMAKE_C_FLAGS=${flags})
  run(${CMAKE_COMMAND} --build ${work}/build --parallel 2)
  run_example(call)
  expect_no_cryptography(${work}/build/call)
  run_example(host_functions)
  run_example(service)
  run_example(embed)
  run_example(blocks ${blocks_arguments})
  run(${CMAKE_COMMAND} -D BUILD_SHARED_LIBS=ON ${work}/build)
  run(${CMAKE_COMMAND} --build ${work}/build --target call embed)
  run_example(call)
  expect_shared(${work}/build/call)
  run_example(embed)
  expect_shared(${work}/build/embed)
elseif(WAY STREQUAL "packages")
  # What a package says of itself: expect_field(PACKAGE FIELD REGEX).
  macro(expect_field package field regex)
    file(GLOB file ${work}/packages/${package}_*.deb)
    run(dpkg-deb --field ${file} ${field})
    if(NOT output MATCHES "${regex}")
      message(FATAL_ERROR "${package}'s ${field} is not to be \"${output}\"")
    endif()
  endmacro()
  expect_field(anew Depends "libc6.*libfmt")
  expect_field(libanew1 Depends "libsodium")
  expect_field(libanew-dev Depends "libanew1 .= ")
  expect_field(libanew-substrate1 Depends "libanew1 .= .*libbotan-2")
  run(${prefix}/bin/anew --version)
  run(${prefix}/bin/anew call ${EXAMPLES}/call.wat next)
  if(NOT output STREQUAL "1")
    message(FATAL_ERROR "the packaged command gives ${output}")
  endif()
  foreach(file share/man/man1/anew.1.gz share/man/man1/anew-call.1.gz share/bash-completion/completions/anew
               share/doc/libanew1/copyright share/doc/libanew1/changelog.Debian.gz)
    if(NOT EXISTS ${prefix}/${file})
      message(FATAL_ERROR "the packages lack ${file}")
    endif()
  endforeach()
  compile(anew shared ${work}/build/call ${EXAMPLES}/call.cpp)
  run(wat2wasm --debug-names ${EXAMPLES}/call.wat -o ${work}/build/call.wasm)
  run_example(call)
  expect_shared(${work}/build/call)
  compile(anew-substrate static ${work}/build/blocks ${EXAMPLES}/blocks.cpp)
  run_example(blocks ${blocks_arguments})
elseif(WAY STREQUAL "thread_sanitizer")
  compile(anew static ${work}/build/service -fsanitize=thread ${EXAMPLES}/service.cpp)
  run(wat2wasm --debug-names ${EXAMPLES}/service.wat -o ${work}/build/service.wasm)
  run_example(service)
else()
  foreach(number 1 2)
    set(plugin ${work}/build/plugin${number}.so)
    compile(anew static ${plugin} -shared -fPIC ${SOURCE}/tests/house/embedding/plugin.cpp)
    list(APPEND plugins ${plugin})
    # Its own function, and those that its own code instantiates; nothing that lies in Anew's library.
    run(bash -c "nm --dynamic --defined-only --extern-only ${plugin} | c++filt | grep -E ' (anew|asmjit)[A-Za-z0-9_:]*(detail|abi|wasm|codegen|BaseEmitter|CodeHolder)::' | grep ' T ' || true")
    if(output)
      message(FATAL_ERROR "${plugin} shows symbols of Anew:\n${output}")
    endif()
  endforeach()
  run(${CXX} ${flags} -std=c++23 ${SOURCE}/tests/house/embedding/load_plugins.cpp -o ${work}/build/load_plugins -ldl)
  run(${work}/build/load_plugins ${plugins})
  if(NOT output STREQUAL "ran in 2 shared objects, loaded three times each")
    message(FATAL_ERROR "${output}")
  endif()
endif()
