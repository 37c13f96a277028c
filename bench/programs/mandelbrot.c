// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The Mandelbrot set on an n x n grid: a tight loop of doubles, one byte stored a point.
static unsigned char image[512 * 512];
__attribute__((export_name("run"))) int run(int n) {
  int inside = 0;
  for (int py = 0; py < n; ++py)
    for (int px = 0; px < n; ++px) {
      double x0 = px * 3.0 / n - 2.0, y0 = py * 2.0 / n - 1.0, x = 0, y = 0;
      int i = 0;
      for (; i < 50 && x * x + y * y < 4.0; ++i) {
        double t = x * x - y * y + x0;
        y = 2 * x * y + y0;
        x = t;
      }
      image[py * n + px] = (unsigned char)i;
      inside += i == 50;
    }
  return inside + image[n];
}
