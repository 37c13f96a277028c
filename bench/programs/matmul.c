// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Product of two n x n matrices of doubles. @return a checksum of the product.
static double a[256][256], b[256][256], c[256][256];
__attribute__((export_name("run"))) int run(int n) {
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      a[i][j] = i + j * 0.5;
      b[i][j] = i - j * 0.25;
    }
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int k = 0; k < n; ++k) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  double total = 0;
  for (int i = 0; i < n; ++i) total += c[i][(i * 7) % n];
  return (int)total;
}
