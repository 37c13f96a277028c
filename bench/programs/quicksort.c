// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Quicksort of n pseudo-random ints: branches that cannot be predicted, and swaps in memory.
static int data[1 << 18];
static void sort(int* low, int* high) {
  while (low < high) {
    int pivot = low[(high - low) / 2];
    int *i = low, *j = high;
    while (i <= j) {
      while (*i < pivot) ++i;
      while (*j > pivot) --j;
      if (i <= j) {
        int t = *i;
        *i++ = *j;
        *j-- = t;
      }
    }
    if (j - low < high - i) {
      sort(low, j);
      low = i;
    } else {
      sort(i, high);
      high = j;
    }
  }
}
__attribute__((export_name("run"))) int run(int n) {
  unsigned x = 12345;
  for (int i = 0; i < n; ++i) data[i] = (int)((x = x * 1664525u + 1013904223u) >> 1);
  sort(data, data + n - 1);
  int sum = 0;
  for (int i = 0; i < n; i += 97) sum = sum * 31 + data[i];
  return sum;
}
