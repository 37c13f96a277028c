// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// divide-dwarf4.wasm and divide-dwarf5.wasm, made of this in this folder by:
//   clang-19 --target=wasm32 -nostdlib -O0 -gdwarf-N -ffile-prefix-map=$PWD=/guest -Wl,--no-entry -o divide-dwarfN.wasm divide.c

static int divide(int a, int b) {
  return a /
         b;  // line 7
}

int middle(int a) {
  int sum = 0;
  for (int i = 0; i < a; ++i)
    sum += divide(a, a - 3);  // line 13
  return sum;
}

__attribute__((export_name("run"))) int run(int a) {
  return middle(a) + 1;  // line 18
}
