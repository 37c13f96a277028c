/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * WASI preview 1, and WASI 0.2 for components, from C, of libanew_wasi: what programs of ordinary toolchains (C, C++,
 * Rust, Go) import. C11, and C++. The rules at the top of anew.h hold here; docs/wasi.md says what is there and what
 * the sandbox promises.
 *
 *   const anew_text_t arguments[] = {{ANEW_TEXT("program")}, {ANEW_TEXT("input.txt")}};
 *   const anew_wasi_directory_t data = {{ANEW_TEXT("/srv/data")}, {ANEW_TEXT("/data")}, true};
 *   const anew_wasi_output_t output = {.kind = ANEW_WASI_CAPTURE};
 *   const anew_wasi_options_t options = {.struct_size = sizeof(options), .arguments = arguments, .argument_count = 2,
 *                                        .directories = &data, .directory_count = 1, .standard_output = &output};
 *   error = anew_wasi_define(linker, &options);
 *   ...
 *   error = anew_wasi_run(lease, &exit_code);
 *   const char* printed = anew_wasi_standard_output(lease, &size);
 */
#ifndef ANEW_WASI_H
#define ANEW_WASI_H

#include <anew.h>
#include <anew_component.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A directory of the host that the guest finds under a name of its own, with all that lies in it and nothing else. */
typedef struct anew_wasi_directory_t {
  anew_text_t host_path;
  anew_text_t guest_path; /* "/data", "." */
  bool read_only;         /* nothing in it can be created, changed, renamed or removed */
} anew_wasi_directory_t;

typedef uint32_t anew_wasi_stream_t;
enum {
  ANEW_WASI_NULL = 0,       /* reading finds the end at once; what is written is dropped */
  ANEW_WASI_DESCRIPTOR = 1, /* a file, pipe, terminal or socket of this process, which is duplicated */
  ANEW_WASI_BYTES = 2,      /* of input: these bytes, then the end */
  ANEW_WASI_CAPTURE = 3,    /* of output: kept until the lease goes */
  ANEW_WASI_CALLBACK = 4    /* called by the threads of all leases, maybe at once */
};

/* Where standard input comes from. All zero: ANEW_WASI_NULL. */
typedef struct anew_wasi_input_t {
  anew_wasi_stream_t kind;
  int32_t descriptor;
  anew_text_t bytes; /* copied */
  /* Fills what it likes of the bytes, which are never none, and stores how many; 0 is the end. An error ends the
   * guest's call with its message. */
  anew_error_t* (*read)(void* data, void* bytes, size_t size, size_t* count);
  void* data;
  anew_finalizer_t finalize;
} anew_wasi_input_t;

/* Where standard output or standard error goes. */
typedef struct anew_wasi_output_t {
  anew_wasi_stream_t kind;
  int32_t descriptor;
  uint64_t maximum_bytes; /* of ANEW_WASI_CAPTURE: past it writes fail with "no space"; 0: 16 MiB */
  /* Takes all bytes. An error ends the guest's call with its message. */
  anew_error_t* (*write)(void* data, const void* bytes, size_t size);
  void* data;
  anew_finalizer_t finalize;
} anew_wasi_output_t;

typedef uint32_t anew_wasi_clock_t;
enum {
  ANEW_WASI_CLOCK_COARSE = 0,   /* the system's time to the millisecond */
  ANEW_WASI_CLOCK_FINE = 1,     /* the system's time as it is */
  ANEW_WASI_CLOCK_SIMULATED = 2 /* the same in each lease */
};

/* The defaults give nothing: no directory, no stream, no environment. */
typedef struct anew_wasi_options_t {
  size_t struct_size;
  const anew_text_t* arguments; /* the program's name first */
  size_t argument_count;
  const anew_text_t* environment; /* "NAME=value" */
  size_t environment_count;
  const anew_wasi_directory_t* directories; /* descriptors 3, 4 and so on */
  size_t directory_count;
  const int32_t* sockets; /* listening or connected; descriptors behind the directories */
  size_t socket_count;
  const anew_wasi_input_t* standard_input; /* null: ANEW_WASI_NULL */
  const anew_wasi_output_t* standard_output;
  const anew_wasi_output_t* standard_error;
  anew_wasi_clock_t clock;
  bool has_random_seed; /* random bytes are the same in each lease, made from the seed */
  uint64_t random_seed;
  uint32_t maximum_descriptors; /* that a lease may have at once; 0: the default */
  /* Of components, which may open sockets to or at these alone: "127.0.0.1:5432", "[::1]:5432", "10.0.0.0/8:443"; without
   * a port all are meant. */
  const anew_text_t* connect; /* what TCP may connect to, and UDP exchange datagrams with */
  size_t connect_count;
  const anew_text_t* listen; /* where TCP may listen, and UDP receive of everybody */
  size_t listen_count;
  const anew_text_t* look_up; /* names: "db.example.org", "*.example.org", "*" for all */
  size_t look_up_count;
} anew_wasi_options_t;

/* Defines the functions of wasi_snapshot_preview1. Directories are opened, and descriptors duplicated, now. One thread
 * at a time, as all of a linker. ANEW_ERROR_NOT_FOUND or IO for a directory that cannot be opened or a descriptor that
 * is none; ARGUMENT. */
ANEW_C_API anew_error_t* anew_wasi_define(anew_linker_t* linker, const anew_wasi_options_t* options);

/* What follows is for a lease whose linker has WASI, used as the lease is: by one thread at a time. ANEW_ERROR_ARGUMENT
 * for another lease. */

/* Calls the program's `_start`. Stores the exit code, 0 if it returned. ANEW_ERROR_NOT_FOUND if the module is no
 * program; TRAP for every other end. */
ANEW_C_API anew_error_t* anew_wasi_run(anew_lease_t* lease, uint32_t* exit_code);
/* In place of the options', for this lease. */
ANEW_C_API anew_error_t* anew_wasi_set_arguments(anew_lease_t* lease, const anew_text_t* arguments, size_t count);
ANEW_C_API anew_error_t* anew_wasi_set_environment(anew_lease_t* lease, const anew_text_t* environment, size_t count);
ANEW_C_API anew_error_t* anew_wasi_set_standard_input(anew_lease_t* lease, const void* bytes, size_t size);
/* What the calls of this lease wrote to an ANEW_WASI_CAPTURE, and its size; not ended by a zero. Good until the guest
 * writes again or the lease is released. Null if there is nothing. */
ANEW_C_API const char* anew_wasi_standard_output(const anew_lease_t* lease, size_t* size);
ANEW_C_API const char* anew_wasi_standard_error(const anew_lease_t* lease, size_t* size);
/* Stores what the guest gave to proc_exit, which ends a call with ANEW_ERROR_TRAP. Returns false, storing nothing, if
 * it did not call it since the lease was taken. */
ANEW_C_API bool anew_wasi_exit_code(const anew_lease_t* lease, uint32_t* exit_code);

/* The same for components, with the same options: the interfaces of WASI 0.2 that programs import (wasi:io, wasi:cli,
 * wasi:clocks, wasi:random, wasi:filesystem, wasi:sockets). */
ANEW_C_API anew_error_t* anew_wasi_component_define(anew_component_linker_t* linker,
                                                    const anew_wasi_options_t* options);
/* Calls wasi:cli/run. The exit code is 0 if that returned ok, and 1 if it returned an error. */
ANEW_C_API anew_error_t* anew_wasi_component_run(anew_component_lease_t* lease, uint32_t* exit_code);
ANEW_C_API anew_error_t* anew_wasi_component_set_arguments(anew_component_lease_t* lease, const anew_text_t* arguments,
                                                           size_t count);
ANEW_C_API anew_error_t* anew_wasi_component_set_environment(anew_component_lease_t* lease,
                                                             const anew_text_t* environment, size_t count);
ANEW_C_API anew_error_t* anew_wasi_component_set_standard_input(anew_component_lease_t* lease, const void* bytes,
                                                                size_t size);
ANEW_C_API const char* anew_wasi_component_standard_output(const anew_component_lease_t* lease, size_t* size);
ANEW_C_API const char* anew_wasi_component_standard_error(const anew_component_lease_t* lease, size_t* size);
/* What the guest gave to wasi:cli/exit. */
ANEW_C_API bool anew_wasi_component_exit_code(const anew_component_lease_t* lease, uint32_t* exit_code);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ANEW_WASI_H */
