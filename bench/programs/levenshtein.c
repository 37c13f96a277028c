// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Edit distance of two texts of length n, by rows: two loads, a minimum of three and a store a cell.
static int rows[2][4096];
static unsigned char left[4096], right[4096];
static int least(int a, int b) { return a < b ? a : b; }
__attribute__((export_name("run"))) int run(int n) {
  unsigned x = 1;
  for (int i = 0; i < n; ++i) {
    left[i] = (unsigned char)((x = x * 1103515245u + 12345u) >> 28);
    right[i] = (unsigned char)((x = x * 1103515245u + 12345u) >> 28);
  }
  for (int j = 0; j <= n; ++j) rows[0][j] = j;
  for (int i = 1; i <= n; ++i) {
    int *last = rows[(i - 1) & 1], *now = rows[i & 1];
    now[0] = i;
    for (int j = 1; j <= n; ++j)
      now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (left[i - 1] != right[j - 1]));
  }
  return rows[n & 1][n];
}
