// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The factorial of n in base 2^32, squared by schoolbook multiplication: 64-bit products, additions and carries.
typedef unsigned long long Wide;
enum { kDigits = 2048 };
static unsigned factorial[kDigits], square[2 * kDigits];

__attribute__((export_name("run"))) int run(int n) {
  int digits = 1;
  factorial[0] = 1;
  for (unsigned by = 2; by <= (unsigned)n; ++by) {
    Wide carry = 0;
    for (int i = 0; i < digits; ++i) {
      const Wide product = (Wide)factorial[i] * by + carry;
      factorial[i] = (unsigned)product;
      carry = product >> 32;
    }
    if (carry != 0) factorial[digits++] = (unsigned)carry;
  }
  for (int i = 0; i < 2 * digits; ++i) square[i] = 0;
  for (int i = 0; i < digits; ++i) {
    Wide carry = 0;
    for (int j = 0; j < digits; ++j) {
      const Wide sum = (Wide)factorial[i] * factorial[j] + square[i + j] + carry;
      square[i + j] = (unsigned)sum;
      carry = sum >> 32;
    }
    square[i + digits] = (unsigned)carry;
  }
  unsigned digest = 0;
  for (int i = 0; i < 2 * digits; ++i) digest = digest * 31 + square[i];
  return (int)digest;
}
