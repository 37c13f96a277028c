/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Modules, calls, memories, errors, limits, as a client in C has them. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

static const char kModule[] =
    "(module"
    "  (memory (export \"memory\") 1 3)"
    "  (global (export \"counter\") (mut i64) (i64.const 5))"
    "  (table (export \"table\") 2 funcref)"
    "  (elem (i32.const 0) $nothing)"
    "  (func $nothing (export \"nothing\"))"
    "  (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))"
    "  (func (export \"swap\") (param i64 f64) (result f64 i64) (local.get 1) (local.get 0))"
    "  (func (export \"wide\") (param v128 f32) (result f32 v128) (local.get 1) (local.get 0))"
    "  (func (export \"reference\") (param externref funcref) (result externref funcref)"
    "    (local.get 0) (local.get 1))"
    "  (func (export \"first\") (result funcref) (table.get 0 (i32.const 0)))"
    "  (func (export \"count\") (result i64)"
    "    (global.set 0 (i64.add (global.get 0) (i64.const 1))) (global.get 0))"
    "  (func $trap (export \"trap\") unreachable)"
    "  (func (export \"outer\") (call $trap))"
    "  (func (export \"forever\") (loop (br 0)))"
    "  (func (export \"load\") (param i32) (result i32) (i32.load (local.get 0))))";

void client_calls(void) {
  anew_pool_t* pool = client_pool(kModule, NULL, NULL);
  anew_lease_t* lease;
  anew_function_t *add, *swap, *wide, *reference, *first, *nothing;
  OK(anew_pool_acquire(pool, &lease));

  const anew_type_t i32s[] = {ANEW_I32, ANEW_I32};
  const anew_function_type_t add_type = {i32s, 2, i32s, 1};
  OK(anew_pool_function(pool, ANEW_TEXT("add"), &add_type, &add));
  CHECK(anew_function_slots(add) == 2);
  CHECK(anew_function_type(add).parameter_count == 2 && anew_function_type(add).results[0] == ANEW_I32);
  uint64_t slots[3] = {(uint64_t)0xDEADBEEF << 32 | 2, 40, 0}; /* above an i32 there may be anything */
  OK(anew_lease_call(lease, add, slots, 2));
  CHECK(slots[0] == 42);
  slots[0] = slots[1] = UINT32_MAX;
  OK(anew_lease_call(lease, add, slots, 3)); /* more slots than it takes will do */
  CHECK(slots[0] == UINT32_MAX - 1);
  FAILS(anew_lease_call(lease, add, slots, 1), ANEW_ERROR_ARGUMENT, "takes 2 slots");
  FAILS(anew_lease_call(lease, add, NULL, 2), ANEW_ERROR_ARGUMENT, "slots");

  OK(anew_pool_function(pool, ANEW_TEXT("swap"), NULL, &swap));
  const double half = 0.5;
  slots[0] = 7;
  memcpy(&slots[1], &half, sizeof half);
  OK(anew_lease_call(lease, swap, slots, 2));
  CHECK(memcmp(&slots[0], &half, sizeof half) == 0 && slots[1] == 7);

  OK(anew_pool_function(pool, ANEW_TEXT("wide"), NULL, &wide));
  CHECK(anew_function_slots(wide) == 3);
  slots[0] = 1, slots[1] = 2, slots[2] = 3;
  OK(anew_lease_call(lease, wide, slots, 3));
  CHECK(slots[0] == 3 && slots[1] == 1 && slots[2] == 2);

  OK(anew_pool_function(pool, ANEW_TEXT("nothing"), NULL, &nothing));
  CHECK(anew_function_slots(nothing) == 0);
  OK(anew_lease_call(lease, nothing, NULL, 0));

  /* References: the host's own bits, and functions that came from here; a made-up one is found. */
  OK(anew_pool_function(pool, ANEW_TEXT("reference"), NULL, &reference));
  OK(anew_pool_function(pool, ANEW_TEXT("first"), NULL, &first));
  OK(anew_lease_call(lease, first, slots, 1));
  CHECK(slots[0] != 0);
  slots[1] = slots[0];
  slots[0] = 0xABCDEF;
  OK(anew_lease_call(lease, reference, slots, 2));
  CHECK(slots[0] == 0xABCDEF && slots[1] != 0);
  slots[1] += 8;
  FAILS(anew_lease_call(lease, reference, slots, 2), ANEW_ERROR_ARGUMENT, "did not hand out");

  /* By name, with values. */
  anew_value_t arguments[2] = {anew_value_i32(-1), anew_value_i32(3)};
  anew_value_t results[2];
  arguments[0].of.slots[0] |= (uint64_t)1 << 40;
  OK(anew_lease_call_values(lease, ANEW_TEXT("add"), arguments, 2, results, 1));
  CHECK(results[0].type == ANEW_I32 && results[0].of.i32 == 2);
  arguments[0] = anew_value_i64(9);
  arguments[1] = anew_value_f64(half);
  OK(anew_lease_call_values(lease, ANEW_TEXT("swap"), arguments, 2, results, 2));
  CHECK(results[0].of.f64 == half && results[1].of.i64 == 9);
  FAILS(anew_lease_call_values(lease, ANEW_TEXT("swap"), arguments, 2, results, 1), ANEW_ERROR_ARGUMENT, "2 results");
  FAILS(anew_lease_call_values(lease, ANEW_TEXT("swap"), arguments, 1, results, 2), ANEW_ERROR_ARGUMENT, "2 arguments");
  FAILS(anew_lease_call_values(lease, ANEW_TEXT("add"), arguments, 2, results, 1), ANEW_ERROR_ARGUMENT, "must be i32");
  arguments[0].type = 0x12345;
  FAILS(anew_lease_call_values(lease, ANEW_TEXT("swap"), arguments, 2, results, 2), ANEW_ERROR_ARGUMENT,
        "no value type");

  /* As new: the counter begins again. */
  anew_value_t count;
  OK(anew_lease_call_values(lease, ANEW_TEXT("count"), NULL, 0, &count, 1));
  CHECK(count.of.i64 == 6);
  OK(anew_lease_global(lease, ANEW_TEXT("counter"), &count));
  CHECK(count.type == ANEW_I64 && count.of.i64 == 6);
  anew_lease_release(lease);
  anew_pool_delete(pool); /* the handles of its functions may stay */
  CHECK(anew_function_slots(add) == 2);
  anew_pool_t* const other = client_pool(kModule, NULL, NULL);
  OK(anew_pool_acquire(other, &lease));
  OK(anew_lease_global(lease, ANEW_TEXT("counter"), &count));
  CHECK(count.of.i64 == 5);
  slots[0] = 0;
  FAILS(anew_lease_call(lease, add, slots, 2), ANEW_ERROR_ARGUMENT, "another pool");
  slots[0] = slots[1] = 0;
  FAILS(anew_lease_call(lease, reference, slots, 2), ANEW_ERROR_ARGUMENT, "another pool");
  anew_lease_release(lease);
  anew_function_delete(add);
  anew_function_delete(swap);
  anew_function_delete(wide);
  anew_function_delete(reference);
  anew_function_delete(first);
  anew_function_delete(nothing);
  anew_pool_delete(other);
}

void client_errors(void) {
  anew_pool_t* pool = client_pool(kModule, NULL, NULL);
  anew_lease_t* lease;
  OK(anew_pool_acquire(pool, &lease));

  anew_error_t* error = anew_lease_call_values(lease, ANEW_TEXT("outer"), NULL, 0, NULL, 0);
  CHECK(anew_error_code(error) == ANEW_ERROR_TRAP && anew_error_trap(error) == ANEW_TRAP_UNREACHABLE);
  CHECK(anew_error_frame_count(error) == 2);
  anew_frame_t frame = {.struct_size = sizeof frame};
  CHECK(anew_error_frame(error, 0, &frame));
  CHECK(strcmp(frame.function_name, "trap") == 0 && frame.function_name_size == 4 && !frame.is_host);
  CHECK(frame.module_offset != 0 && strcmp(frame.instance_name, "") == 0);
  CHECK(strcmp(frame.source_file, "") == 0 && frame.source_line == 0); /* the module has no DWARF */
  const uint32_t inner = frame.function_index;
  CHECK(anew_error_frame(error, 1, &frame) && frame.function_index == inner + 1);
  CHECK(!anew_error_frame(error, 2, &frame) && !anew_error_frame(error, 0, NULL));
  CHECK(strstr(anew_error_text(error), "trap") != NULL);
  uint64_t offset = 1;
  CHECK(!anew_error_offset(error, &offset) && offset == 1);
  anew_error_delete(error);
  anew_lease_release(lease);

  FAILS(anew_pool_function(pool, ANEW_TEXT("ad"), NULL, &(anew_function_t*){NULL}), ANEW_ERROR_NOT_FOUND, "add");
  const anew_function_type_t none = {NULL, 0, NULL, 0};
  FAILS(anew_pool_function(pool, ANEW_TEXT("add"), &none, &(anew_function_t*){NULL}), ANEW_ERROR_ARGUMENT,
        "is called as");
  const anew_function_type_t lies = {NULL, 2, NULL, 0};
  FAILS(anew_pool_function(pool, ANEW_TEXT("add"), &lies, &(anew_function_t*){NULL}), ANEW_ERROR_ARGUMENT, "null");
  anew_pool_delete(pool);

  anew_engine_t* engine;
  anew_module_t* module;
  OK(anew_engine_new(NULL, &engine));
  const char bad[] = "\0asm\1\0\0\0\1";
  error = anew_engine_compile(engine, bad, sizeof bad - 1, NULL, &module);
  CHECK(anew_error_code(error) == ANEW_ERROR_MALFORMED && module == NULL);
  CHECK(anew_error_offset(error, &offset) && offset == 9);
  anew_error_delete(error);
  FAILS(anew_engine_load(engine, ANEW_TEXT("/nowhere/at.all"), NULL, &module), ANEW_ERROR_NOT_FOUND, "/nowhere");
  anew_engine_delete(engine);

  error = anew_error_new(ANEW_ERROR_IO, ANEW_TEXT("a message of the host"));
  CHECK(anew_error_code(error) == ANEW_ERROR_IO && anew_error_frame_count(error) == 0);
  CHECK(strcmp(anew_error_message(error), "a message of the host") == 0);
  anew_error_delete(error);
  error = anew_error_new(12345, NULL, 0);
  CHECK(anew_error_code(error) == ANEW_ERROR_HOST && strcmp(anew_error_message(error), "") == 0);
  anew_error_delete(error);
  CHECK(strcmp(anew_trap_name(ANEW_TRAP_INTEGER_OVERFLOW), "integer overflow") == 0);
  CHECK(anew_trap_name(999) != NULL && anew_error_code_name(999) != NULL);
  CHECK(strcmp(anew_error_code_name(ANEW_ERROR_LINK), "link error") == 0);
  CHECK(anew_version() == 10000 * (uint32_t)atoi(anew_version_string()) + anew_version() % 10000);
}

void client_modules(void) {
  anew_module_t* const module = client_module(
      "(module (import \"env\" \"f\" (func (param i32 f64) (result v128)))"
      "  (import \"env\" \"m\" (memory 2 7)) (import \"env\" \"t\" (table 3 externref))"
      "  (global (export \"g\") (mut f32) (f32.const 1)) (export \"again\" (func 0)))");
  CHECK(anew_module_import_count(module) == 3 && anew_module_export_count(module) == 2);
  anew_item_t item = {.struct_size = sizeof item};
  OK(anew_module_import(module, 0, &item));
  CHECK(strcmp(item.module, "env") == 0 && strcmp(item.name, "f") == 0 && item.kind == ANEW_FUNCTION);
  CHECK(strcmp(item.type, "[i32 f64] -> [v128]") == 0);
  CHECK(item.function.parameter_count == 2 && item.function.parameters[1] == ANEW_F64);
  CHECK(item.function.result_count == 1 && item.function.results[0] == ANEW_V128);
  OK(anew_module_import(module, 1, &item));
  CHECK(item.kind == ANEW_MEMORY && item.minimum == 2 && item.has_maximum && item.maximum == 7 && !item.is_64);
  OK(anew_module_import(module, 2, &item));
  CHECK(item.kind == ANEW_TABLE && item.minimum == 3 && !item.has_maximum && item.value_type == ANEW_EXTERNREF);
  FAILS(anew_module_import(module, 3, &item), ANEW_ERROR_NOT_FOUND, "there are 3");
  OK(anew_module_export(module, 0, &item));
  CHECK(item.kind == ANEW_GLOBAL && item.value_type == ANEW_F32 && item.is_mutable && item.module_size == 0);
  OK(anew_module_export(module, 1, &item));
  CHECK(item.name_size == 5 && item.function.parameter_count == 2);

  /* An older client has a shorter struct. */
  struct {
    size_t struct_size;
    const char* module;
    const char* behind;
  } shorter = {offsetof(anew_item_t, module_size), NULL, "untouched"};
  OK(anew_module_import(module, 0, (anew_item_t*)(void*)&shorter));
  CHECK(strcmp(shorter.module, "env") == 0 && strcmp(shorter.behind, "untouched") == 0);

  CHECK(strcmp(anew_module_features(module), "mvp,mutable-global,reference-types,simd") == 0);
  CHECK(anew_module_ledger(module) == ANEW_LEDGER_CARDS && *anew_module_ledger_reason(module) != '\0');
  CHECK(!anew_module_from_cache(module) && anew_module_cache_note(module) != NULL);

  anew_module_t* copy;
  uint8_t hash[32], same[32];
  OK(anew_module_copy(module, &copy));
  OK(anew_module_code_hash(module, hash));
  anew_module_delete(module);
  OK(anew_module_code_hash(copy, same));
  CHECK(memcmp(hash, same, sizeof hash) == 0 && anew_module_import_count(copy) == 3);
  anew_module_delete(copy);
}

void client_memory(void) {
  anew_pool_t* const pool = client_pool(kModule, NULL, NULL);
  anew_lease_t* lease;
  anew_memory_t memory, same, none = {{0}};
  OK(anew_pool_acquire(pool, &lease));
  OK(anew_lease_memory(lease, NULL, 0, &memory));
  OK(anew_lease_memory(lease, ANEW_TEXT("memory"), &same));
  FAILS(anew_lease_memory(lease, ANEW_TEXT("add"), &same), ANEW_ERROR_ARGUMENT, "function");
  CHECK(anew_memory_size(&memory) == 65536 && anew_memory_size(&none) == 0);

  OK(anew_memory_write(&memory, 65532, "abcd", 4));
  char text[4];
  OK(anew_memory_read(&same, 65532, text, 4));
  CHECK(memcmp(text, "abcd", 4) == 0);
  FAILS(anew_memory_write(&memory, 65533, "abcd", 4), ANEW_ERROR_ARGUMENT, "not inside");
  FAILS(anew_memory_read(&memory, UINT64_MAX, text, 4), ANEW_ERROR_ARGUMENT, "not inside");
  FAILS(anew_memory_read(&none, 0, text, 1), ANEW_ERROR_ARGUMENT, "not inside");
  OK(anew_memory_read(&none, 0, NULL, 0));
  const uint8_t* seen;
  uint8_t* bytes;
  OK(anew_memory_view(&memory, 65532, 4, &seen));
  CHECK(memcmp(seen, "abcd", 4) == 0);
  FAILS(anew_memory_view(&memory, 1, 65536, &seen), ANEW_ERROR_ARGUMENT, "not inside");
  CHECK(seen == NULL);
  OK(anew_memory_view_writable(&memory, 8, 4, &bytes));
  memcpy(bytes, "\1\2\3\4", 4);
  anew_value_t address = anew_value_i32(8), loaded;
  OK(anew_lease_call_values(lease, ANEW_TEXT("load"), &address, 1, &loaded, 1));
  CHECK(loaded.of.i32 == 0x04030201);
  CHECK(anew_lease_dirty_bytes(lease) > 0);
  uint64_t pages = 0;
  OK(anew_memory_grow(&memory, 2, &pages));
  CHECK(pages == 1 && anew_memory_size(&memory) == 3 * 65536);
  FAILS(anew_memory_grow(&memory, 1, NULL), ANEW_ERROR_RESOURCE, "");
  anew_lease_release(lease);

  /* What the host wrote is gone with the lease. */
  OK(anew_pool_acquire(pool, &lease));
  OK(anew_lease_memory(lease, NULL, 0, &memory));
  OK(anew_memory_read(&memory, 8, text, 4));
  CHECK(anew_memory_size(&memory) == 65536 && memcmp(text, "\0\0\0\0", 4) == 0);
  anew_lease_release(lease);
  anew_pool_delete(pool);
}

static void cancel_soon(void* canceller) { anew_canceller_cancel(canceller); }

void client_limits(void) {
  anew_engine_t* engine;
  anew_module_t* module;
  anew_linker_t* linker;
  anew_pool_t* pool;
  anew_lease_t* lease;
  OK(anew_engine_new(&(anew_engine_options_t){.struct_size = sizeof(anew_engine_options_t), .no_cache = true},
                     &engine));
  size_t size;
  const void* const binary = client_wat(kModule, &size);
  OK(anew_engine_compile(engine, binary, size,
                         &(anew_compile_options_t){.struct_size = sizeof(anew_compile_options_t), .fuel = true},
                         &module));
  OK(anew_linker_new(&linker));
  OK(anew_pool_new(module, linker, NULL, &pool));
  OK(anew_pool_acquire(pool, &lease));
  anew_lease_set_deadline(lease, anew_deadline_after(20000000));
  anew_error_t* error = anew_lease_call_values(lease, ANEW_TEXT("forever"), NULL, 0, NULL, 0);
  CHECK(anew_error_trap(error) == ANEW_TRAP_INTERRUPTED);
  anew_error_delete(error);
  anew_lease_release(lease);

  OK(anew_pool_acquire(pool, &lease));
  anew_lease_set_fuel(lease, 1000);
  CHECK(anew_lease_fuel(lease) == 1000);
  error = anew_lease_call_values(lease, ANEW_TEXT("forever"), NULL, 0, NULL, 0);
  CHECK(anew_error_trap(error) == ANEW_TRAP_OUT_OF_FUEL);
  anew_error_delete(error);
  anew_lease_release(lease);

  anew_canceller_t* canceller;
  OK(anew_pool_acquire(pool, &lease));
  OK(anew_lease_canceller(lease, &canceller));
  client_on_thread(cancel_soon, canceller);
  error = anew_lease_call_values(lease, ANEW_TEXT("nothing"), NULL, 0, NULL, 0);
  CHECK(anew_error_trap(error) == ANEW_TRAP_INTERRUPTED);
  anew_error_delete(error);
  anew_lease_release(lease);
  anew_canceller_cancel(canceller); /* of no lease any more */
  anew_canceller_delete(canceller);
  CHECK(anew_deadline_after(UINT64_MAX) == ANEW_NO_DEADLINE);
  anew_pool_delete(pool);
  anew_linker_delete(linker);
  anew_module_delete(module);
  anew_engine_delete(engine);
}
