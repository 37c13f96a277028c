// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sieve of Eratosthenes: byte stores with growing strides. @return the number of primes below n.
static unsigned char composite[1 << 20];
__attribute__((export_name("run"))) int run(int n) {
  for (int i = 0; i < n; ++i) composite[i] = 0;
  int primes = 0;
  for (int i = 2; i < n; ++i) {
    if (composite[i]) continue;
    ++primes;
    for (long long j = (long long)i * i; j < n; j += i) composite[j] = 1;
  }
  return primes;
}
