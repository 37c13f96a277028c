// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// In how many ways n queens can stand on an n by n board: recursion and bit sets.
static unsigned place(unsigned all, unsigned columns, unsigned left, unsigned right) {
  if (columns == all) return 1;
  unsigned count = 0;
  for (unsigned open = all & ~(columns | left | right); open != 0; open &= open - 1) {
    const unsigned here = open & -open;
    count += place(all, columns | here, (left | here) << 1, (right | here) >> 1);
  }
  return count;
}
__attribute__((export_name("run"))) int run(int n) { return (int)place((1u << n) - 1, 0, 0, 0); }
