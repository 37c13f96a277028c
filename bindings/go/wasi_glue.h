// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// As glue.h, for anew_wasi.h.
#ifndef ANEW_GO_WASI_GLUE_H
#define ANEW_GO_WASI_GLUE_H

#include <anew_wasi.h>

#include "glue.h"

// The streams, whose callbacks are Go's: of one that has any, the handle; else 0.
typedef struct {
  anew_wasi_input_t input;
  uintptr_t reader;
  anew_wasi_output_t output;
  uintptr_t output_writer;
  anew_wasi_output_t error;
  uintptr_t error_writer;
} anew_go_wasi_streams_t;

anew_error_t* anew_go_wasi_define(anew_linker_t* linker, const anew_wasi_options_t* options,
                                  const anew_go_wasi_streams_t* streams);
anew_go_result_t anew_go_wasi_run(anew_lease_t* lease, uint32_t* exit_code);

#endif
