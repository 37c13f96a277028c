// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// XXH64 of 1 MiB n times, each seeded with the last: 64-bit multiplications and rotations.
#define XXH_INLINE_ALL
#include <xxhash.h>

static unsigned char bytes[1 << 20];

__attribute__((export_name("run"))) int run(int n) {
  for (unsigned i = 0; i < sizeof(bytes); ++i) bytes[i] = (unsigned char)(i * 2654435761u >> 24);
  XXH64_hash_t hash = 0;
  for (int i = 0; i < n; ++i) hash = XXH64(bytes, sizeof(bytes), hash);
  return (int)(hash ^ hash >> 32);
}
