// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A shared object that runs guests: what a module for Python, Postgres or nginx is made of.
#include <anew/anew.hpp>
#include <chrono>
#include <span>

namespace {

// (module (memory 1)
//   (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
//   (func (export "load") (param i32) (result i32) local.get 0 i32.load)
//   (func (export "spin") (loop br 0)))
constexpr unsigned char kModule[] = {
    0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0F, 0x03, 0x60, 0x02, 0x7F, 0x7F, 0x01, 0x7F, 0x60,
    0x01, 0x7F, 0x01, 0x7F, 0x60, 0x00, 0x00, 0x03, 0x04, 0x03, 0x00, 0x01, 0x02, 0x05, 0x03, 0x01, 0x00, 0x01,
    0x07, 0x15, 0x03, 0x03, 'a',  'd',  'd',  0x00, 0x00, 0x04, 'l',  'o',  'a',  'd',  0x00, 0x01, 0x04, 's',
    'p',  'i',  'n',  0x00, 0x02, 0x0A, 0x19, 0x03, 0x07, 0x00, 0x20, 0x00, 0x20, 0x01, 0x6A, 0x0B, 0x07, 0x00,
    0x20, 0x00, 0x28, 0x02, 0x00, 0x0B, 0x07, 0x00, 0x03, 0x40, 0x0C, 0x00, 0x0B, 0x0B};

}  // namespace

/// @return 0 if a call, a trap and a deadline do what they should; else which of them does not.
extern "C" int run_guest() {
  anew::Engine engine({.cache = false});
  const auto module = engine.compile(std::as_bytes(std::span(kModule)));
  if (!module) return 1;
  const auto pool = anew::Pool::create(*module, anew::Linker());
  if (!pool) return 2;
  auto lease = pool->acquire();
  if (!lease) return 3;
  if (lease->call<int>("add", 2, 40).value_or(0) != 42) return 4;
  const auto trapped = lease->call<int>("load", -1);
  if (trapped || trapped.error().trap != anew::TrapKind::kMemoryOutOfBounds) return 5;
  lease->set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(5));
  const auto ended = lease->call("spin");
  if (ended || ended.error().trap != anew::TrapKind::kInterrupted) return 6;
  return 0;
}
