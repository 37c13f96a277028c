// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sorts n short strings with the C library's qsort and strcmp: a call through a table for each comparison.
#include <stdlib.h>
#include <string.h>

static int by_text(const void* a, const void* b) { return strcmp(*(char* const*)a, *(char* const*)b); }

__attribute__((export_name("run"))) int run(int n) {
  char* text = malloc(8 * (size_t)n);
  char** order = malloc(sizeof(char*) * (size_t)n);
  if (!text || !order) return -1;
  unsigned x = 42;
  for (int i = 0; i < n; ++i) {
    order[i] = text + 8 * i;
    for (int j = 0; j < 7; ++j) order[i][j] = (char)('a' + ((x = x * 1664525u + 1013904223u) >> 24) % 26);
    order[i][7] = 0;
  }
  qsort(order, (size_t)n, sizeof(char*), by_text);
  unsigned digest = 0;
  for (int i = 0; i < n; ++i) digest = digest * 31 + (unsigned)(order[i] - text);
  free(order);
  free(text);
  return (int)digest;
}
