// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A command: prints a line and ends. With arguments it calls one function of WASI many times: "write 1000", "clock
// 1000", "random 1000"; or ends by "exit".
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

int main(int count, char **arguments) {
  if (count < 2) {
    printf("Hello from %s\n", arguments[0]);
    return 0;
  }
  if (strcmp(arguments[1], "exit") == 0) exit(printf("Hello from %s\n", arguments[0]) > 0 ? 0 : 1);
  const int calls = atoi(arguments[2]);
  const __wasi_ciovec_t line = {(const uint8_t *)"sixteen letters\n", 16};
  __wasi_size_t written;
  __wasi_timestamp_t time;
  uint8_t bytes[16];
  for (int i = 0; i < calls; ++i) {
    __wasi_errno_t error = 0;
    if (arguments[1][0] == 'w') error = __wasi_fd_write(1, &line, 1, &written);
    if (arguments[1][0] == 'c') error = __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &time);
    if (arguments[1][0] == 'r') error = __wasi_random_get(bytes, sizeof bytes);
    if (error != 0) return error;
  }
  return 0;
}
