// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conway's Game of Life on a 256 x 256 torus for n generations: eight byte loads and one byte store a cell.
static unsigned char cells[2][256 * 256];
__attribute__((export_name("run"))) int run(int n) {
  unsigned x = 7;
  for (int i = 0; i < 256 * 256; ++i) cells[0][i] = (unsigned char)((x = x * 1664525u + 1013904223u) >> 31);
  for (int g = 0; g < n; ++g) {
    unsigned char *from = cells[g & 1], *to = cells[(g + 1) & 1];
    for (int r = 0; r < 256; ++r) {
      unsigned char *up = from + ((r + 255) & 255) * 256, *mid = from + r * 256, *down = from + ((r + 1) & 255) * 256;
      for (int c = 0; c < 256; ++c) {
        int l = (c + 255) & 255, q = (c + 1) & 255;
        int sum = up[l] + up[c] + up[q] + mid[l] + mid[q] + down[l] + down[c] + down[q];
        to[r * 256 + c] = (unsigned char)(sum == 3 || (sum == 2 && mid[c]));
      }
    }
  }
  int alive = 0;
  for (int i = 0; i < 256 * 256; ++i) alive += cells[n & 1][i];
  return alive;
}
