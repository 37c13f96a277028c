/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * A client of the standard wasm-c-api. It is compiled with Anew's own header and with the standard's, and does the same
 * with both; returns how many checks failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm.h>

static int failures;
#define CHECK(condition) ((condition) ? (void)0 : failed(__LINE__, #condition))
static void failed(int line, const char* what) {
  fprintf(stderr, "client.c:%d: %s\n", line, what);
  ++failures;
}

/* (module
 *   (import "host" "add" (func $add (param i32 i64) (result i64)))
 *   (import "host" "memory" (memory 1))
 *   (import "host" "table" (table 2 8 funcref))
 *   (import "host" "global" (global $g (mut f64)))
 *   (func $twice (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
 *   (func (export "sum") (param i32 i64) (result i64) (call $add (local.get 0) (local.get 1)))
 *   (func $boom (export "boom") (unreachable))
 *   (func (export "outer") (call $boom))
 *   (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
 *   (func (export "through_table") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0)
 * (i32.const 0))) (func (export "global") (result f64) (global.get $g)) (func (export "echo") (param externref funcref)
 * (result funcref externref) (local.get 1) (local.get 0)) (func (export "wide") (param v128)) (export "memory" (memory
 * 0)) (export "table" (table 0)) (export "g" (global $g)) (export "again" (func $add)))
 */
static const unsigned char kModule[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x23, 0x07, 0x60, 0x02, 0x7f, 0x7e, 0x01, 0x7e, 0x60, 0x01,
    0x7f, 0x01, 0x7f, 0x60, 0x00, 0x00, 0x60, 0x02, 0x7f, 0x7f, 0x00, 0x60, 0x00, 0x01, 0x7c, 0x60, 0x02, 0x6f, 0x70,
    0x02, 0x70, 0x6f, 0x60, 0x01, 0x7b, 0x00, 0x02, 0x3a, 0x04, 0x04, 0x68, 0x6f, 0x73, 0x74, 0x03, 0x61, 0x64, 0x64,
    0x00, 0x00, 0x04, 0x68, 0x6f, 0x73, 0x74, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x01, 0x04, 0x68,
    0x6f, 0x73, 0x74, 0x05, 0x74, 0x61, 0x62, 0x6c, 0x65, 0x01, 0x70, 0x01, 0x02, 0x08, 0x04, 0x68, 0x6f, 0x73, 0x74,
    0x06, 0x67, 0x6c, 0x6f, 0x62, 0x61, 0x6c, 0x03, 0x7c, 0x01, 0x03, 0x0a, 0x09, 0x01, 0x00, 0x02, 0x02, 0x03, 0x01,
    0x04, 0x05, 0x06, 0x07, 0x6a, 0x0d, 0x05, 0x74, 0x77, 0x69, 0x63, 0x65, 0x00, 0x01, 0x03, 0x73, 0x75, 0x6d, 0x00,
    0x02, 0x04, 0x62, 0x6f, 0x6f, 0x6d, 0x00, 0x03, 0x05, 0x6f, 0x75, 0x74, 0x65, 0x72, 0x00, 0x04, 0x05, 0x73, 0x74,
    0x6f, 0x72, 0x65, 0x00, 0x05, 0x0d, 0x74, 0x68, 0x72, 0x6f, 0x75, 0x67, 0x68, 0x5f, 0x74, 0x61, 0x62, 0x6c, 0x65,
    0x00, 0x06, 0x06, 0x67, 0x6c, 0x6f, 0x62, 0x61, 0x6c, 0x00, 0x07, 0x04, 0x65, 0x63, 0x68, 0x6f, 0x00, 0x08, 0x04,
    0x77, 0x69, 0x64, 0x65, 0x00, 0x09, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x05, 0x74, 0x61, 0x62,
    0x6c, 0x65, 0x01, 0x00, 0x01, 0x67, 0x03, 0x00, 0x05, 0x61, 0x67, 0x61, 0x69, 0x6e, 0x00, 0x00, 0x0a, 0x3e, 0x09,
    0x07, 0x00, 0x20, 0x00, 0x41, 0x02, 0x6c, 0x0b, 0x08, 0x00, 0x20, 0x00, 0x20, 0x01, 0x10, 0x00, 0x0b, 0x03, 0x00,
    0x00, 0x0b, 0x04, 0x00, 0x10, 0x03, 0x0b, 0x09, 0x00, 0x20, 0x00, 0x20, 0x01, 0x3a, 0x00, 0x00, 0x0b, 0x09, 0x00,
    0x20, 0x00, 0x41, 0x00, 0x11, 0x01, 0x00, 0x0b, 0x04, 0x00, 0x23, 0x00, 0x0b, 0x06, 0x00, 0x20, 0x01, 0x20, 0x00,
    0x0b, 0x02, 0x00, 0x0b};
/* (module (func $start (unreachable)) (start $start)) */
static const unsigned char kFailsToStart[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04,
                                              0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x08, 0x01,
                                              0x00, 0x0a, 0x05, 0x01, 0x03, 0x00, 0x00, 0x0b};

static int finalized;
static void count_finalized(void* data) {
  (void)data;
  ++finalized;
}

static wasm_byte_vec_t bytes_of(const unsigned char* bytes, size_t size) {
  wasm_byte_vec_t vector;
  wasm_byte_vec_new_uninitialized(&vector, size);
  memcpy(vector.data, bytes, size);
  return vector;
}

static bool trap_says(wasm_trap_t* trap, const char* words) {
  if (trap == NULL) return false;
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  const bool says = message.size > 0 && message.data[message.size - 1] == '\0' && strstr(message.data, words) != NULL;
  if (!says) fprintf(stderr, "the trap says: %s\n", message.data);
  wasm_name_delete(&message);
  wasm_trap_delete(trap);
  return says;
}

static wasm_store_t* the_store;
static wasm_func_t* to_call_back;

static wasm_trap_t* add(void* environment, const wasm_val_vec_t* arguments, wasm_val_vec_t* results) {
  CHECK(*(int*)environment == 7 && arguments->size == 2 && results->size == 1);
  CHECK(arguments->data[0].kind == WASM_I32 && arguments->data[1].kind == WASM_I64);
  if (arguments->data[0].of.i32 == -1) {
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "minus one is not added");
    wasm_trap_t* const trap = wasm_trap_new(the_store, &message);
    wasm_name_delete(&message);
    return trap;
  }
  if (arguments->data[0].of.i32 == -2) { /* leaves the result as another kind */
    results->data[0].kind = WASM_F32;
    return NULL;
  }
  if (arguments->data[0].of.i32 == -3) { /* calls the guest again, and passes its trap on */
    wasm_val_vec_t none = WASM_EMPTY_VEC, no_results = WASM_EMPTY_VEC;
    return wasm_func_call(to_call_back, &none, &no_results);
  }
  results->data[0].kind = WASM_I64;
  results->data[0].of.i64 = arguments->data[0].of.i32 + arguments->data[1].of.i64;
  return NULL;
}

static wasm_trap_t* nothing(const wasm_val_vec_t* arguments, wasm_val_vec_t* results) {
  CHECK(arguments->size == 0 && results->size == 0);
  return NULL;
}

static void types(void) {
  wasm_functype_t* const function =
      wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_funcref(), wasm_valtype_new_f64());
  CHECK(wasm_functype_params(function)->size == 2 && wasm_functype_results(function)->size == 1);
  CHECK(wasm_valtype_kind(wasm_functype_params(function)->data[1]) == WASM_FUNCREF);
  CHECK(wasm_valtype_is_num(wasm_functype_results(function)->data[0]));
  wasm_externtype_t* const external = wasm_functype_as_externtype(function);
  CHECK(wasm_externtype_kind(external) == WASM_EXTERN_FUNC && wasm_externtype_as_functype(external) == function);
  CHECK(wasm_externtype_as_memorytype(external) == NULL && wasm_externtype_as_tabletype_const(external) == NULL);
  wasm_externtype_t* const copy = wasm_externtype_copy(external);
  CHECK(copy != external && wasm_functype_params(wasm_externtype_as_functype(copy))->size == 2);

  const wasm_limits_t limits = {1, 5};
  wasm_globaltype_t* const global = wasm_globaltype_new(wasm_valtype_new_i64(), WASM_VAR);
  wasm_tabletype_t* const table = wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
  wasm_memorytype_t* const memory = wasm_memorytype_new(&limits);
  wasm_tagtype_t* const tag = wasm_tagtype_new(wasm_functype_new_1_0(wasm_valtype_new_f32()));
  CHECK(wasm_globaltype_mutability(global) == WASM_VAR);
  CHECK(wasm_valtype_kind(wasm_globaltype_content(global)) == WASM_I64);
  CHECK(wasm_valtype_kind(wasm_tabletype_element(table)) == WASM_EXTERNREF && wasm_tabletype_limits(table)->max == 5);
  CHECK(wasm_memorytype_limits(memory)->min == 1);
  CHECK(wasm_functype_params(wasm_tagtype_functype(tag))->size == 1);
  wasm_tagtype_t* const tag_copy = wasm_tagtype_copy(tag);
  CHECK(wasm_externtype_kind(wasm_tagtype_as_externtype(tag_copy)) == WASM_EXTERN_TAG);

  wasm_name_t module, name;
  wasm_name_new_from_string(&module, "module");
  wasm_name_new_from_string(&name, "name");
  wasm_importtype_t* const import = wasm_importtype_new(&module, &name, copy);
  wasm_importtype_t* const import_copy = wasm_importtype_copy(import);
  CHECK(wasm_importtype_name(import_copy)->size == 4 && memcmp(wasm_importtype_module(import)->data, "module", 6) == 0);
  CHECK(wasm_externtype_kind(wasm_importtype_type(import_copy)) == WASM_EXTERN_FUNC);
  wasm_importtype_t* const both[] = {import, import_copy};
  wasm_importtype_vec_t imports, again;
  wasm_importtype_vec_new(&imports, 2, both);
  wasm_importtype_vec_copy(&again, &imports);
  CHECK(again.size == 2 && again.data[1] != import_copy);
  wasm_importtype_vec_delete(&imports);
  wasm_importtype_vec_delete(&again);
  wasm_functype_delete(function);
  wasm_globaltype_delete(global);
  wasm_tabletype_delete(table);
  wasm_memorytype_delete(memory);
  wasm_tagtype_delete(tag);
  wasm_tagtype_delete(tag_copy);
}

static void run(wasm_engine_t* engine) {
  wasm_store_t* const store = the_store = wasm_store_new(engine);
  wasm_byte_vec_t binary = bytes_of(kModule, sizeof kModule);
  CHECK(wasm_module_validate(store, &binary));
  wasm_module_t* const module = wasm_module_new(store, &binary);
  binary.data[binary.size - 1] ^= 0x55;
  CHECK(!wasm_module_validate(store, &binary) && wasm_module_new(store, &binary) == NULL);
  wasm_byte_vec_delete(&binary);

  wasm_importtype_vec_t imports;
  wasm_exporttype_vec_t exports;
  wasm_module_imports(module, &imports);
  wasm_module_exports(module, &exports);
  CHECK(imports.size == 4 && exports.size == 13);
  CHECK(wasm_externtype_kind(wasm_importtype_type(imports.data[2])) == WASM_EXTERN_TABLE);
  CHECK(wasm_exporttype_name(exports.data[0])->size == 5);
  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);

  /* What the host makes for it. */
  int seven = 7;
  wasm_functype_t* const add_type =
      wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_i64(), wasm_valtype_new_i64());
  wasm_func_t* const add_function = wasm_func_new_with_env(store, add_type, add, &seven, count_finalized);
  wasm_functype_delete(add_type);
  CHECK(wasm_func_param_arity(add_function) == 2 && wasm_func_result_arity(add_function) == 1);
  const wasm_limits_t one_page = {1, 3}, two_elements = {2, 8};
  wasm_memorytype_t* const memory_type = wasm_memorytype_new(&one_page);
  wasm_memory_t* const memory = wasm_memory_new(store, memory_type);
  wasm_memorytype_delete(memory_type);
  wasm_tabletype_t* const table_type = wasm_tabletype_new(wasm_valtype_new_funcref(), &two_elements);
  wasm_table_t* const table = wasm_table_new(store, table_type, NULL);
  CHECK(wasm_table_new(store, table_type, wasm_memory_as_ref(memory)) == NULL);
  wasm_tabletype_delete(table_type);
  wasm_globaltype_t* const global_type = wasm_globaltype_new(wasm_valtype_new_f64(), WASM_VAR);
  const wasm_val_t half = WASM_F64_VAL(0.5), two = WASM_I32_VAL(2);
  wasm_global_t* const global = wasm_global_new(store, global_type, &half);
  CHECK(wasm_global_new(store, global_type, &two) == NULL);
  wasm_globaltype_delete(global_type);

  wasm_trap_t* trap = NULL;
  wasm_extern_t* given[] = {wasm_func_as_extern(add_function), wasm_memory_as_extern(memory),
                            wasm_table_as_extern(table), wasm_global_as_extern(global)};
  wasm_extern_vec_t none = WASM_EMPTY_VEC, all = WASM_ARRAY_VEC(given);
  CHECK(wasm_instance_new(store, module, &none, &trap) == NULL && trap_says(trap, "4 imports"));
  wasm_extern_t* wrong[] = {given[1], given[1], given[2], given[3]};
  wasm_extern_vec_t mixed = WASM_ARRAY_VEC(wrong);
  CHECK(wasm_instance_new(store, module, &mixed, &trap) == NULL && trap_says(trap, "host.add"));
  CHECK(wasm_instance_new(store, module, &mixed, NULL) == NULL);
  wasm_instance_t* const instance = wasm_instance_new(store, module, &all, &trap);
  CHECK(instance != NULL && trap == NULL);
  wasm_extern_vec_t exported;
  wasm_instance_exports(instance, &exported);
  CHECK(exported.size == 13);
  wasm_func_t* const twice = wasm_extern_as_func(exported.data[0]);
  wasm_func_t* const sum = wasm_extern_as_func(exported.data[1]);
  to_call_back = wasm_extern_as_func(exported.data[2]);
  wasm_func_t* const outer = wasm_extern_as_func(exported.data[3]);
  wasm_func_t* const store_byte = wasm_extern_as_func(exported.data[4]);
  wasm_func_t* const through_table = wasm_extern_as_func(exported.data[5]);
  wasm_func_t* const read_global = wasm_extern_as_func(exported.data[6]);
  wasm_func_t* const echo = wasm_extern_as_func(exported.data[7]);
  wasm_func_t* const wide = wasm_extern_as_func(exported.data[8]);

  /* Calls, and what they are told if they are wrong. */
  wasm_val_t values[2] = {WASM_I32_VAL(21), WASM_INIT_VAL}, returned[2] = {WASM_INIT_VAL, WASM_INIT_VAL};
  wasm_val_vec_t arguments = WASM_ARRAY_VEC(values), results = WASM_ARRAY_VEC(returned);
  wasm_val_vec_t one_argument = {1, values}, no_values = WASM_EMPTY_VEC;
  CHECK(wasm_func_call(twice, &one_argument, &results) == NULL);
  CHECK(returned[0].kind == WASM_I32 && returned[0].of.i32 == 42);
  CHECK(trap_says(wasm_func_call(twice, &arguments, &results), "2 arguments"));
  CHECK(trap_says(wasm_func_call(twice, &one_argument, &no_values), "0 results"));
  values[0].kind = WASM_I64;
  CHECK(trap_says(wasm_func_call(twice, &one_argument, &results), "another kind"));
  CHECK(trap_says(wasm_func_call(wide, &one_argument, &results), "cannot call"));

  /* Host functions: results, traps of their own, those of the guest that they call. */
  values[0] = (wasm_val_t)WASM_I32_VAL(40);
  values[1] = (wasm_val_t)WASM_I64_VAL(2);
  CHECK(wasm_func_call(sum, &arguments, &results) == NULL && returned[0].of.i64 == 42);
  CHECK(wasm_func_call(add_function, &arguments, &results) == NULL && returned[0].of.i64 == 42);
  values[0].of.i32 = -1;
  CHECK(trap_says(wasm_func_call(sum, &arguments, &results), "minus one is not added"));
  values[0].of.i32 = -2;
  CHECK(trap_says(wasm_func_call(sum, &arguments, &results), "another kind"));
  values[0].of.i32 = -3;
  CHECK(trap_says(wasm_func_call(sum, &arguments, &results), "unreachable"));

  /* Traces. */
  trap = wasm_func_call(outer, &no_values, &no_values);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 2 && wasm_frame_func_index(frames.data[0]) + 1 == wasm_frame_func_index(frames.data[1]));
  CHECK(wasm_instance_same(wasm_frame_instance(frames.data[0]), instance));
  CHECK(wasm_frame_func_offset(frames.data[0]) > 0 && wasm_frame_func_offset(frames.data[0]) < 5);
  CHECK(wasm_frame_module_offset(frames.data[0]) < sizeof kModule);
  wasm_frame_t* const origin = wasm_trap_origin(trap);
  wasm_frame_t* const origin_copy = wasm_frame_copy(origin);
  CHECK(wasm_frame_module_offset(origin_copy) == wasm_frame_module_offset(frames.data[0]));
  wasm_frame_delete(origin);
  wasm_frame_delete(origin_copy);
  wasm_frame_vec_delete(&frames);
  CHECK(trap_says(trap, "unreachable"));

  /* Memory. */
  CHECK(wasm_memory_same(memory, wasm_extern_as_memory(exported.data[9])));
  CHECK(wasm_memory_size(memory) == 1 && wasm_memory_data_size(memory) == MEMORY_PAGE_SIZE);
  values[0] = (wasm_val_t)WASM_I32_VAL(65535);
  values[1] = (wasm_val_t)WASM_I32_VAL('x');
  CHECK(wasm_func_call(store_byte, &arguments, &results) == NULL && wasm_memory_data(memory)[65535] == 'x');
  CHECK(wasm_memory_grow(memory, 2) && !wasm_memory_grow(memory, 1) && wasm_memory_size(memory) == 3);
  CHECK(wasm_memory_data(memory)[65535] == 'x');
  wasm_memorytype_t* const grown = wasm_memory_type(memory);
  CHECK(wasm_memorytype_limits(grown)->min == 3 && wasm_memorytype_limits(grown)->max == 3);
  wasm_memorytype_delete(grown);
  values[0].of.i32 = 3 * 65536;
  CHECK(trap_says(wasm_func_call(store_byte, &arguments, &results), "out of bounds"));

  /* Tables and functions. */
  CHECK(wasm_table_size(table) == 2 && wasm_table_get(table, 0) == NULL && wasm_table_get(table, 2) == NULL);
  CHECK(wasm_table_set(table, 0, wasm_func_as_ref(twice)) && !wasm_table_set(table, 2, NULL));
  CHECK(!wasm_table_set(table, 0, wasm_memory_as_ref(memory)));
  wasm_ref_t* const element = wasm_table_get(table, 0);
  CHECK(wasm_ref_same(element, wasm_func_as_ref(twice)) && wasm_ref_as_func(element) != NULL);
  CHECK(wasm_ref_as_global(element) == NULL && !wasm_ref_same(element, wasm_func_as_ref(sum)));
  wasm_ref_delete(element);
  values[0] = (wasm_val_t)WASM_I32_VAL(5);
  CHECK(wasm_func_call(through_table, &one_argument, &results) == NULL && returned[0].of.i32 == 10);
  CHECK(wasm_table_grow(table, 6, wasm_func_as_ref(sum)) && !wasm_table_grow(table, 1, NULL));
  wasm_ref_t* const last = wasm_table_get(table, 7);
  CHECK(wasm_ref_same(last, wasm_func_as_ref(sum)));
  wasm_ref_delete(last);
  CHECK(wasm_func_same(add_function, wasm_extern_as_func(exported.data[12])));

  /* Globals. */
  CHECK(wasm_global_same(global, wasm_extern_as_global(exported.data[11])));
  CHECK(wasm_func_call(read_global, &no_values, &results) == NULL && returned[0].of.f64 == 0.5);
  const wasm_val_t quarter = WASM_F64_VAL(0.25);
  wasm_global_set(global, &quarter);
  wasm_global_set(global, &two); /* of another kind: nothing happens */
  CHECK(wasm_func_call(read_global, &no_values, &results) == NULL && returned[0].of.f64 == 0.25);
  wasm_global_get(global, &returned[0]);
  CHECK(returned[0].kind == WASM_F64 && returned[0].of.f64 == 0.25);

  /* References go through a guest. */
  wasm_foreign_t* const foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &seven, count_finalized);
  values[0] = (wasm_val_t)WASM_REF_VAL(wasm_foreign_as_ref(foreign));
  values[1].kind = WASM_FUNCREF;
  values[1].of.ref = wasm_func_as_ref(twice);
  CHECK(wasm_func_call(echo, &arguments, &results) == NULL);
  CHECK(returned[0].kind == WASM_FUNCREF && wasm_ref_same(returned[0].of.ref, wasm_func_as_ref(twice)));
  CHECK(returned[1].kind == WASM_EXTERNREF && wasm_foreign_same(wasm_ref_as_foreign(returned[1].of.ref), foreign));
  CHECK(wasm_ref_get_host_info(returned[1].of.ref) == &seven);
  wasm_val_t copied;
  wasm_val_copy(&copied, &returned[1]);
  CHECK(wasm_ref_same(copied.of.ref, returned[1].of.ref));
  wasm_val_delete(&copied);
  wasm_val_delete(&returned[0]);
  wasm_val_delete(&returned[1]);
  values[0].of.ref = values[1].of.ref = NULL;
  CHECK(wasm_func_call(echo, &arguments, &results) == NULL && returned[0].of.ref == NULL && returned[1].of.ref == NULL);

  /* Host info belongs to what a handle is of. */
  wasm_func_t* const twice_copy = wasm_func_copy(twice);
  wasm_func_set_host_info_with_finalizer(twice, &seven, count_finalized);
  CHECK(wasm_func_get_host_info(twice_copy) == &seven && wasm_func_same(twice, twice_copy));
  CHECK(finalized == 0);
  wasm_func_set_host_info(twice_copy, NULL);
  CHECK(finalized == 1 && wasm_func_get_host_info(twice) == NULL);

  /* Modules may be written down and shared between stores. */
  wasm_byte_vec_t serialized;
  wasm_module_serialize(module, &serialized);
  wasm_module_t* const again = wasm_module_deserialize(store, &serialized);
  CHECK(again != NULL && !wasm_module_same(again, module));
  wasm_module_delete(again);
  wasm_byte_vec_delete(&serialized);
  wasm_shared_module_t* const shared = wasm_module_share(module);
  wasm_store_t* const other = wasm_store_new(engine);
  wasm_module_t* const obtained = wasm_module_obtain(other, shared);
  CHECK(obtained != NULL);
  CHECK(wasm_instance_new(other, obtained, &all, &trap) == NULL && trap_says(trap, "of another store"));
  wasm_module_delete(obtained);
  wasm_shared_module_delete(shared);
  wasm_functype_t* const none_to_none = wasm_functype_new_0_0();
  wasm_func_t* const do_nothing = wasm_func_new(other, none_to_none, nothing);
  CHECK(wasm_func_call(do_nothing, &no_values, &no_values) == NULL);
  wasm_functype_delete(none_to_none);
  values[0] = (wasm_val_t)WASM_INIT_VAL;
  values[1].of.ref = wasm_func_as_ref(do_nothing);
  CHECK(trap_says(wasm_func_call(echo, &arguments, &results), "another store"));
  wasm_store_delete(other);
  CHECK(wasm_func_call(do_nothing, NULL, NULL) == NULL); /* it keeps its store */
  wasm_func_delete(do_nothing);

  wasm_byte_vec_t failing = bytes_of(kFailsToStart, sizeof kFailsToStart);
  wasm_module_t* const fails = wasm_module_new(store, &failing);
  wasm_byte_vec_delete(&failing);
  CHECK(wasm_instance_new(store, fails, &none, &trap) == NULL && trap_says(trap, "unreachable"));
  wasm_module_delete(fails);

  wasm_store_delete(store);
  wasm_extern_vec_delete(&exported);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_func_delete(twice_copy);
  wasm_memory_delete(memory);
  wasm_table_delete(table);
  wasm_global_delete(global);
  wasm_func_delete(add_function);
  CHECK(finalized == 1);
  wasm_foreign_delete(foreign); /* the last of the store's */
  CHECK(finalized == 3);
}

static void nulls(void) {
  CHECK(wasm_store_new(NULL) == NULL && wasm_module_new(NULL, NULL) == NULL && !wasm_module_validate(NULL, NULL));
  CHECK(wasm_func_new(NULL, NULL, NULL) == NULL && wasm_func_call(NULL, NULL, NULL) == NULL);
  const int before = finalized;
  CHECK(wasm_func_new_with_env(NULL, NULL, NULL, NULL, count_finalized) == NULL && finalized == before + 1);
  CHECK(wasm_instance_new(NULL, NULL, NULL, NULL) == NULL && wasm_memory_data(NULL) == NULL);
  CHECK(wasm_global_new(NULL, NULL, NULL) == NULL && wasm_table_new(NULL, NULL, NULL) == NULL);
  CHECK(wasm_memory_new(NULL, NULL) == NULL && wasm_trap_new(NULL, NULL) == NULL && wasm_foreign_new(NULL) == NULL);
  CHECK(wasm_globaltype_new(NULL, WASM_CONST) == NULL && wasm_tabletype_new(NULL, NULL) == NULL);
  CHECK(wasm_memorytype_new(NULL) == NULL && wasm_tagtype_new(NULL) == NULL);
  CHECK(wasm_importtype_new(NULL, NULL, NULL) == NULL && wasm_exporttype_new(NULL, NULL) == NULL);
  CHECK(wasm_ref_copy(NULL) == NULL && !wasm_ref_same(NULL, NULL) && wasm_extern_type(NULL) == NULL);
  CHECK(wasm_frame_instance(NULL) == NULL && wasm_trap_origin(NULL) == NULL && !wasm_memory_grow(NULL, 1));
  wasm_extern_vec_t exported;
  wasm_instance_exports(NULL, &exported);
  CHECK(exported.size == 0 && exported.data == NULL);
  wasm_store_delete(NULL);
  wasm_ref_delete(NULL);
  wasm_val_delete(NULL);
  wasm_extern_vec_delete(NULL);
}

int main(void) {
  wasm_engine_t* const engine = wasm_engine_new_with_config(wasm_config_new());
  types();
  run(engine);
  nulls();
  wasm_engine_delete(engine);
  if (failures == 0) puts("every check of the client passed");
  return failures == 0 ? 0 : 1;
}
