// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Open addressing: n inserts and 2n look-ups of 64-bit keys at scattered addresses.
static unsigned long long keys[1 << 16];
static unsigned values[1 << 16];
static unsigned slot_of(unsigned long long key) {
  unsigned at = (unsigned)((key * 0x9E3779B97F4A7C15ull) >> 48);
  while (keys[at] != 0 && keys[at] != key) at = (at + 1) & 0xFFFF;
  return at;
}
__attribute__((export_name("run"))) int run(int n) {
  for (int i = 0; i < 1 << 16; ++i) keys[i] = 0;
  unsigned long long x = 88172645463325252ull;
  for (int i = 0; i < n; ++i) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    unsigned at = slot_of(x | 1);
    keys[at] = x | 1;
    values[at] = (unsigned)i;
  }
  unsigned found = 0;
  x = 88172645463325252ull;
  for (int i = 0; i < 2 * n; ++i) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    unsigned at = slot_of(x | 1);
    if (keys[at] != 0) found += values[at];
  }
  return (int)found;
}
