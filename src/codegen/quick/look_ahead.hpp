// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the quick tier knows of a loop before it compiles it: one scan over its bytes that understands blocks, branches
// and local.get, local.set and local.tee, and skips all else. A scan finds the loops in a loop as well, so no byte of a
// function is scanned twice, and it takes a bounded number of steps for each. What is in no loop is not scanned. (A
// function that is compiled as another than its bytes say has no loops, see wasm/spelled_product.hpp.)
//
// The scan comes before validation: nothing in a body is trusted. Of a loop that it does not understand, or that is
// beyond its limits, nothing is known, nor of those behind it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "wasm/module.hpp"

namespace anew::codegen::quick {

class LookAhead {
 public:
  struct Loop {
    std::uint32_t position;  ///< of `loop`
    std::uint32_t depth;     ///< during a scan: blocks around it
    /// Which locals it reads or assigns, or loops in it do; bit i: some of the locals i, i + 64, i + 128...
    std::uint64_t read = 0;
    std::uint64_t assigned = 0;
    struct Local {
      std::uint16_t local;
      bool assigned_first;  ///< each round assigns it before anything reads it, or leaves the loop
    };
    /// The first of these locals.
    std::array<Local, 16> locals{};
    std::uint8_t count = 0;  ///< of `locals`
    bool calls = false;      ///< calls functions
    bool exits = false;      ///< during a scan: so far there was a branch out of it
    [[nodiscard]] std::span<const Local> first_locals() const noexcept { return {locals.data(), count}; }
    void add(std::uint32_t local, bool assigned_first) noexcept {
      if (count != locals.size() && !reads(local) && !assigns(local))
        locals[count++] = {static_cast<std::uint16_t>(local), assigned_first};  // below limits::kLocals
    }
    [[nodiscard]] bool reads(std::uint32_t local) const noexcept { return (read & bit_of(local)) != 0; }
    [[nodiscard]] bool assigns(std::uint32_t local) const noexcept { return (assigned & bit_of(local)) != 0; }
    /// Whether no round reads what the local holds at its start, so that nobody does.
    [[nodiscard]] bool assigns_first(std::uint32_t local) const noexcept {
      return assigns(local) && std::ranges::any_of(first_locals(), [local](const Local& each) {
               return each.local == local && each.assigned_first;
             });
    }
  };

  void begin_function(const wasm::FunctionBody& body, std::uint32_t locals) noexcept;
  /// The loop at this offset in the module, behind all that were asked for before; null if nothing is known of it.
  /// What it points to is kept to the end of the outermost loop around.
  /// @param in_try  a handler of this function may be where what the loop throws is caught.
  [[nodiscard]] const Loop* loop_at(std::uint64_t position, bool in_try);

  /// What is kept.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return sizeof(Loop) * loops_.size(); }

 private:
  class Bytes;

  static constexpr std::uint64_t bit_of(std::uint32_t local) noexcept { return std::uint64_t{1} << (local % 64); }
  [[nodiscard]] bool scan(Bytes& bytes, bool in_try);
  void leave_loop();
  void access(std::uint32_t local, std::uint32_t depth, bool assigns) noexcept;
  /// @param levels  from the block that is `depth` deep.
  void branch(std::uint32_t depth, std::uint32_t levels) noexcept;

  wasm::FunctionBody body_;
  std::uint32_t locals_ = 0;
  std::uint64_t scanned_ = 0;              ///< position: the loops before it are in loops_ or forgotten
  std::vector<Loop> loops_;                ///< of the last scan, in their order
  std::size_t next_ = 0;                   ///< of loops_: those before it were asked for
  std::vector<std::uint32_t> open_loops_;  ///< during a scan: in loops_
};

}  // namespace anew::codegen::quick
