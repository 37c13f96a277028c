// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The precompiled header belongs to a program, so that its flags are those of one. It does nothing.
int main() { return 0; }
