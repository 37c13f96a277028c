// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//go:build !anew_no_wasi

#include "wasi_glue.h"

#include "_cgo_export.h"

// No Caller is of use in a stream: what the guest called is none of Go's host functions.
static anew_error_t* on_read(void* data, void* bytes, size_t size, size_t* count) {
  const anew_caller_t* const around = anew_go_enter(NULL);
  anew_error_t* const error = anewGoRead((uintptr_t)data, bytes, size, count);
  anew_go_enter(around);
  return error;
}
static anew_error_t* on_write(void* data, const void* bytes, size_t size) {
  const anew_caller_t* const around = anew_go_enter(NULL);
  anew_error_t* const error = anewGoWrite((uintptr_t)data, (void*)bytes, size);  // an io.Writer does not write to it
  anew_go_enter(around);
  return error;
}
static void on_finalize(void* data) { anewGoDelete((uintptr_t)data); }

static void call_writer(anew_wasi_output_t* output, uintptr_t writer) {
  if (writer == 0) return;
  output->write = on_write;
  output->data = (void*)writer;
  output->finalize = on_finalize;
}

anew_error_t* anew_go_wasi_define(anew_linker_t* linker, const anew_wasi_options_t* options,
                                  const anew_go_wasi_streams_t* streams) {
  anew_go_wasi_streams_t own = *streams;
  if (own.reader != 0) {
    own.input.read = on_read;
    own.input.data = (void*)own.reader;
    own.input.finalize = on_finalize;
  }
  call_writer(&own.output, own.output_writer);
  call_writer(&own.error, own.error_writer);
  anew_wasi_options_t with_streams = *options;
  with_streams.standard_input = &own.input;
  with_streams.standard_output = &own.output;
  with_streams.standard_error = &own.error;
  return anew_wasi_define(linker, &with_streams);
}

anew_go_result_t anew_go_wasi_run(anew_lease_t* lease, uint32_t* exit_code) {
  anew_error_t* const error = anew_wasi_run(lease, exit_code);
  const anew_go_result_t result = {error, anew_go_leave(0)};
  return result;
}
