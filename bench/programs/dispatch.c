// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An interpreter that calls a handler for each instruction through a table of function pointers (call_indirect). Its
// program sums the lengths of the Collatz sequences of the numbers up to n.
typedef struct Machine Machine;
typedef unsigned (*Handler)(Machine*, unsigned at);
struct Machine {
  unsigned registers[4];
};
enum { kN, kX, kSteps, kLimit };
enum { kHalt = 1000 };

static unsigned take_next(Machine* m, unsigned at) {
  m->registers[kX] = m->registers[kN];
  return at + 1;
}
static unsigned leave_if_one(Machine* m, unsigned at) { return m->registers[kX] == 1 ? 6 : at + 1; }
static unsigned skip_if_odd(Machine* m, unsigned at) { return m->registers[kX] & 1 ? at + 2 : at + 1; }
static unsigned halve(Machine* m, unsigned at) {
  m->registers[kX] >>= 1;
  ++m->registers[kSteps];
  (void)at;
  return 1;
}
static unsigned triple(Machine* m, unsigned at) {
  m->registers[kX] = 3 * m->registers[kX] + 1;
  ++m->registers[kSteps];
  return at + 1;
}
static unsigned again(Machine* m, unsigned at) {
  (void)m, (void)at;
  return 1;
}
static unsigned next_number(Machine* m, unsigned at) {
  (void)at;
  return ++m->registers[kN] > m->registers[kLimit] ? kHalt : 0;
}
static Handler const handlers[] = {take_next, leave_if_one, skip_if_odd, halve, triple, again, next_number};

__attribute__((export_name("run"))) int run(int n) {
  Machine machine = {{1, 0, 0, (unsigned)n}};
  for (unsigned at = 0; at != kHalt;) at = handlers[at](&machine, at);
  return (int)machine.registers[kSteps];
}
