/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Host functions that give their results later, from C. */
#include "client.h"

static const char kAsks[] =
    "(module (import \"env\" \"ask\" (func $ask (param i32) (result i64)))"
    "  (func (export \"run\") (param i32) (result i64)"
    "    (i64.add (call $ask (local.get 0)) (call $ask (i32.const 1))))"
    "  (func (export \"spin\") (loop (br 0))))";

/* The question that nobody has answered yet. */
struct question {
  uint64_t about;
  anew_completion_t* completion;
};

static anew_error_t* ask(void* data, anew_caller_t* caller, const uint64_t* slots, anew_completion_t* completion) {
  struct question* const question = data;
  (void)caller;
  question->about = slots[0];
  question->completion = completion;
  return NULL;
}

static anew_error_t* ask_in_vain(void* data, anew_caller_t* caller, const uint64_t* slots,
                                 anew_completion_t* completion) {
  (void)data, (void)caller, (void)slots;
  anew_completion_fail(completion, ANEW_TEXT("nobody knows"));
  return NULL;
}

static void answer(void* data) {
  struct question* const question = data;
  const uint64_t value = question->about * 100;
  OK(anew_completion_complete(question->completion, &value, 1));
}

static void count(void* data) { ++*(int*)data; }

static anew_call_t* start(anew_pool_t* pool, uint64_t argument) {
  anew_lease_t* lease;
  anew_function_t* function;
  anew_call_t* call;
  OK(anew_pool_acquire(pool, &lease));
  OK(anew_pool_function(pool, ANEW_TEXT("run"), NULL, &function));
  FAILS(anew_lease_start(lease, function, NULL, 0, &call), ANEW_ERROR_ARGUMENT, "takes 1 slots");
  OK(anew_pool_acquire(pool, &lease)); /* the other one went with the call that was refused */
  OK(anew_lease_start(lease, function, &argument, 1, &call));
  anew_function_delete(function);
  return call;
}

void client_async(void) {
  struct question question = {0, NULL};
  const anew_type_t i32 = ANEW_I32;
  const anew_type_t i64 = ANEW_I64;
  const anew_type_t funcref = ANEW_FUNCREF;
  const anew_function_type_t type = {&i32, 1, &i64, 1};
  const anew_function_type_t references = {&i32, 1, &funcref, 1};
  anew_linker_t* linker;
  OK(anew_linker_new(&linker));
  OK(anew_linker_define_async(linker, ANEW_TEXT("env"), ANEW_TEXT("ask"), &type, ask, &question, NULL));
  FAILS(anew_linker_define_async(linker, ANEW_TEXT("env"), ANEW_TEXT("x"), &references, ask, &question, NULL),
        ANEW_ERROR_ARGUMENT, "numbers and vectors only");
  anew_pool_options_t options = {.struct_size = sizeof(options), .capacity = 1};
  anew_pool_t* pool = client_pool(kAsks, linker, &options);

  anew_call_t* call = start(pool, 7);
  uint64_t result = 0;
  int woken = 0;
  CHECK(!anew_call_done(call) && !anew_call_ready(call) && !anew_call_resume(call));
  FAILS(anew_call_results(call, &result, 1), ANEW_ERROR_ARGUMENT, "not done");
  OK(anew_call_on_ready(call, count, &woken));
  client_on_thread(answer, &question);
  CHECK(woken == 1 && anew_call_ready(call));
  CHECK(!anew_call_resume(call)); /* it asks again */
  answer(&question);
  CHECK(anew_call_resume(call) && anew_call_done(call));
  OK(anew_call_results(call, &result, 1));
  CHECK(result == 800);
  FAILS(anew_call_results(call, &result, 0), ANEW_ERROR_ARGUMENT, "take 1 slots");
  anew_call_delete(call);

  /* Another number of slots: the guest's call traps. */
  call = start(pool, 7);
  FAILS(anew_completion_complete(question.completion, &result, 0), ANEW_ERROR_ARGUMENT, "take 1 slots");
  CHECK(anew_call_resume(call));
  FAILS(anew_call_results(call, &result, 1), ANEW_ERROR_TRAP, "nobody is left");
  anew_call_delete(call);

  /* Given up: whoever completes it later does nothing. */
  call = start(pool, 7);
  anew_call_delete(call);
  answer(&question);
  anew_pool_delete(pool);

  /* One that computes leaves its thread when its time slice is over. */
  anew_lease_t* lease;
  anew_function_t* spin;
  pool = client_pool(kAsks, linker, &options);
  OK(anew_pool_function(pool, ANEW_TEXT("spin"), NULL, &spin));
  OK(anew_pool_acquire(pool, &lease));
  anew_lease_set_time_slice(lease, 1);
  OK(anew_lease_start(lease, spin, NULL, 0, &call));
  CHECK(!anew_call_done(call) && anew_call_parked(call) && anew_call_ready(call));
  CHECK(!anew_call_resume(call) && anew_call_parked(call));
  anew_call_delete(call);
  anew_function_delete(spin);
  anew_pool_delete(pool);

  OK(anew_linker_define_async(linker, ANEW_TEXT("env"), ANEW_TEXT("ask"), &type, ask_in_vain, NULL, NULL));
  pool = client_pool(kAsks, linker, &options);
  call = start(pool, 7);
  CHECK(anew_call_done(call));
  FAILS(anew_call_results(call, &result, 1), ANEW_ERROR_TRAP, "nobody knows");
  anew_call_delete(call);
  anew_pool_delete(pool);
  anew_linker_delete(linker);
}
