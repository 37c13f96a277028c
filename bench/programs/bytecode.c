// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A stack machine with one switch (br_table). Its program counts the primes below n by trial division.
enum { kPush, kLoad, kStore, kAdd, kRemainder, kMultiply, kLess, kJumpIfZero, kJump, kHalt };
enum { kCandidate, kDivisor, kCount, kLimit };

// clang-format off
static const int code[] = {
    kPush, 2, kStore, kCandidate,                                                                                    // 0
    kLoad, kCandidate, kLoad, kLimit, kLess, kJumpIfZero, 56,                                                        // 4
    kPush, 2, kStore, kDivisor,                                                                                      // 11
    kLoad, kCandidate, kLoad, kDivisor, kLoad, kDivisor, kMultiply, kLess, kJumpIfZero, 34,                          // 15
    kLoad, kCount, kPush, 1, kAdd, kStore, kCount, kJump, 47,                                                        // 25
    kLoad, kCandidate, kLoad, kDivisor, kRemainder, kJumpIfZero, 47,                                                 // 34
    kJump, 57, 0, 0, 0, 0,                                                                                           // 41
    kLoad, kCandidate, kPush, 1, kAdd, kStore, kCandidate, kJump, 4,                                                 // 47
    kHalt,                                                                                                           // 56
    kLoad, kDivisor, kPush, 1, kAdd, kStore, kDivisor, kJump, 15,                                                    // 57
};
// clang-format on

__attribute__((export_name("run"))) int run(int n) {
  int stack[16];
  int variables[4] = {0, 0, 0, n};
  int* top = stack;
  for (const int* at = code;;) {
    switch (*at++) {
      case kPush: *top++ = *at++; break;
      case kLoad: *top++ = variables[*at++ & 3]; break;
      case kStore: variables[*at++ & 3] = *--top; break;
      case kAdd: --top, top[-1] += *top; break;
      case kRemainder: --top, top[-1] %= *top; break;
      case kMultiply: --top, top[-1] *= *top; break;
      case kLess: --top, top[-1] = top[-1] < *top; break;
      case kJumpIfZero: at = *--top == 0 ? code + *at : at + 1; break;
      case kJump: at = code + *at; break;
      default: return variables[kCount];
    }
  }
}
