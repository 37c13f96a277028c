/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * Anew from C: every WebAssembly call in an instance as new. C11, and C++.
 *
 *   anew_engine_t* engine;  anew_module_t* module;  anew_linker_t* linker;
 *   anew_pool_t* pool;      anew_function_t* add;   anew_lease_t* lease;
 *   anew_error_t* error = anew_engine_new(NULL, &engine);
 *   if (!error) error = anew_engine_load(engine, ANEW_TEXT("sum.wasm"), NULL, &module);
 *   if (!error) error = anew_linker_new(&linker);
 *   if (!error) error = anew_pool_new(module, linker, NULL, &pool);
 *   if (!error) error = anew_pool_function(pool, ANEW_TEXT("add"), NULL, &add);
 *   if (!error) error = anew_pool_acquire(pool, &lease);           // an instance as new
 *   uint64_t slots[2] = {2, 40};
 *   if (!error) error = anew_lease_call(lease, add, slots, 2);     // slots[0] is 42
 *   anew_lease_release(lease);                                     // and it is as new again
 *
 * docs/embedding-c.md is the guide. The rules that hold for all functions:
 *
 * ERRORS. What may fail returns an anew_error_t*: null if it went well, else an error that the caller deletes. What it
 * was to make is then null, and what it was to write is as it was. A null argument where null is not allowed is an
 * error of code ANEW_ERROR_ARGUMENT that names the parameter; functions that return no error do nothing then, and
 * return 0, false or null. Want of memory is an error of code ANEW_ERROR_RESOURCE. Nothing is thrown, and no function
 * ends the process.
 *
 * HANDLES. `_new` and other functions with a last parameter `T** out` make an object, which the caller deletes with
 * `anew_T_delete` (a lease with anew_lease_release). Deleting null does nothing. Objects keep what they need of one
 * another: an engine, module or linker may be deleted while a pool made with it is in use, a pool while its leases are.
 * `_copy` makes another handle to the same object.
 *
 * STRINGS. Those passed in are a pointer and a size in bytes, of UTF-8 that need not end with a zero (ANEW_TEXT does it
 * for a literal); null is the empty string if the size is 0. Those that come back end with a zero, which their size,
 * where there is one, does not count, and belong to the object that they were asked of: good until it is deleted or
 * changed.
 *
 * STRUCTS. Options and statistics begin with `struct_size`, which the caller sets to sizeof of the struct. Fields are
 * added at the end only; the library reads and writes no more than the caller has, and takes what the caller lacks for
 * zero. A field that is zero has its default, so
 *
 *   anew_pool_options_t options = {.struct_size = sizeof(options), .capacity = 64};
 *
 * sets one of them, and null instead of options sets none. A field that this library does not know must be zero.
 *
 * TIME. Durations are nanoseconds. Points in time are nanoseconds of CLOCK_MONOTONIC, see anew_deadline_after.
 *
 * THREADS. "Any thread" means: may be called from many threads at once with the same objects. "One thread at a time"
 * means: with the same object, not necessarily always the same thread. Deleting an object while another thread uses
 * that handle is a defect of the caller always. A library built without NDEBUG checks at run time that handles are
 * alive and of the right kind, that is, it finds a second deletion, and that a lease is not used by two threads at
 * once; it writes what it found to stderr and aborts.
 *
 * CALLBACKS. A callback runs on the thread that says so at its type. It must return: no exception, longjmp or thread
 * exit may leave it. The state of a guest that is left that way is lost, and so is the thread for later calls. An
 * `error` that a callback returns becomes the library's. `data` is passed to each call of the callback; its `finalize`,
 * if not null, is called with it once, from any thread, when the library no longer needs it, also if the function that
 * was given it failed. It must not call the library.
 */
#ifndef ANEW_H
#define ANEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the shared library shows. */
#if defined(__GNUC__)
#define ANEW_C_API __attribute__((visibility("default")))
#else
#define ANEW_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A string literal as the two arguments that a string is. */
#define ANEW_TEXT(literal) (literal), (sizeof(literal) - 1)

/* A string within a struct. */
typedef struct anew_text_t {
  const char* data;
  size_t size;
} anew_text_t;

typedef struct anew_error_t anew_error_t;
typedef struct anew_engine_t anew_engine_t;
typedef struct anew_module_t anew_module_t;
typedef struct anew_linker_t anew_linker_t;
typedef struct anew_state_type_t anew_state_type_t;
typedef struct anew_pool_t anew_pool_t;
typedef struct anew_function_t anew_function_t;
typedef struct anew_lease_t anew_lease_t;
typedef struct anew_canceller_t anew_canceller_t;
typedef struct anew_completion_t anew_completion_t;
typedef struct anew_call_t anew_call_t;
typedef struct anew_pool_cache_t anew_pool_cache_t;
/* The instance that calls a host function; good during that call, on its thread. Never deleted. */
typedef struct anew_caller_t anew_caller_t;

typedef void (*anew_finalizer_t)(void* data);

/* --- Version ------------------------------------------------------------------------------------------------------ */

/* Of the library that runs: version 1.2.3 is 10203, and "1.2.3". Any thread. */
ANEW_C_API uint32_t anew_version(void);
ANEW_C_API const char* anew_version_string(void);

/* --- Time --------------------------------------------------------------------------------------------------------- */

/* No deadline: waits and runs without end. */
#define ANEW_NO_DEADLINE INT64_MAX

/* The point in time so many nanoseconds from now; ANEW_NO_DEADLINE if that is past what fits. Any thread. */
ANEW_C_API int64_t anew_deadline_after(uint64_t nanoseconds);

/* --- Types and values --------------------------------------------------------------------------------------------- */

/* A value type: one of those below, or a reference type that they do not list, as a number of no further meaning. */
typedef uint32_t anew_type_t;
enum {
  ANEW_I32 = 0x7F,
  ANEW_I64 = 0x7E,
  ANEW_F32 = 0x7D,
  ANEW_F64 = 0x7C,
  ANEW_V128 = 0x7B,
  ANEW_FUNCREF = 0x70,
  ANEW_EXTERNREF = 0x6F,
  ANEW_EXNREF = 0x69
};

/* What a function takes and returns. */
typedef struct anew_function_type_t {
  const anew_type_t* parameters;
  size_t parameter_count;
  const anew_type_t* results;
  size_t result_count;
} anew_function_type_t;

/* What an import or export is; the numbers are those of the binary format. */
typedef uint32_t anew_kind_t;
enum { ANEW_FUNCTION = 0, ANEW_TABLE = 1, ANEW_MEMORY = 2, ANEW_GLOBAL = 3, ANEW_TAG = 4 };

/* A value with its type. */
typedef struct anew_value_t {
  anew_type_t type;
  uint32_t unused;
  union {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    uint8_t v128[16]; /* little-endian, as in a guest's memory */
    /* Of a reference: 0 for null; of an externref, 64 bits of the host's own. A function reference is good for the
     * lease that it came from, until that is released. */
    uint64_t reference;
    uint64_t slots[2];
  } of;
} anew_value_t;

static inline anew_value_t anew_value_i32(int32_t value) {
  anew_value_t made = {ANEW_I32, 0, {0}};
  made.of.i32 = value;
  return made;
}
static inline anew_value_t anew_value_i64(int64_t value) {
  anew_value_t made = {ANEW_I64, 0, {0}};
  made.of.i64 = value;
  return made;
}
static inline anew_value_t anew_value_f32(float value) {
  anew_value_t made = {ANEW_F32, 0, {0}};
  made.of.f32 = value;
  return made;
}
static inline anew_value_t anew_value_f64(double value) {
  anew_value_t made = {ANEW_F64, 0, {0}};
  made.of.f64 = value;
  return made;
}

/* SLOTS. Where values pass without types, each is a slot of 64 bits: an i32 or f32 in the lower half, whatever the
 * upper half has when the host passes it, and zero there when the guest does; a v128 takes two slots, low half first; a
 * reference is its 64 bits, as in anew_value_t. Arguments begin at slot 0, and results take their place, from slot 0.
 */

/* --- Errors ------------------------------------------------------------------------------------------------------- */

typedef uint32_t anew_error_code_t;
enum {
  ANEW_ERROR_MALFORMED = 0,   /* the bytes are not a WebAssembly module */
  ANEW_ERROR_INVALID = 1,     /* the module does not validate */
  ANEW_ERROR_UNSUPPORTED = 2, /* a WebAssembly feature that Anew does not run, or a processor that it does not run on */
  ANEW_ERROR_LIMIT = 3,       /* the module is past one of Anew's limits; the message has the number */
  ANEW_ERROR_LINK = 4,        /* an import is missing or of another type */
  ANEW_ERROR_TRAP = 5,        /* the guest trapped; anew_error_trap and the frames say how and where */
  ANEW_ERROR_ARGUMENT = 6,    /* a wrong argument: null, count, type or range */
  ANEW_ERROR_NOT_FOUND = 7,   /* no such export, file or key */
  ANEW_ERROR_IO = 8,          /* the operating system refused a file operation */
  ANEW_ERROR_RESOURCE = 9,    /* out of memory, address space, mappings, threads, pool capacity or time to wait */
  ANEW_ERROR_ARTIFACT = 10,   /* a compiled module or snapshot file that is truncated, altered, foreign or stale */
  ANEW_ERROR_HOST = 11        /* a callback of the host failed */
};

/* Why a guest stopped. Later versions may add to these. */
typedef uint32_t anew_trap_t;
enum {
  ANEW_TRAP_NONE = 0,
  ANEW_TRAP_UNREACHABLE = 1,
  ANEW_TRAP_MEMORY_OUT_OF_BOUNDS = 2,
  ANEW_TRAP_TABLE_OUT_OF_BOUNDS = 3,
  ANEW_TRAP_UNDEFINED_ELEMENT = 4,
  ANEW_TRAP_UNINITIALIZED_ELEMENT = 5,
  ANEW_TRAP_INDIRECT_CALL_TYPE_MISMATCH = 6,
  ANEW_TRAP_INTEGER_DIVIDE_BY_ZERO = 7,
  ANEW_TRAP_INTEGER_OVERFLOW = 8,
  ANEW_TRAP_INVALID_CONVERSION_TO_INTEGER = 9,
  ANEW_TRAP_STACK_EXHAUSTED = 10,
  ANEW_TRAP_HOST_ERROR = 11,  /* a host function returned an error */
  ANEW_TRAP_INTERRUPTED = 12, /* stopped from outside: deadline, canceller, shutdown of its pool */
  ANEW_TRAP_NULL_REFERENCE = 13,
  ANEW_TRAP_NULL_FUNCTION_REFERENCE = 14,
  ANEW_TRAP_NULL_EXCEPTION_REFERENCE = 15,
  ANEW_TRAP_UNALIGNED_ATOMIC = 16,
  ANEW_TRAP_EXPECTED_SHARED_MEMORY = 17,
  ANEW_TRAP_UNHANDLED_EXCEPTION = 18,
  ANEW_TRAP_EXCEPTIONS_EXHAUSTED = 19,
  ANEW_TRAP_OUT_OF_FUEL = 20,
  ANEW_TRAP_CAST_FAILURE = 21
};

/* One WebAssembly frame of a backtrace. */
typedef struct anew_frame_t {
  size_t struct_size;
  uint32_t function_index;
  bool is_host;              /* the import through which the guest called a host function */
  uint64_t module_offset;    /* of the operator in the module's binary, in bytes; 0 where unknown */
  const char* function_name; /* as the guest wrote it; empty where unknown */
  size_t function_name_size;
  const char* instance_name; /* of an instance that others import from; empty for the main one */
  size_t instance_name_size;
  const char* source_file; /* that it was compiled from, as the guest's compiler wrote it; empty without DWARF */
  size_t source_file_size;
  uint32_t source_line; /* from 1; 0 where unknown */
} anew_frame_t;

/* An error of the host's own, for a callback to return. Where there is no memory for one, the error that says so; never
 * null. Any thread. */
ANEW_C_API anew_error_t* anew_error_new(anew_error_code_t code, const char* message, size_t message_size);
/* An error is used by one thread at a time. */
ANEW_C_API void anew_error_delete(anew_error_t* error);
/* Of null: ANEW_ERROR_ARGUMENT. */
ANEW_C_API anew_error_code_t anew_error_code(const anew_error_t* error);
/* What is wrong, where, and what to do about it. The words of a guest in it are as the guest wrote them. */
ANEW_C_API const char* anew_error_message(const anew_error_t* error);
/* The message, the offset and the backtrace, in lines: names demangled, a guest's words escaped. */
ANEW_C_API const char* anew_error_text(anew_error_t* error);
/* Of a call that trapped, with ANEW_ERROR_TRAP; otherwise ANEW_TRAP_NONE. */
ANEW_C_API anew_trap_t anew_error_trap(const anew_error_t* error);
/* Of a module that is refused: stores the byte offset in the binary. Returns false, storing nothing, if there is none.
 */
ANEW_C_API bool anew_error_offset(const anew_error_t* error, uint64_t* offset);
/* The backtrace of a call that trapped, innermost frame first; a deep one leaves out the outermost. */
ANEW_C_API size_t anew_error_frame_count(const anew_error_t* error);
/* Fills what the caller has of the frame (see STRUCTS). Returns false if there is none of that index. */
ANEW_C_API bool anew_error_frame(const anew_error_t* error, size_t index, anew_frame_t* frame);
/* The specification's words for a trap, such as "integer divide by zero", and a few words for a code. Any thread. */
ANEW_C_API const char* anew_trap_name(anew_trap_t trap);
ANEW_C_API const char* anew_error_code_name(anew_error_code_t code);

/* --- Engine ------------------------------------------------------------------------------------------------------- */

typedef struct anew_engine_options_t {
  size_t struct_size;
  uint32_t compile_threads; /* for one module; 0: all cores */
  bool no_cache;            /* compiled modules are not kept on disk */
  /* Empty: $ANEW_CACHE_DIR, else $XDG_CACHE_HOME/anew, else ~/.cache/anew. */
  anew_text_t cache_directory;
  uint64_t cache_bytes;           /* the cache keeps at most this much on disk; 0: 1 GiB */
  uint64_t maximum_compile_bytes; /* memory that compiling one module may take; 0: 4 GiB */
  uint64_t stack_bytes;           /* of a guest stack: a multiple of 4096 from 16 KiB to 4 GiB; 0: 1 MiB */
  /* Proposals to WebAssembly that modules may use, such as "2.0" or "all,-simd": presets (mvp, 2.0, 3.0, substrate,
   * all) and names of proposals as wasm-tools has them, with "-" before what is taken away. Empty: all. */
  anew_text_t features;
  /* Called while a module compiles, from any thread, maybe several at once. */
  void (*progress)(void* data, uint32_t functions_done, uint32_t functions_in_all);
  void* progress_data;
  anew_finalizer_t progress_finalize;
} anew_engine_options_t;

typedef uint32_t anew_ledger_t;
enum { ANEW_LEDGER_AUTO = 0, ANEW_LEDGER_CARDS = 1, ANEW_LEDGER_PAGEMAP = 2, ANEW_LEDGER_COW = 3 };

/* How much work is put into code: one pass; and functions that run long again with LLVM, while the module runs; and
 * every function so, before a module is returned. */
typedef uint32_t anew_tier_t;
enum { ANEW_TIER_QUICK = 0, ANEW_TIER_AUTO = 1, ANEW_TIER_OPTIMIZED = 2 };

/* What changes a module's machine code; see CompileOptions in anew/engine.hpp. */
typedef struct anew_compile_options_t {
  size_t struct_size;
  uint32_t card_bytes; /* 512, 1024, 2048 or 4096; 0: chosen by the size of the module's memory */
  anew_ledger_t ledger;
  bool explicit_bounds;
  bool fuel;
  bool canonical_nan;
  uint32_t stack_limit; /* 0: where the machine's stack ends */
  anew_tier_t tier;
} anew_compile_options_t;

/* Engines may be used from any thread. The first one of a process installs signal handlers ("Signals" in
 * docs/embedding.md). ANEW_ERROR_ARGUMENT for bad options, UNSUPPORTED for a processor that Anew does not run on;
 * options may be null. */
ANEW_C_API anew_error_t* anew_engine_new(const anew_engine_options_t* options, anew_engine_t** out);
ANEW_C_API void anew_engine_delete(anew_engine_t* engine);
/* Compiles a binary, or takes it from the code cache. The bytes are copied. Any thread. ANEW_ERROR_MALFORMED, INVALID,
 * UNSUPPORTED, LIMIT, with an offset; ARGUMENT for bad options; RESOURCE. */
ANEW_C_API anew_error_t* anew_engine_compile(const anew_engine_t* engine, const void* binary, size_t size,
                                             const anew_compile_options_t* options, anew_module_t** out);
/* Reads a file and compiles it, or takes what anew_engine_save and anew_pool_save_snapshot wrote, after checking it;
 * the content decides which it is. Any thread. Errors as above, and ANEW_ERROR_NOT_FOUND, IO, ARTIFACT. */
ANEW_C_API anew_error_t* anew_engine_load(const anew_engine_t* engine, const char* path, size_t path_size,
                                          const anew_compile_options_t* options, anew_module_t** out);
/* Writes the compiled module to a file, atomically. Any thread. ANEW_ERROR_IO; UNSUPPORTED for a module from a snapshot
 * file. */
ANEW_C_API anew_error_t* anew_engine_save(const anew_engine_t* engine, const anew_module_t* module, const char* path,
                                          size_t path_size);
/* BLAKE2b-256 of a binary, by which pool caches find pools. Any thread. */
ANEW_C_API anew_error_t* anew_code_hash(const void* code, size_t size, uint8_t hash[32]);

/* --- Module ------------------------------------------------------------------------------------------------------- */

/* What a module imports or exports. Of the fields behind `type` those are zero that its kind does not have. */
typedef struct anew_item_t {
  size_t struct_size;
  const char* module; /* of an import: the module that it names; of an export empty */
  size_t module_size;
  const char* name;
  size_t name_size;
  anew_kind_t kind;
  const char* type;              /* as text, such as "[i32] -> []" */
  anew_function_type_t function; /* of a function or tag */
  anew_type_t value_type;        /* of a global; of a table's elements */
  bool is_mutable;               /* of a global */
  bool is_64;                    /* of a memory or table: addresses or indices are i64 */
  bool is_shared;                /* of a memory */
  bool has_maximum;              /* of a memory or table */
  uint64_t minimum;              /* of a memory, in pages of 64 KiB; of a table, in elements */
  uint64_t maximum;
} anew_item_t;

/* Modules are immutable; all these functions: any thread. */
ANEW_C_API void anew_module_delete(anew_module_t* module);
ANEW_C_API anew_error_t* anew_module_copy(const anew_module_t* module, anew_module_t** out);
ANEW_C_API size_t anew_module_import_count(const anew_module_t* module);
ANEW_C_API size_t anew_module_export_count(const anew_module_t* module);
/* In the order of the binary. Fill what the caller has of the item (see STRUCTS). ANEW_ERROR_NOT_FOUND past the last.
 */
ANEW_C_API anew_error_t* anew_module_import(const anew_module_t* module, size_t index, anew_item_t* item);
ANEW_C_API anew_error_t* anew_module_export(const anew_module_t* module, size_t index, anew_item_t* item);
/* The proposals that the module needs, as a list that anew_engine_options_t takes. */
ANEW_C_API const char* anew_module_features(const anew_module_t* module);
/* What tells a reset what a call wrote, never ANEW_LEDGER_AUTO, and why it is that, in words. */
ANEW_C_API anew_ledger_t anew_module_ledger(const anew_module_t* module);
ANEW_C_API const char* anew_module_ledger_reason(const anew_module_t* module);
ANEW_C_API anew_error_t* anew_module_code_hash(const anew_module_t* module, uint8_t hash[32]);
/* Whether the machine code came from the code cache; and why the cache was not used or not written, empty if all went
 * well. */
ANEW_C_API bool anew_module_from_cache(const anew_module_t* module);
ANEW_C_API const char* anew_module_cache_note(const anew_module_t* module);
/* How many functions have optimized code by now; what a call returns does not depend on it. */
ANEW_C_API uint32_t anew_module_optimized_functions(const anew_module_t* module);

/* --- Linker ------------------------------------------------------------------------------------------------------- */

/* A host function by its slots (see SLOTS), the fast form: reads its arguments there and writes its results. There are
 * as many slots as the parameters or the results take, whichever are more; those that hold no argument are zero. Called
 * on the thread of the guest, for all instances, maybe from many threads at once.
 * Returns null, or an error, which traps the guest with its message. A function reference that it returns must have
 * come from the instances that it is linked to, and an exnref must be null. */
typedef anew_error_t* (*anew_slots_function_t)(void* data, anew_caller_t* caller, uint64_t* slots);
/* The same with values. Results have their types set and are zero; the function writes what is theirs `of`. A result
 * whose type is another one afterwards traps. */
typedef anew_error_t* (*anew_values_function_t)(void* data, anew_caller_t* caller, const anew_value_t* arguments,
                                                size_t argument_count, anew_value_t* results, size_t result_count);

/* A linker is filled by one thread; then it may be used from any. Pools keep what they were linked to: later
 * definitions change nothing for them. A later definition of a name replaces the earlier one. */
ANEW_C_API anew_error_t* anew_linker_new(anew_linker_t** out);
ANEW_C_API void anew_linker_delete(anew_linker_t* linker);
ANEW_C_API anew_error_t* anew_linker_define_slots(anew_linker_t* linker, const char* module, size_t module_size,
                                                  const char* name, size_t name_size, const anew_function_type_t* type,
                                                  anew_slots_function_t function, void* data,
                                                  anew_finalizer_t finalize);
ANEW_C_API anew_error_t* anew_linker_define_values(anew_linker_t* linker, const char* module, size_t module_size,
                                                   const char* name, size_t name_size, const anew_function_type_t* type,
                                                   anew_values_function_t function, void* data,
                                                   anew_finalizer_t finalize);
/* A host function that may give its result later. It reads its arguments in the slots, returns at once, and has somebody
 * complete or drop the completion, from any thread; it is that one's from now on, also if the function fails. A call
 * begun by anew_lease_start waits without a thread; any other keeps its thread until then, or until its deadline.
 * Results are numbers and vectors only: ANEW_ERROR_ARGUMENT for references. */
typedef anew_error_t* (*anew_async_function_t)(void* data, anew_caller_t* caller, const uint64_t* slots,
                                               anew_completion_t* completion);
ANEW_C_API anew_error_t* anew_linker_define_async(anew_linker_t* linker, const char* module, size_t module_size,
                                                  const char* name, size_t name_size, const anew_function_type_t* type,
                                                  anew_async_function_t function, void* data,
                                                  anew_finalizer_t finalize);
/* Gives the results, in as many slots as they take, and ends the completion. ANEW_ERROR_ARGUMENT for another number of
 * slots; the guest's call traps then. */
ANEW_C_API anew_error_t* anew_completion_complete(anew_completion_t* completion, const uint64_t* slots,
                                                  size_t slot_count);
/* Traps the guest's call with these words, and ends the completion. */
ANEW_C_API void anew_completion_fail(anew_completion_t* completion, const char* message, size_t message_size);
/* A global. A reference must be null, or an externref. A mutable one is each instance's own, and as new with it; a
 * lease whose instances are linked to one another has one of it, as it has of a memory and a table. */
ANEW_C_API anew_error_t* anew_linker_define_global(anew_linker_t* linker, const char* module, size_t module_size,
                                                   const char* name, size_t name_size, const anew_value_t* value);
ANEW_C_API anew_error_t* anew_linker_define_mutable_global(anew_linker_t* linker, const char* module,
                                                           size_t module_size, const char* name, size_t name_size,
                                                           const anew_value_t* value);
/* A memory of the leases' own. In pages of 64 KiB; maximum: UINT64_MAX for none. */
ANEW_C_API anew_error_t* anew_linker_define_memory(anew_linker_t* linker, const char* module, size_t module_size,
                                                   const char* name, size_t name_size, uint64_t minimum,
                                                   uint64_t maximum);
/* A table of the leases' own, with null elements of a reference type. maximum: UINT64_MAX for none. */
ANEW_C_API anew_error_t* anew_linker_define_table(anew_linker_t* linker, const char* module, size_t module_size,
                                                  const char* name, size_t name_size, anew_type_t element,
                                                  uint64_t minimum, uint64_t maximum);
/* A module whose exports are importable under `name`: every instance of a pool gets its own instance of it, made before
 * the main one, in the order of these definitions. They are leased and reset together. */
ANEW_C_API anew_error_t* anew_linker_define_module(anew_linker_t* linker, const char* name, size_t name_size,
                                                   const anew_module_t* module);
/* Every function import that is not defined traps when called, with "not implemented: NAME". */
ANEW_C_API anew_error_t* anew_linker_trap_unknown_functions(anew_linker_t* linker);

/* HOST STATE: what host functions keep for the guests that call them, one for each lease, shared by the instances that
 * are linked to one another, and as new with them. One thread at a time uses it, that of the lease or of the reset. */
typedef struct anew_state_options_t {
  size_t struct_size;
  void* data; /* for the functions */
  anew_finalizer_t finalize;
  /* Stores a state as new, null if it likes, or returns an error. Called for each instance that is made, from the
   * thread that makes it, maybe several at once; and when a snapshot is taken while host functions run. Never null. */
  anew_error_t* (*create)(void* data, void** state);
  /* Puts a state back to what `create` makes, after the guest's memory is. After an error the instance is destroyed,
   * and made anew when it is needed. Null: the state is destroyed and another one created. */
  anew_error_t* (*reset)(void* data, void* state);
  /* Null: nothing is to be done. */
  void (*destroy)(void* data, void* state);
} anew_state_options_t;

/* A kind of host state. The handle is its identity: what defines it and what looks it up name the same. `name` is for
 * messages. Linkers that it is defined in keep it. Any thread. */
ANEW_C_API anew_error_t* anew_state_type_new(const char* name, size_t name_size, const anew_state_options_t* options,
                                             anew_state_type_t** out);
ANEW_C_API void anew_state_type_delete(anew_state_type_t* type);
ANEW_C_API anew_error_t* anew_linker_define_state(anew_linker_t* linker, const anew_state_type_t* type);

/* --- Memory ------------------------------------------------------------------------------------------------------- */

/* A view of a linear memory of an instance, filled by anew_lease_memory or anew_caller_memory. It need not be deleted,
 * and is good as long as the lease, or the call of the host function; used by one thread at a time, that of these. All
 * zero it is a memory of size 0. Each access is checked against the memory's size now, and what is handed out for
 * writing is marked, so that the reset restores it. */
typedef struct anew_memory_t {
  uintptr_t internal[4];
} anew_memory_t;

/* In bytes. */
ANEW_C_API uint64_t anew_memory_size(const anew_memory_t* memory);
/* Copy bytes out of the memory and into it. ANEW_ERROR_ARGUMENT, copying nothing, if they are not all inside. */
ANEW_C_API anew_error_t* anew_memory_read(const anew_memory_t* memory, uint64_t address, void* bytes, size_t size);
ANEW_C_API anew_error_t* anew_memory_write(const anew_memory_t* memory, uint64_t address, const void* bytes,
                                           size_t size);
/* Pointers to the bytes themselves, good until the guest runs again, the memory grows or the lease is released. What is
 * asked for writing is marked: ask for what will be written and no more, and write it before the guest runs again, for
 * what is written later would escape the reset. ANEW_ERROR_ARGUMENT if the bytes are not all inside. */
ANEW_C_API anew_error_t* anew_memory_view(const anew_memory_t* memory, uint64_t address, uint64_t size,
                                          const uint8_t** out);
ANEW_C_API anew_error_t* anew_memory_view_writable(const anew_memory_t* memory, uint64_t address, uint64_t size,
                                                   uint8_t** out);
/* Grows by pages of 64 KiB. Stores the old size in pages if `old_pages` is not null. ANEW_ERROR_RESOURCE if the maximum
 * or the system refuses. */
ANEW_C_API anew_error_t* anew_memory_grow(const anew_memory_t* memory, uint64_t delta_pages, uint64_t* old_pages);

/* --- Caller ------------------------------------------------------------------------------------------------------- */

/* An exported memory, or memory 0 (of size 0 if there is none) if `name` is null. ANEW_ERROR_NOT_FOUND, or ARGUMENT if
 * the export is no memory. */
ANEW_C_API anew_error_t* anew_caller_memory(const anew_caller_t* caller, const char* name, size_t name_size,
                                            anew_memory_t* out);
ANEW_C_API anew_error_t* anew_caller_global(const anew_caller_t* caller, const char* name, size_t name_size,
                                            anew_value_t* out);
/* Calls a function that the instance exports, such as its allocator. The call nests in that which the host function is
 * part of: the same deadline, what is left of fuel and stack, 64 calls within one another at most. A trap ends the
 * nested call alone. As anew_lease_call and anew_lease_call_values otherwise. */
ANEW_C_API anew_error_t* anew_caller_call(const anew_caller_t* caller, const anew_function_t* function, uint64_t* slots,
                                          size_t slot_count);
ANEW_C_API anew_error_t* anew_caller_call_values(const anew_caller_t* caller, const char* name, size_t name_size,
                                                 const anew_value_t* arguments, size_t argument_count,
                                                 anew_value_t* results, size_t result_count);
/* As anew_pool_function, in the module of the instance that calls. */
ANEW_C_API anew_error_t* anew_caller_function(const anew_caller_t* caller, const char* name, size_t name_size,
                                              const anew_function_type_t* type, anew_function_t** out);
/* The host state of that type; null if the linker defines none, or if that is what it holds. */
ANEW_C_API void* anew_caller_state(const anew_caller_t* caller, const anew_state_type_t* type);
/* Whether the call is to end as soon as the host function returns: its deadline has passed, or its pool shuts down. A
 * host function that works long asks now and then, and returns any error. */
ANEW_C_API bool anew_caller_stopping(const anew_caller_t* caller);

/* --- Pool --------------------------------------------------------------------------------------------------------- */

/* How the state is made that every instance starts from. That of a module from a snapshot file is there already: for
 * such a one all but start_timeout must be zero. */
typedef struct anew_snapshot_options_t {
  size_t struct_size;
  uint64_t extra_memory_pages; /* of 64 KiB, added to the initial size of memory 0 */
  bool freeze_start;           /* a start function that calls the host runs once, not after each reset */
  const anew_text_t* prelude;  /* exported functions without parameters to call once, before the snapshot is taken */
  size_t prelude_count;
  uint64_t start_timeout; /* how long the start function, and each of the prelude, may take; 0: 10 s */
} anew_snapshot_options_t;

typedef uint32_t anew_reset_when_t;
enum {
  ANEW_RESET_AT_RELEASE = 0, /* by the thread that gives it back */
  ANEW_RESET_AT_ACQUIRE = 1, /* by the thread that takes it next; until then what the call left stays in memory */
  ANEW_RESET_BY_HELPER = 2   /* by a thread of the pool, soon */
};

typedef struct anew_pool_options_t {
  size_t struct_size;
  uint32_t capacity;     /* instances at most: 1 to 2^20; 0: 16 */
  uint32_t minimum_warm; /* made with the pool; so many are never trimmed or dropped */
  const anew_snapshot_options_t* snapshot;
  anew_reset_when_t reset;
  uint64_t audit_every; /* one reset in so many is compared with an instance made the slow way; 0: none */
  uint64_t idle_time;   /* instances unused for so long give memory back, and go after twice that; 0: never */
  uint64_t minimum_available_bytes; /* while the machine has fewer left, idle instances go; 0: never */
  uint64_t maximum_memory_bytes;    /* of all memories and tables of an instance; 0: 8 GiB */
} anew_pool_options_t;

/* What a pool did so far; see PoolStatistics in anew/pool.hpp. */
typedef struct anew_pool_statistics_t {
  size_t struct_size;
  uint64_t instances;
  uint64_t leased;
  uint64_t idle;
  uint64_t acquired;
  uint64_t waited;
  uint64_t timed_out;
  uint64_t restored;
  uint64_t distrusted;
  uint64_t traps;
  uint64_t kills;
  uint64_t pages_restored;
  uint64_t audited;
  uint64_t audit_failures;
  uint64_t trimmed;
  uint64_t evictions;
} anew_pool_statistics_t;

/* Links and instantiates the module once and keeps the result as the snapshot that every instance starts from. Any
 * thread. ANEW_ERROR_LINK names each import that is missing or ill-typed; TRAP, UNSUPPORTED, NOT_FOUND, ARGUMENT,
 * LIMIT, RESOURCE, ARTIFACT, HOST as Pool::create in anew/pool.hpp. */
ANEW_C_API anew_error_t* anew_pool_new(const anew_module_t* module, const anew_linker_t* linker,
                                       const anew_pool_options_t* options, anew_pool_t** out);
/* The last handle takes the idle instances with it; leased ones go when they are released. */
ANEW_C_API void anew_pool_delete(anew_pool_t* pool);
/* All functions of a pool: any thread. */
ANEW_C_API anew_error_t* anew_pool_copy(const anew_pool_t* pool, anew_pool_t** out);
/* An instance as new. Never waits for a lease to be given back. ANEW_ERROR_RESOURCE if all are leased, no more can be
 * made or the pool is closed; what the start function returns if it runs each time. */
ANEW_C_API anew_error_t* anew_pool_acquire(const anew_pool_t* pool, anew_lease_t** out);
/* The same, but waits until then, in the order in which they came. ANEW_ERROR_RESOURCE also if the deadline passed. */
ANEW_C_API anew_error_t* anew_pool_acquire_until(const anew_pool_t* pool, int64_t deadline, anew_lease_t** out);
/* An instance made the slow way, not counted against the capacity and not kept; for comparison. */
ANEW_C_API anew_error_t* anew_pool_instantiate(const anew_pool_t* pool, anew_lease_t** out);
/* Drops idle instances, down to minimum_warm. Returns how many. */
ANEW_C_API uint32_t anew_pool_trim(const anew_pool_t* pool);
/* Closes the pool and waits until all leases are back; `_shutdown` ends the calls that run in them. ANEW_ERROR_RESOURCE
 * if leases are still out at the deadline. */
ANEW_C_API anew_error_t* anew_pool_drain(const anew_pool_t* pool, int64_t deadline);
ANEW_C_API anew_error_t* anew_pool_shutdown(const anew_pool_t* pool, int64_t deadline);
/* Finds an exported function. With a type, ANEW_ERROR_ARGUMENT if the function's is another one; null takes any.
 * ANEW_ERROR_NOT_FOUND, with near matches in the message. */
ANEW_C_API anew_error_t* anew_pool_function(const anew_pool_t* pool, const char* name, size_t name_size,
                                            const anew_function_type_t* type, anew_function_t** out);
/* Writes the state that the instances start from, with the modules, to a file that anew_engine_load takes. Atomic.
 * ANEW_ERROR_UNSUPPORTED, IO. */
ANEW_C_API anew_error_t* anew_pool_save_snapshot(const anew_pool_t* pool, const char* path, size_t path_size);
/* Fills what the caller has of the statistics (see STRUCTS). */
ANEW_C_API anew_error_t* anew_pool_statistics(const anew_pool_t* pool, anew_pool_statistics_t* out);
/* Null if no audit failed, else an error of code ANEW_ERROR_HOST that describes the first that did. */
ANEW_C_API anew_error_t* anew_pool_audit(const anew_pool_t* pool);

/* --- Function ----------------------------------------------------------------------------------------------------- */

/* Of an exported function of one pool, good for the leases of that pool, also when the pool's handles are gone: it
 * keeps the compiled module, not the instances. Immutable: any thread. */
ANEW_C_API void anew_function_delete(anew_function_t* function);
/* Good as long as the handle. Of null: no parameters, no results. */
ANEW_C_API anew_function_type_t anew_function_type(const anew_function_t* function);
/* How many slots a call takes: those of the parameters or of the results, whichever are more. */
ANEW_C_API size_t anew_function_slots(const anew_function_t* function);

/* --- Lease -------------------------------------------------------------------------------------------------------- */

/* One instance as new. All functions: one thread at a time, not always the same; it may outlive its pool's handles. */
/* Gives the instance back, which makes it as new. Null does nothing. Not within a host function of its guest. */
ANEW_C_API void anew_lease_release(anew_lease_t* lease);
/* Calls through a handle: the fast way; allocates nothing unless it fails, looks nothing up. `slots` holds the
 * arguments, and the results when it returns (see SLOTS); `slot_count` is how many there are, anew_function_slots at
 * least. The instance keeps its state between calls of a lease; after a trap it is as the trap left it: give the lease
 * back. ANEW_ERROR_TRAP; ANEW_ERROR_ARGUMENT for too few slots, a handle of another pool, or a reference that is not
 * from this lease. */
ANEW_C_API anew_error_t* anew_lease_call(anew_lease_t* lease, const anew_function_t* function, uint64_t* slots,
                                         size_t slot_count);
/* Calls by name, with checked values. `result_count` must be that of the function. ANEW_ERROR_NOT_FOUND, ARGUMENT,
 * TRAP. */
ANEW_C_API anew_error_t* anew_lease_call_values(anew_lease_t* lease, const char* name, size_t name_size,
                                                const anew_value_t* arguments, size_t argument_count,
                                                anew_value_t* results, size_t result_count);
/* An exported memory, or memory 0 (of size 0 if there is none) if `name` is null. ANEW_ERROR_NOT_FOUND, or ARGUMENT if
 * the export is no memory. */
ANEW_C_API anew_error_t* anew_lease_memory(const anew_lease_t* lease, const char* name, size_t name_size,
                                           anew_memory_t* out);
/* The value of an exported global. */
ANEW_C_API anew_error_t* anew_lease_global(const anew_lease_t* lease, const char* name, size_t name_size,
                                           anew_value_t* out);
/* Calls that begin from now on end with ANEW_TRAP_INTERRUPTED when the time has come, within milliseconds. */
ANEW_C_API void anew_lease_set_deadline(anew_lease_t* lease, int64_t deadline);
/* Calls that are started in this lease from now on leave their thread when they have computed for about so many ns, and
 * are ready to go on, on that thread (anew_call_parked). INT64_MAX: as long as they like, as at first. */
ANEW_C_API void anew_lease_set_time_slice(anew_lease_t* lease, int64_t nanoseconds);
/* What calls in this lease may still execute, in a module compiled with fuel, and what is left of that. */
ANEW_C_API void anew_lease_set_fuel(anew_lease_t* lease, uint64_t fuel);
ANEW_C_API uint64_t anew_lease_fuel(const anew_lease_t* lease);
/* About how many bytes of memory a release would restore now. */
ANEW_C_API uint64_t anew_lease_dirty_bytes(const anew_lease_t* lease);
/* The host state of that type; null if the linker defines none, or if that is what it holds. */
ANEW_C_API void* anew_lease_state(const anew_lease_t* lease, const anew_state_type_t* type);
/* What ends this lease's calls from other threads. */
ANEW_C_API anew_error_t* anew_lease_canceller(anew_lease_t* lease, anew_canceller_t** out);

/* Begins a call that functions of anew_linker_define_async may leave, by its slots as anew_lease_call. The lease is the
 * call's from now on, also if this fails: anew_call_delete releases it. */
ANEW_C_API anew_error_t* anew_lease_start(anew_lease_t* lease, const anew_function_t* function, const uint64_t* slots,
                                          size_t slot_count, anew_call_t** out);
/* Whether it has returned or trapped; and whether what it waits for is there. */
ANEW_C_API bool anew_call_done(const anew_call_t* call);
ANEW_C_API bool anew_call_ready(const anew_call_t* call);
/* Whether its time slice was over in the midst of its work: it is ready then on the thread that it was on, and on no
 * other. */
ANEW_C_API bool anew_call_parked(const anew_call_t* call);
/* Goes on until the call ends, waits again or is parked, on any thread, one at a time; does nothing if it is not ready.
 * Whether it is done. */
ANEW_C_API bool anew_call_resume(anew_call_t* call);
/* Has `wake` called once, when what the call waits for now is there, by the thread that completes it, which should not
 * resume the call itself; or at once, if it is there. */
ANEW_C_API anew_error_t* anew_call_on_ready(anew_call_t* call, void (*wake)(void* data), void* data);
/* The results of a call that is done. ANEW_ERROR_TRAP; ANEW_ERROR_ARGUMENT if it is not done, or for too few slots. */
ANEW_C_API anew_error_t* anew_call_results(const anew_call_t* call, uint64_t* slots, size_t slot_count);
/* Releases the lease too. One that is not done goes with its guest. */
ANEW_C_API void anew_call_delete(anew_call_t* call);

/* Ends the call that runs in the lease, and each that begins later in it. Once the lease is released it does nothing.
 * Any thread, but not a signal handler. */
ANEW_C_API void anew_canceller_cancel(const anew_canceller_t* canceller);
ANEW_C_API void anew_canceller_delete(anew_canceller_t* canceller);

/* --- Pool cache --------------------------------------------------------------------------------------------------- */

typedef struct anew_pool_cache_options_t {
  size_t struct_size;
  uint64_t maximum_bytes;          /* that the cached pools may take; 0: 1 GiB */
  uint64_t maximum_mappings;       /* 0: 32,000 */
  uint64_t maximum_address_space;  /* in bytes; 0: 2^46 */
  uint64_t remembered_failures;    /* so many of the last failures; 0: 64; UINT64_MAX: none */
  const anew_pool_options_t* pool; /* of all pools, but for the snapshot */
  /* Makes the linker for a module, which the library then deletes; null stored: the cache's own. Called before each
   * pool is made, from the thread that makes it, maybe several at once; always with the same definitions for the same
   * module. */
  anew_error_t* (*prepare)(void* data, const anew_module_t* module, anew_linker_t** linker);
  void* prepare_data;
  anew_finalizer_t prepare_finalize;
} anew_pool_cache_options_t;

/* With the hash, what a pool is found by. Null: the defaults. */
typedef struct anew_pool_settings_t {
  size_t struct_size;
  const anew_compile_options_t* compile;
  const anew_snapshot_options_t* snapshot;
} anew_pool_settings_t;

/* What a pool cache did so far; see PoolCacheStatistics in anew/pool_cache.hpp. */
typedef struct anew_pool_cache_statistics_t {
  size_t struct_size;
  uint64_t hits;
  uint64_t joined;
  uint64_t misses;
  uint64_t remembered_failures;
  uint64_t compilations;
  uint64_t failures;
  uint64_t evictions;
  uint64_t pools;
  uint64_t bytes;
  uint64_t mappings;
  uint64_t address_space;
} anew_pool_cache_statistics_t;

/* Fetches code: stores where it is, and its size. It must stay there until the function that was given the loader
 * returns, and is copied before. Called on that function's thread. Must not ask the cache for the same code. */
typedef anew_error_t* (*anew_loader_t)(void* data, const void** code, size_t* size);

/* All functions: any thread. */
ANEW_C_API anew_error_t* anew_pool_cache_new(const anew_engine_t* engine, const anew_linker_t* linker,
                                             const anew_pool_cache_options_t* options, anew_pool_cache_t** out);
ANEW_C_API void anew_pool_cache_delete(anew_pool_cache_t* cache);
/* The pool for this code. If it is not there it is made; whoever asks for it meanwhile waits, but not past the
 * deadline. What anew_engine_compile and anew_pool_new return; ANEW_ERROR_RESOURCE if the deadline passed. */
ANEW_C_API anew_error_t* anew_pool_cache_get(const anew_pool_cache_t* cache, const void* code, size_t size,
                                             const anew_pool_settings_t* settings, int64_t deadline, anew_pool_t** out);
/* The same for code whose hash is known. The loader is called if the pool and its module are not there. The caller
 * vouches that the hash is that of the code. */
ANEW_C_API anew_error_t* anew_pool_cache_get_by_hash(const anew_pool_cache_t* cache, const uint8_t hash[32],
                                                     anew_loader_t loader, void* loader_data,
                                                     const anew_pool_settings_t* settings, int64_t deadline,
                                                     anew_pool_t** out);
/* Forgets what it has of this code. Returns how many pools. */
ANEW_C_API size_t anew_pool_cache_invalidate(const anew_pool_cache_t* cache, const uint8_t hash[32]);
ANEW_C_API void anew_pool_cache_clear(const anew_pool_cache_t* cache);
/* Drops the least recently used until the limits are kept. Returns how many. */
ANEW_C_API size_t anew_pool_cache_trim(const anew_pool_cache_t* cache);
ANEW_C_API anew_error_t* anew_pool_cache_statistics(const anew_pool_cache_t* cache, anew_pool_cache_statistics_t* out);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ANEW_H */
