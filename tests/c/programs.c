/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * WASI as a client in C has it. */
#include <anew_wasi.h>
#include <string.h>

#include "client.h"

/* Writes what it reads from standard input, then its arguments, and ends with their number as exit code. */
static const char kProgram[] =
    "(module"
    "  (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))"
    "  (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))"
    "  (import \"wasi_snapshot_preview1\" \"args_sizes_get\" (func $sizes (param i32 i32) (result i32)))"
    "  (import \"wasi_snapshot_preview1\" \"args_get\" (func $get (param i32 i32) (result i32)))"
    "  (import \"wasi_snapshot_preview1\" \"environ_sizes_get\" (func $environ (param i32 i32) (result i32)))"
    "  (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
    "  (memory (export \"memory\") 1)"
    "  (func $out (param $address i32) (param $size i32)"
    "    (i32.store (i32.const 0) (local.get $address)) (i32.store (i32.const 4) (local.get $size))"
    "    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))"
    "  (func (export \"_start\")"
    "    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 100))"
    "    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))"
    "    (call $out (i32.const 1024) (i32.load (i32.const 8)))"
    "    (drop (call $sizes (i32.const 16) (i32.const 20)))"
    "    (drop (call $get (i32.const 64) (i32.const 2048)))"
    "    (call $out (i32.const 2048) (i32.load (i32.const 20)))"
    "    (drop (call $environ (i32.const 24) (i32.const 28)))"
    "    (call $exit (i32.add (i32.load (i32.const 16)) (i32.mul (i32.const 10) (i32.load (i32.const 24)))))))";

static int finalized;
static void count_finalized(void* data) {
  (void)data;
  ++finalized;
}

static anew_error_t* read_three(void* data, void* bytes, size_t size, size_t* count) {
  CHECK(data == &finalized && size == 100);
  memcpy(bytes, "abc", 3);
  *count = 3;
  return NULL;
}
static anew_error_t* read_too_much(void* data, void* bytes, size_t size, size_t* count) {
  (void)data;
  (void)bytes;
  *count = size + 1;
  return NULL;
}
static anew_error_t* refuse(void* data, const void* bytes, size_t size) {
  (void)data;
  CHECK(bytes != NULL && size > 0);
  return anew_error_new(ANEW_ERROR_IO, ANEW_TEXT("the printer is on fire"));
}

static anew_pool_t* program_pool(const anew_wasi_options_t* options) {
  anew_linker_t* linker;
  OK(anew_linker_new(&linker));
  OK(anew_wasi_define(linker, options));
  anew_pool_t* const pool = client_pool(kProgram, linker, NULL);
  anew_linker_delete(linker);
  return pool;
}

void client_wasi(void) {
  const anew_text_t arguments[] = {{ANEW_TEXT("program")}, {ANEW_TEXT("input")}}, variables[] = {{ANEW_TEXT("A=1")}};
  const anew_wasi_input_t input = {.kind = ANEW_WASI_BYTES, .bytes = {ANEW_TEXT("some words ")}};
  const anew_wasi_output_t capture = {.kind = ANEW_WASI_CAPTURE};
  anew_wasi_options_t options = {.struct_size = sizeof options,
                                 .arguments = arguments,
                                 .argument_count = 2,
                                 .environment = variables,
                                 .environment_count = 1,
                                 .standard_input = &input,
                                 .standard_output = &capture};
  anew_pool_t* pool = program_pool(&options);
  for (int round = 0; round < 2; ++round) { /* as new each time */
    anew_lease_t* lease;
    uint32_t code = 0;
    size_t size = 1;
    OK(anew_pool_acquire(pool, &lease));
    CHECK(!anew_wasi_exit_code(lease, &code) && anew_wasi_standard_output(lease, &size) == NULL && size == 0);
    OK(anew_wasi_run(lease, &code));
    CHECK(code == 12 && anew_wasi_exit_code(lease, &code) && code == 12);
    const char* const printed = anew_wasi_standard_output(lease, &size);
    CHECK(size == 25 && memcmp(printed, "some words program\0input\0", 25) == 0);
    CHECK(anew_wasi_standard_error(lease, NULL) == NULL);
    anew_lease_release(lease);
  }
  anew_lease_t* lease;
  uint32_t code;
  size_t size;
  OK(anew_pool_acquire(pool, &lease));
  const anew_text_t other[] = {{ANEW_TEXT("x")}}, zero[] = {{ANEW_TEXT("a\0b")}};
  OK(anew_wasi_set_arguments(lease, other, 1));
  OK(anew_wasi_set_environment(lease, NULL, 0));
  OK(anew_wasi_set_standard_input(lease, "!", 1));
  FAILS(anew_wasi_set_arguments(lease, zero, 1), ANEW_ERROR_ARGUMENT, "");
  FAILS(anew_wasi_set_arguments(lease, NULL, 1), ANEW_ERROR_ARGUMENT, "null");
  OK(anew_wasi_run(lease, &code));
  CHECK(code == 1 && memcmp(anew_wasi_standard_output(lease, &size), "!x\0", 3) == 0 && size == 3);
  anew_lease_release(lease);
  anew_pool_delete(pool);

  /* Callbacks. */
  const anew_wasi_input_t reads = {
      .kind = ANEW_WASI_CALLBACK, .read = read_three, .data = &finalized, .finalize = count_finalized};
  finalized = 0;
  options.standard_input = &reads;
  pool = program_pool(&options);
  OK(anew_pool_acquire(pool, &lease));
  OK(anew_wasi_run(lease, &code));
  CHECK(memcmp(anew_wasi_standard_output(lease, &size), "abcprogram", 10) == 0);
  anew_lease_release(lease);
  CHECK(finalized == 0);
  anew_pool_delete(pool);
  CHECK(finalized == 1);
  const anew_wasi_input_t lies = {.kind = ANEW_WASI_CALLBACK, .read = read_too_much};
  const anew_wasi_output_t burns = {.kind = ANEW_WASI_CALLBACK, .write = refuse};
  options.standard_input = &lies;
  pool = program_pool(&options);
  OK(anew_pool_acquire(pool, &lease));
  FAILS(anew_wasi_run(lease, &code), ANEW_ERROR_TRAP, "101 bytes");
  anew_lease_release(lease);
  anew_pool_delete(pool);
  options.standard_input = NULL;
  options.standard_output = &burns;
  pool = program_pool(&options);
  OK(anew_pool_acquire(pool, &lease));
  FAILS(anew_wasi_run(lease, &code), ANEW_ERROR_TRAP, "the printer is on fire");
  anew_lease_release(lease);
  anew_pool_delete(pool);
  /* One callback for both. */
  const anew_wasi_output_t both = {
      .kind = ANEW_WASI_CALLBACK, .write = refuse, .data = &finalized, .finalize = count_finalized};
  options.standard_output = options.standard_error = &both;
  finalized = 0;
  pool = program_pool(&options);
  CHECK(finalized == 0);
  anew_pool_delete(pool);
  CHECK(finalized == 1);

  /* What cannot be. */
  anew_linker_t* linker;
  OK(anew_linker_new(&linker));
  const anew_wasi_directory_t nowhere = {{ANEW_TEXT("/no/such/directory")}, {ANEW_TEXT("/")}, false};
  options = (anew_wasi_options_t){.struct_size = sizeof options, .directories = &nowhere, .directory_count = 1};
  FAILS(anew_wasi_define(linker, &options), ANEW_ERROR_NOT_FOUND, "/no/such/directory");
  options = (anew_wasi_options_t){.struct_size = sizeof options, .clock = 9};
  FAILS(anew_wasi_define(linker, &options), ANEW_ERROR_ARGUMENT, "clock 9");
  const anew_wasi_output_t nothing = {.kind = ANEW_WASI_CALLBACK, .data = &finalized, .finalize = count_finalized};
  options = (anew_wasi_options_t){.struct_size = sizeof options, .standard_error = &nothing};
  finalized = 0;
  FAILS(anew_wasi_define(linker, &options), ANEW_ERROR_ARGUMENT, "no callback");
  CHECK(finalized == 1);
  FAILS(anew_wasi_define(NULL, NULL), ANEW_ERROR_ARGUMENT, "\"linker\" is null");
  anew_linker_delete(linker);
  pool = client_pool("(module)", NULL, NULL);
  OK(anew_pool_acquire(pool, &lease));
  FAILS(anew_wasi_run(NULL, &code), ANEW_ERROR_ARGUMENT, "\"lease\" is null");
  FAILS(anew_wasi_set_standard_input(lease, NULL, 0), ANEW_ERROR_ARGUMENT, "no WASI");
  CHECK(anew_wasi_standard_output(lease, &size) == NULL && !anew_wasi_exit_code(lease, &code));
  anew_lease_release(lease);
  anew_pool_delete(pool);
}
