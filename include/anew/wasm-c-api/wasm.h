/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * The interface that the standard wasm-c-api gives engines, as libanew has it: the same functions, layouts and numbers
 * as the standard's own wasm.h, so a client may be compiled with either. This file does not stand where it would hide
 * another engine's wasm.h: include <anew/wasm-c-api/wasm.h>, or add the directory to the compiler's.
 *
 * It is for programs that were written for this interface. It knows no pools and no resets: anew.h is Anew's own.
 *
 * OWNERSHIP. Each object made by a `_new`, `_copy`, `_share` or `_obtain`, or stored through a parameter `out` or into
 * a vector that is filled, belongs to the caller, who deletes it. `own` before a parameter says that the function takes
 * it, also if it fails. A vector owns its elements. Objects of a store keep what they need of it, so they may be
 * deleted in any order, and after it. What comes from an accessor (`wasm_functype_params`) belongs to the object that
 * was asked.
 *
 * THREADS. Engines, modules that are shared, and types: any thread. A store and all objects of it: one thread at a
 * time.
 *
 * FAILURE. What makes an object returns null if it cannot: a null argument, a wrong one, or no memory. Vectors are then
 * empty. Nothing here ends the process or throws. A callback must return: no exception or longjmp may leave it.
 *
 * LIMITS. v128 and references other than funcref and externref have no value kind in the standard: a type that has
 * one is described with a kind that is none of WASM_I32 to WASM_FUNCREF, and calling a function that has it in its type
 * traps; reading a global of such a type gives that kind and no value, and setting one does nothing. A tag that a
 * module exports is an extern of kind WASM_EXTERN_TAG, which can be imported and nothing else.
 * Sizes of 64-bit memories and tables are cut off at 2^32 - 1. A module's serialized form is its binary: deserializing
 * compiles it, or takes the code from the cache, and believes nothing. What a store's objects point to, functions that
 * were passed to guests as externref for one, stays until all objects of the store are gone. */
#ifndef WASM_H /* the standard header's own guard: whichever comes first is the one */
#define WASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef WASM_API_EXTERN
#if defined(__GNUC__)
#define WASM_API_EXTERN __attribute__((visibility("default")))
#else
#define WASM_API_EXTERN
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define own /* see OWNERSHIP */

typedef char byte_t;
typedef float float32_t;
typedef double float64_t;

/* --- What all kinds of objects have ------------------------------------------------------------------------------- */

#define WASM_OBJECT(name)                         \
  typedef struct wasm_##name##_t wasm_##name##_t; \
  WASM_API_EXTERN void wasm_##name##_delete(own wasm_##name##_t*);

/* A vector: `size` elements of type `element` at `data`, which is null if there are none. `_new` takes what is in the
 * array;
 * `_new_uninitialized` leaves them to the caller to fill (pointers are null). */
#define WASM_VECTOR(name, element)                                                                                  \
  typedef struct wasm_##name##_vec_t {                                                                              \
    size_t size;                                                                                                    \
    element* data;                                                                                                  \
  } wasm_##name##_vec_t;                                                                                            \
  WASM_API_EXTERN void wasm_##name##_vec_new_empty(own wasm_##name##_vec_t* out);                                   \
  WASM_API_EXTERN void wasm_##name##_vec_new_uninitialized(own wasm_##name##_vec_t* out, size_t size);              \
  WASM_API_EXTERN void wasm_##name##_vec_new(own wasm_##name##_vec_t* out, size_t size, own element const array[]); \
  WASM_API_EXTERN void wasm_##name##_vec_copy(own wasm_##name##_vec_t* out, const wasm_##name##_vec_t* from);       \
  WASM_API_EXTERN void wasm_##name##_vec_delete(own wasm_##name##_vec_t*);

#define WASM_TYPE(name)               \
  WASM_OBJECT(name)                   \
  WASM_VECTOR(name, wasm_##name##_t*) \
  WASM_API_EXTERN own wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t*);

/* Handles of entities. `_same`: whether both are of one entity, as copies are. The host may attach a pointer to an
 * entity, whose finalizer runs when another one is attached or the entity goes. */
#define WASM_HANDLE(name)                                                                  \
  WASM_OBJECT(name)                                                                        \
  WASM_API_EXTERN own wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t*);         \
  WASM_API_EXTERN bool wasm_##name##_same(const wasm_##name##_t*, const wasm_##name##_t*); \
  WASM_API_EXTERN void* wasm_##name##_get_host_info(const wasm_##name##_t*);               \
  WASM_API_EXTERN void wasm_##name##_set_host_info(wasm_##name##_t*, void*);               \
  WASM_API_EXTERN void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t*, void*, void (*finalizer)(void*));

/* Each handle is a wasm_ref_t too; the way back gives null for one of another kind. */
#define WASM_REFERENCE(name)                                                            \
  WASM_HANDLE(name)                                                                     \
  WASM_API_EXTERN wasm_ref_t* wasm_##name##_as_ref(wasm_##name##_t*);                   \
  WASM_API_EXTERN wasm_##name##_t* wasm_ref_as_##name(wasm_ref_t*);                     \
  WASM_API_EXTERN const wasm_ref_t* wasm_##name##_as_ref_const(const wasm_##name##_t*); \
  WASM_API_EXTERN const wasm_##name##_t* wasm_ref_as_##name##_const(const wasm_ref_t*);

/* --- Bytes and names ---------------------------------------------------------------------------------------------- */

typedef byte_t wasm_byte_t;
WASM_VECTOR(byte, wasm_byte_t)

typedef wasm_byte_vec_t wasm_name_t; /* UTF-8 */
#define wasm_name wasm_byte_vec
#define wasm_name_new wasm_byte_vec_new
#define wasm_name_new_empty wasm_byte_vec_new_empty
#define wasm_name_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_copy wasm_byte_vec_copy
#define wasm_name_delete wasm_byte_vec_delete

static inline void wasm_name_new_from_string(own wasm_name_t* out, const char* string) {
  wasm_name_new(out, strlen(string), string);
}
/* With the zero at its end, as messages have it. */
static inline void wasm_name_new_from_string_nt(own wasm_name_t* out, const char* string) {
  wasm_name_new(out, strlen(string) + 1, string);
}

/* --- Engine and store --------------------------------------------------------------------------------------------- */

WASM_OBJECT(config)
WASM_API_EXTERN own wasm_config_t* wasm_config_new(void);

WASM_OBJECT(engine)
WASM_API_EXTERN own wasm_engine_t* wasm_engine_new(void);
WASM_API_EXTERN own wasm_engine_t* wasm_engine_new_with_config(own wasm_config_t*);

WASM_OBJECT(store)
WASM_API_EXTERN own wasm_store_t* wasm_store_new(wasm_engine_t*);

/* --- Types -------------------------------------------------------------------------------------------------------- */

typedef uint8_t wasm_mutability_t;
enum wasm_mutability_enum { WASM_CONST = 0, WASM_VAR = 1 };

typedef struct wasm_limits_t {
  uint32_t min;
  uint32_t max; /* wasm_limits_max_default: none */
} wasm_limits_t;
static const uint32_t wasm_limits_max_default = 0xFFFFFFFF;

typedef uint8_t wasm_valkind_t;
enum wasm_valkind_enum {
  WASM_I32 = 0,
  WASM_I64 = 1,
  WASM_F32 = 2,
  WASM_F64 = 3,
  WASM_EXTERNREF = 128,
  WASM_FUNCREF = 129
};

WASM_TYPE(valtype)
WASM_API_EXTERN own wasm_valtype_t* wasm_valtype_new(wasm_valkind_t);
WASM_API_EXTERN wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t*);
static inline bool wasm_valkind_is_num(wasm_valkind_t kind) { return kind < WASM_EXTERNREF; }
static inline bool wasm_valkind_is_ref(wasm_valkind_t kind) { return kind >= WASM_EXTERNREF; }
static inline bool wasm_valtype_is_num(const wasm_valtype_t* type) {
  return wasm_valkind_is_num(wasm_valtype_kind(type));
}
static inline bool wasm_valtype_is_ref(const wasm_valtype_t* type) {
  return wasm_valkind_is_ref(wasm_valtype_kind(type));
}

WASM_TYPE(functype)
WASM_API_EXTERN own wasm_functype_t* wasm_functype_new(own wasm_valtype_vec_t* parameters,
                                                       own wasm_valtype_vec_t* results);
WASM_API_EXTERN const wasm_valtype_vec_t* wasm_functype_params(const wasm_functype_t*);
WASM_API_EXTERN const wasm_valtype_vec_t* wasm_functype_results(const wasm_functype_t*);

WASM_TYPE(globaltype)
WASM_API_EXTERN own wasm_globaltype_t* wasm_globaltype_new(own wasm_valtype_t*, wasm_mutability_t);
WASM_API_EXTERN const wasm_valtype_t* wasm_globaltype_content(const wasm_globaltype_t*);
WASM_API_EXTERN wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t*);

WASM_TYPE(tabletype)
WASM_API_EXTERN own wasm_tabletype_t* wasm_tabletype_new(own wasm_valtype_t*, const wasm_limits_t*);
WASM_API_EXTERN const wasm_valtype_t* wasm_tabletype_element(const wasm_tabletype_t*);
WASM_API_EXTERN const wasm_limits_t* wasm_tabletype_limits(const wasm_tabletype_t*);

WASM_TYPE(memorytype)
WASM_API_EXTERN own wasm_memorytype_t* wasm_memorytype_new(const wasm_limits_t*); /* in pages of 64 KiB */
WASM_API_EXTERN const wasm_limits_t* wasm_memorytype_limits(const wasm_memorytype_t*);

WASM_TYPE(tagtype)
WASM_API_EXTERN own wasm_tagtype_t* wasm_tagtype_new(own wasm_functype_t*);
WASM_API_EXTERN const wasm_functype_t* wasm_tagtype_functype(const wasm_tagtype_t*);

/* Any of the five above. */
WASM_TYPE(externtype)
typedef uint8_t wasm_externkind_t;
enum wasm_externkind_enum {
  WASM_EXTERN_FUNC = 0,
  WASM_EXTERN_GLOBAL = 1,
  WASM_EXTERN_TABLE = 2,
  WASM_EXTERN_MEMORY = 3,
  WASM_EXTERN_TAG = 4
};
WASM_API_EXTERN wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t*);

/* The same object; null if it is of another kind. */
#define WASM_IS_EXTERNTYPE(name)                                                                      \
  WASM_API_EXTERN wasm_externtype_t* wasm_##name##_as_externtype(wasm_##name##_t*);                   \
  WASM_API_EXTERN wasm_##name##_t* wasm_externtype_as_##name(wasm_externtype_t*);                     \
  WASM_API_EXTERN const wasm_externtype_t* wasm_##name##_as_externtype_const(const wasm_##name##_t*); \
  WASM_API_EXTERN const wasm_##name##_t* wasm_externtype_as_##name##_const(const wasm_externtype_t*);
WASM_IS_EXTERNTYPE(functype)
WASM_IS_EXTERNTYPE(globaltype)
WASM_IS_EXTERNTYPE(tabletype)
WASM_IS_EXTERNTYPE(memorytype)
WASM_IS_EXTERNTYPE(tagtype)

WASM_TYPE(importtype)
WASM_API_EXTERN own wasm_importtype_t* wasm_importtype_new(own wasm_name_t* module, own wasm_name_t* name,
                                                           own wasm_externtype_t*);
WASM_API_EXTERN const wasm_name_t* wasm_importtype_module(const wasm_importtype_t*);
WASM_API_EXTERN const wasm_name_t* wasm_importtype_name(const wasm_importtype_t*);
WASM_API_EXTERN const wasm_externtype_t* wasm_importtype_type(const wasm_importtype_t*);

WASM_TYPE(exporttype)
WASM_API_EXTERN own wasm_exporttype_t* wasm_exporttype_new(own wasm_name_t*, own wasm_externtype_t*);
WASM_API_EXTERN const wasm_name_t* wasm_exporttype_name(const wasm_exporttype_t*);
WASM_API_EXTERN const wasm_externtype_t* wasm_exporttype_type(const wasm_exporttype_t*);

/* --- Values ------------------------------------------------------------------------------------------------------- */

struct wasm_ref_t;
typedef struct wasm_val_t {
  wasm_valkind_t kind;
  union {
    int32_t i32;
    int64_t i64;
    float32_t f32;
    float64_t f64;
    struct wasm_ref_t* ref; /* owned by the value; may be null */
  } of;
} wasm_val_t;

WASM_API_EXTERN void wasm_val_delete(own wasm_val_t* value);
WASM_API_EXTERN void wasm_val_copy(own wasm_val_t* out, const wasm_val_t* value);
WASM_VECTOR(val, wasm_val_t)

/* --- References --------------------------------------------------------------------------------------------------- */

WASM_HANDLE(ref)

WASM_OBJECT(frame)
WASM_VECTOR(frame, wasm_frame_t*)
WASM_API_EXTERN own wasm_frame_t* wasm_frame_copy(const wasm_frame_t*);
/* The frame's instance, which belongs to the store; null for one that failed to start. */
WASM_API_EXTERN struct wasm_instance_t* wasm_frame_instance(const wasm_frame_t*);
WASM_API_EXTERN uint32_t wasm_frame_func_index(const wasm_frame_t*);
WASM_API_EXTERN size_t wasm_frame_func_offset(const wasm_frame_t*);   /* of the operator, from its function's body */
WASM_API_EXTERN size_t wasm_frame_module_offset(const wasm_frame_t*); /* from the start of the binary */

typedef wasm_name_t wasm_message_t; /* ends with a zero, which its size counts */
WASM_REFERENCE(trap)
WASM_API_EXTERN own wasm_trap_t* wasm_trap_new(wasm_store_t*, const wasm_message_t*);
WASM_API_EXTERN void wasm_trap_message(const wasm_trap_t*, own wasm_message_t* out);
WASM_API_EXTERN own wasm_frame_t* wasm_trap_origin(const wasm_trap_t*); /* null if it has no frames */
WASM_API_EXTERN void wasm_trap_trace(const wasm_trap_t*, own wasm_frame_vec_t* out);

WASM_REFERENCE(foreign)
WASM_API_EXTERN own wasm_foreign_t* wasm_foreign_new(wasm_store_t*);

/* --- Modules ------------------------------------------------------------------------------------------------------ */

WASM_REFERENCE(module)
WASM_OBJECT(shared_module)
WASM_API_EXTERN own wasm_shared_module_t* wasm_module_share(const wasm_module_t*);
WASM_API_EXTERN own wasm_module_t* wasm_module_obtain(wasm_store_t*, const wasm_shared_module_t*);

WASM_API_EXTERN own wasm_module_t* wasm_module_new(wasm_store_t*, const wasm_byte_vec_t* binary);
WASM_API_EXTERN bool wasm_module_validate(wasm_store_t*, const wasm_byte_vec_t* binary);
WASM_API_EXTERN void wasm_module_imports(const wasm_module_t*, own wasm_importtype_vec_t* out);
WASM_API_EXTERN void wasm_module_exports(const wasm_module_t*, own wasm_exporttype_vec_t* out);
WASM_API_EXTERN void wasm_module_serialize(const wasm_module_t*, own wasm_byte_vec_t* out);
WASM_API_EXTERN own wasm_module_t* wasm_module_deserialize(wasm_store_t*, const wasm_byte_vec_t*);

/* --- What instances are made of ----------------------------------------------------------------------------------- */

WASM_REFERENCE(func)
/* Return null, or a trap. There is room for the results, which begin as zero; a result of another kind than the
 * function's type says traps. The arguments are borrowed. */
typedef own wasm_trap_t* (*wasm_func_callback_t)(const wasm_val_vec_t* arguments, own wasm_val_vec_t* results);
typedef own wasm_trap_t* (*wasm_func_callback_with_env_t)(void* environment, const wasm_val_vec_t* arguments,
                                                          wasm_val_vec_t* results);
WASM_API_EXTERN own wasm_func_t* wasm_func_new(wasm_store_t*, const wasm_functype_t*, wasm_func_callback_t);
WASM_API_EXTERN own wasm_func_t* wasm_func_new_with_env(wasm_store_t*, const wasm_functype_t*,
                                                        wasm_func_callback_with_env_t, void* environment,
                                                        void (*finalizer)(void*));
WASM_API_EXTERN own wasm_functype_t* wasm_func_type(const wasm_func_t*);
WASM_API_EXTERN size_t wasm_func_param_arity(const wasm_func_t*);
WASM_API_EXTERN size_t wasm_func_result_arity(const wasm_func_t*);
/* Null if it returned, with the results written: there must be room for as many. Otherwise the trap; of arguments that
 * the function does not take, one that says so. */
WASM_API_EXTERN own wasm_trap_t* wasm_func_call(const wasm_func_t*, const wasm_val_vec_t* arguments,
                                                wasm_val_vec_t* results);

WASM_REFERENCE(global)
WASM_API_EXTERN own wasm_global_t* wasm_global_new(wasm_store_t*, const wasm_globaltype_t*, const wasm_val_t*);
WASM_API_EXTERN own wasm_globaltype_t* wasm_global_type(const wasm_global_t*);
WASM_API_EXTERN void wasm_global_get(const wasm_global_t*, own wasm_val_t* out);
/* Does nothing for one that is immutable, or a value of another kind. */
WASM_API_EXTERN void wasm_global_set(wasm_global_t*, const wasm_val_t*);

WASM_REFERENCE(table)
typedef uint32_t wasm_table_size_t;
WASM_API_EXTERN own wasm_table_t* wasm_table_new(wasm_store_t*, const wasm_tabletype_t*, wasm_ref_t* initial);
WASM_API_EXTERN own wasm_tabletype_t* wasm_table_type(const wasm_table_t*);
WASM_API_EXTERN own wasm_ref_t* wasm_table_get(const wasm_table_t*, wasm_table_size_t index);
WASM_API_EXTERN bool wasm_table_set(wasm_table_t*, wasm_table_size_t index, wasm_ref_t*);
WASM_API_EXTERN wasm_table_size_t wasm_table_size(const wasm_table_t*);
WASM_API_EXTERN bool wasm_table_grow(wasm_table_t*, wasm_table_size_t delta, wasm_ref_t* initial);

WASM_REFERENCE(memory)
typedef uint32_t wasm_memory_pages_t;
static const size_t MEMORY_PAGE_SIZE = 0x10000;
WASM_API_EXTERN own wasm_memory_t* wasm_memory_new(wasm_store_t*, const wasm_memorytype_t*);
WASM_API_EXTERN own wasm_memorytype_t* wasm_memory_type(const wasm_memory_t*);
WASM_API_EXTERN byte_t* wasm_memory_data(wasm_memory_t*); /* good as long as the store */
WASM_API_EXTERN size_t wasm_memory_data_size(const wasm_memory_t*);
WASM_API_EXTERN wasm_memory_pages_t wasm_memory_size(const wasm_memory_t*);
WASM_API_EXTERN bool wasm_memory_grow(wasm_memory_t*, wasm_memory_pages_t delta);

/* Any of the four above, or a tag. */
WASM_REFERENCE(extern)
WASM_VECTOR(extern, wasm_extern_t*)
WASM_API_EXTERN wasm_externkind_t wasm_extern_kind(const wasm_extern_t*);
WASM_API_EXTERN own wasm_externtype_t* wasm_extern_type(const wasm_extern_t*);

#define WASM_IS_EXTERN(name)                                                                  \
  WASM_API_EXTERN wasm_extern_t* wasm_##name##_as_extern(wasm_##name##_t*);                   \
  WASM_API_EXTERN wasm_##name##_t* wasm_extern_as_##name(wasm_extern_t*);                     \
  WASM_API_EXTERN const wasm_extern_t* wasm_##name##_as_extern_const(const wasm_##name##_t*); \
  WASM_API_EXTERN const wasm_##name##_t* wasm_extern_as_##name##_const(const wasm_extern_t*);
WASM_IS_EXTERN(func)
WASM_IS_EXTERN(global)
WASM_IS_EXTERN(table)
WASM_IS_EXTERN(memory)

WASM_REFERENCE(instance)
/* The imports are in the order of the module's, and of this store. If it returns null, `*trap`, unless `trap` is null,
 * says why: a trap of the start function or of a segment, or an import that does not fit. */
WASM_API_EXTERN own wasm_instance_t* wasm_instance_new(wasm_store_t*, const wasm_module_t*,
                                                       const wasm_extern_vec_t* imports, own wasm_trap_t** trap);
/* In the order of the module's exports. */
WASM_API_EXTERN void wasm_instance_exports(const wasm_instance_t*, own wasm_extern_vec_t* out);

/* --- Shorthands --------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define WASM_EMPTY_VEC {0, NULL}
#define WASM_ARRAY_VEC(array) {sizeof(array) / sizeof(*(array)), array}
#define WASM_I32_VAL(i) {.kind = WASM_I32, .of = {.i32 = i}}
#define WASM_I64_VAL(i) {.kind = WASM_I64, .of = {.i64 = i}}
#define WASM_F32_VAL(z) {.kind = WASM_F32, .of = {.f32 = z}}
#define WASM_F64_VAL(z) {.kind = WASM_F64, .of = {.f64 = z}}
#define WASM_REF_VAL(r) {.kind = WASM_EXTERNREF, .of = {.ref = r}}
#define WASM_INIT_VAL {.kind = WASM_EXTERNREF, .of = {.ref = NULL}}
/* clang-format on */

static inline own wasm_valtype_t* wasm_valtype_new_i32(void) { return wasm_valtype_new(WASM_I32); }
static inline own wasm_valtype_t* wasm_valtype_new_i64(void) { return wasm_valtype_new(WASM_I64); }
static inline own wasm_valtype_t* wasm_valtype_new_f32(void) { return wasm_valtype_new(WASM_F32); }
static inline own wasm_valtype_t* wasm_valtype_new_f64(void) { return wasm_valtype_new(WASM_F64); }
static inline own wasm_valtype_t* wasm_valtype_new_externref(void) { return wasm_valtype_new(WASM_EXTERNREF); }
static inline own wasm_valtype_t* wasm_valtype_new_funcref(void) { return wasm_valtype_new(WASM_FUNCREF); }

/* A pointer of the host's as an i64, and back. */
static inline void wasm_val_init_ptr(own wasm_val_t* out, void* pointer) {
  out->kind = WASM_I64;
  out->of.i64 = (int64_t)(intptr_t)pointer;
}
static inline void* wasm_val_ptr(const wasm_val_t* value) { return (void*)(intptr_t)value->of.i64; }

/* Function types: wasm_functype_new_P_R takes P parameter types and R result types. */
static inline own wasm_functype_t* wasm_functype_of(size_t parameters, size_t results, own wasm_valtype_t* types[]) {
  wasm_valtype_vec_t parameter_types, result_types;
  wasm_valtype_vec_new(&parameter_types, parameters, types);
  wasm_valtype_vec_new(&result_types, results, types + parameters);
  return wasm_functype_new(&parameter_types, &result_types);
}
static inline own wasm_functype_t* wasm_functype_new_0_0(void) {
  wasm_valtype_t* types[1] = {NULL};
  return wasm_functype_of(0, 0, types);
}
static inline own wasm_functype_t* wasm_functype_new_1_0(own wasm_valtype_t* p) { return wasm_functype_of(1, 0, &p); }
static inline own wasm_functype_t* wasm_functype_new_2_0(own wasm_valtype_t* p1, own wasm_valtype_t* p2) {
  wasm_valtype_t* types[] = {p1, p2};
  return wasm_functype_of(2, 0, types);
}
static inline own wasm_functype_t* wasm_functype_new_3_0(own wasm_valtype_t* p1, own wasm_valtype_t* p2,
                                                         own wasm_valtype_t* p3) {
  wasm_valtype_t* types[] = {p1, p2, p3};
  return wasm_functype_of(3, 0, types);
}
static inline own wasm_functype_t* wasm_functype_new_0_1(own wasm_valtype_t* r) { return wasm_functype_of(0, 1, &r); }
static inline own wasm_functype_t* wasm_functype_new_1_1(own wasm_valtype_t* p, own wasm_valtype_t* r) {
  wasm_valtype_t* types[] = {p, r};
  return wasm_functype_of(1, 1, types);
}
static inline own wasm_functype_t* wasm_functype_new_2_1(own wasm_valtype_t* p1, own wasm_valtype_t* p2,
                                                         own wasm_valtype_t* r) {
  wasm_valtype_t* types[] = {p1, p2, r};
  return wasm_functype_of(2, 1, types);
}
static inline own wasm_functype_t* wasm_functype_new_3_1(own wasm_valtype_t* p1, own wasm_valtype_t* p2,
                                                         own wasm_valtype_t* p3, own wasm_valtype_t* r) {
  wasm_valtype_t* types[] = {p1, p2, p3, r};
  return wasm_functype_of(3, 1, types);
}
static inline own wasm_functype_t* wasm_functype_new_0_2(own wasm_valtype_t* r1, own wasm_valtype_t* r2) {
  wasm_valtype_t* types[] = {r1, r2};
  return wasm_functype_of(0, 2, types);
}
static inline own wasm_functype_t* wasm_functype_new_1_2(own wasm_valtype_t* p, own wasm_valtype_t* r1,
                                                         own wasm_valtype_t* r2) {
  wasm_valtype_t* types[] = {p, r1, r2};
  return wasm_functype_of(1, 2, types);
}
static inline own wasm_functype_t* wasm_functype_new_2_2(own wasm_valtype_t* p1, own wasm_valtype_t* p2,
                                                         own wasm_valtype_t* r1, own wasm_valtype_t* r2) {
  wasm_valtype_t* types[] = {p1, p2, r1, r2};
  return wasm_functype_of(2, 2, types);
}
static inline own wasm_functype_t* wasm_functype_new_3_2(own wasm_valtype_t* p1, own wasm_valtype_t* p2,
                                                         own wasm_valtype_t* p3, own wasm_valtype_t* r1,
                                                         own wasm_valtype_t* r2) {
  wasm_valtype_t* types[] = {p1, p2, p3, r1, r2};
  return wasm_functype_of(3, 2, types);
}

#undef own

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WASM_H */
