// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>

#include "abi/processor.hpp"
#include "runtime/thread.hpp"

namespace anew::detail {

/// Follows the chain of frame pointers on a guest stack, which the guest's code wrote: nothing outside the stack is
/// read, and each frame lies above the last one, so it ends. Takes no lock and allocates nothing.
class StackWalk {
 public:
  StackWalk(const GuestStack& stack, std::uint64_t pc, std::uint64_t frame) noexcept
      : low_(stack.bottom()), bottom_(stack.bottom()), top_(stack.bottom() + stack.bytes()), pc_(pc), frame_(frame) {}

  [[nodiscard]] std::uint64_t pc() const noexcept { return pc_; }
  /// The frame pointer of the function that pc() is in, once it has set it.
  [[nodiscard]] std::uint64_t frame() const noexcept { return frame_; }
  /// A slot of that function's frame, `above` slots above the displacement from its frame pointer; 0 if that is outside
  /// of the stack.
  [[nodiscard]] std::uint64_t slot(std::int32_t displacement, std::uint32_t above = 0) const noexcept {
    const std::uint64_t address =
        frame_ + static_cast<std::uint64_t>(std::int64_t{displacement} + 8 * std::int64_t{above});
    const bool is_slot = address % alignof(std::uint64_t) == 0 && address >= low_ && address <= top_ - sizeof(address);
    return is_slot ? read(address) : 0;
  }
  /// On to the caller. @return false at the end.
  [[nodiscard]] bool next() noexcept {
    if (!is_frame()) return false;
    const std::uint64_t caller = read(frame_ + abi::kCallersFrame);
    pc_ = read(frame_ + abi::kReturnAddress);
    bottom_ = frame_ + 1;
    frame_ = caller;
    return true;
  }

 private:
  [[nodiscard]] bool is_frame() const noexcept {
    return frame_ % alignof(std::uint64_t) == 0 && frame_ >= bottom_ && frame_ <= top_ - abi::kFrameBytes;
  }
  /// In bounds and aligned, as checked; the stack is readable for as long as the thread keeps it.
  [[nodiscard]] static std::uint64_t read(std::uint64_t address) noexcept {
    return *reinterpret_cast<const std::uint64_t*>(address);
  }

  std::uint64_t low_;     ///< of the stack
  std::uint64_t bottom_;  ///< of what is left to walk
  std::uint64_t top_;
  std::uint64_t pc_;
  std::uint64_t frame_;
};

}  // namespace anew::detail
