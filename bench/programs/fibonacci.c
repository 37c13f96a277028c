// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The n-th Fibonacci number by double recursion: nothing but calls.
__attribute__((noinline)) static unsigned fibonacci(unsigned n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
__attribute__((export_name("run"))) int run(int n) { return (int)fibonacci((unsigned)n); }
