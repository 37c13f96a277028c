/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Anew from C: a host function, calls by handle and by name, a guest's memory, errors with their backtrace, a deadline.
 */
#include <anew.h>
#include <stdio.h>
#include <string.h>

/* What the guest imports as env.print: (address: i32, size: i32). */
static anew_error_t* print(void* stream, anew_caller_t* caller, uint64_t* slots) {
  anew_memory_t memory;
  const uint8_t* text;
  anew_error_t* error = anew_caller_memory(caller, NULL, 0, &memory);
  if (!error) error = anew_memory_view(&memory, slots[0], slots[1], &text); /* checked: the guest may say anything */
  if (error) return error;                                                  /* which traps, with these words */
  fwrite(text, 1, slots[1], stream);
  fputc('\n', stream);
  return NULL;
}

static anew_error_t* make_linker(anew_linker_t** linker) {
  const anew_type_t parameters[] = {ANEW_I32, ANEW_I32};
  const anew_function_type_t type = {parameters, 2, NULL, 0};
  anew_error_t* error = anew_linker_new(linker);
  if (!error)
    error = anew_linker_define_slots(*linker, ANEW_TEXT("env"), ANEW_TEXT("print"), &type, print, stdout, NULL);
  return error;
}

/* Two leases, one after the other: the second sees nothing of the first. */
static anew_error_t* count(const anew_pool_t* pool) {
  anew_function_t* next = NULL;
  const anew_type_t results[] = {ANEW_I32};
  const anew_function_type_t type = {NULL, 0, results, 1};
  anew_error_t* error = anew_pool_function(pool, ANEW_TEXT("next"), &type, &next); /* looked up and checked once */
  for (int round = 0; round < 2 && !error; ++round) {
    anew_lease_t* lease = NULL;
    error = anew_pool_acquire(pool, &lease); /* an instance as new */
    printf("count:");
    for (int i = 0; i < 3 && !error; ++i) {
      uint64_t slots[1];
      error = anew_lease_call(lease, next, slots, 1);
      if (!error) printf(" %u", (unsigned)slots[0]);
    }
    printf("\n");
    anew_lease_release(lease); /* restored here */
  }
  anew_function_delete(next);
  return error;
}

/* By name, and through the guest's memory. */
static anew_error_t* call_by_name(anew_lease_t* lease) {
  static const char words[] = "and hello from the host";
  anew_memory_t memory;
  anew_error_t* error = anew_lease_call_values(lease, ANEW_TEXT("greet"), NULL, 0, NULL, 0);
  if (!error) error = anew_lease_memory(lease, ANEW_TEXT("memory"), &memory);
  if (!error) error = anew_memory_write(&memory, 64, words, strlen(words));
  if (error) return error;
  const anew_value_t size = anew_value_i32((int32_t)strlen(words));
  error = anew_lease_call_values(lease, ANEW_TEXT("echo"), &size, 1, NULL, 0);
  if (error) return error;

  const anew_value_t arguments[] = {anew_value_i32(42), anew_value_i32(-6)};
  anew_value_t quotient;
  error = anew_lease_call_values(lease, ANEW_TEXT("divide"), arguments, 2, &quotient, 1);
  if (!error) printf("42 by -6: %d\n", quotient.of.i32);
  return error;
}

/* What goes wrong is an error: a code, a message, and of a trap its kind and frames. */
static void fail_in_two_ways(const anew_pool_t* pool) {
  anew_lease_t* lease = NULL;
  const anew_value_t by_zero[] = {anew_value_i32(1), anew_value_i32(0)};
  anew_value_t quotient;
  anew_error_t* error = anew_pool_acquire(pool, &lease);
  if (!error) error = anew_lease_call_values(lease, ANEW_TEXT("divide"), by_zero, 2, &quotient, 1);
  if (anew_error_trap(error) == ANEW_TRAP_INTEGER_DIVIDE_BY_ZERO) printf("%s\n", anew_error_text(error));
  anew_error_delete(error);
  anew_lease_release(lease); /* what a trap leaves is nobody's to use; the next lease is as new */

  error = anew_pool_acquire(pool, &lease);
  if (!error) {
    anew_lease_set_deadline(lease, anew_deadline_after(20 * 1000 * 1000));
    error = anew_lease_call_values(lease, ANEW_TEXT("forever"), NULL, 0, NULL, 0);
  }
  printf("%s: %s\n", anew_error_code_name(anew_error_code(error)), anew_error_message(error));
  anew_error_delete(error);
  anew_lease_release(lease);
}

static anew_error_t* run(const char* path) {
  anew_engine_t* engine = NULL;
  anew_module_t* module = NULL;
  anew_linker_t* linker = NULL;
  anew_pool_t* pool = NULL;
  anew_lease_t* lease = NULL;
  const anew_pool_options_t options = {.struct_size = sizeof(options), .capacity = 4}; /* all others: the defaults */
  anew_error_t* error = anew_engine_new(NULL, &engine);
  if (!error) error = anew_engine_load(engine, path, strlen(path), NULL, &module);
  if (!error) error = make_linker(&linker);
  if (!error) error = anew_pool_new(module, linker, &options, &pool);
  if (!error) error = count(pool);
  if (!error) error = anew_pool_acquire(pool, &lease);
  if (!error) error = call_by_name(lease);
  anew_lease_release(lease);
  if (!error) fail_in_two_ways(pool);
  anew_pool_delete(pool); /* in any order: each keeps what it needs of the others */
  anew_linker_delete(linker);
  anew_module_delete(module);
  anew_engine_delete(engine);
  return error;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: embed MODULE\n");
    return 64;
  }
  anew_error_t* const error = run(argv[1]);
  if (error) fprintf(stderr, "embed: %s\n", anew_error_text(error));
  const int status = error ? 1 : 0;
  anew_error_delete(error);
  return status;
}
