// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where a frame holds exceptions during a call, for the collection of those that nobody refers to any more
// (runtime/exception_room.hpp).
#include <algorithm>
#include <cstring>

#include "codegen/quick/values.hpp"

namespace anew::codegen::quick {

void Values::begin_roots() {
  listed_.clear();
  listed_to_ = 0;
  // A search by bytes first, which is many times as fast; an exnref's first byte is distinct.
  has_exception_locals_ =
      !locals().empty() &&
      std::memchr(locals().data(), static_cast<int>(ValueType::kExnRef), locals().size_bytes()) != nullptr &&
      std::ranges::any_of(locals(), is_exception_reference);
  has_local_roots_ = false;
}

void Values::add_roots(const Mem& slot, std::uint32_t next) {
  check_code_size();  // there may be as many as operands, each stored before; the tables are looked at elsewhere
  try_tables().roots.push_back({displacement_of(slot), 1, next});  // of a frame
}

void Values::list_operands(std::uint32_t height) {
  while (!listed_.empty() && listed_.back().height >= listed_to_) listed_.pop_back();
  for (; listed_to_ < height; ++listed_to_) {
    const Operand& operand = stack_[listed_to_];
    // A constant is null. It is not in its home where another way leads to the same label.
    if (!is_exception_reference(operand.type) || operand.kind == Operand::Kind::kConstant) continue;
    const Mem home = operand_home(operand.slot, operand.type);
    // It may stay in a register or refer to a local: what it is does not change any more.
    if (operand.kind != Operand::Kind::kHome) move_to_memory(home, operand);
    add_roots(home, current_roots());
    listed_.push_back({listed_to_, static_cast<std::uint32_t>(try_tables().roots.size() - 1)});
  }
}

std::uint32_t Values::current_roots() {
  while (!listed_.empty() && listed_.back().height >= listed_to_) listed_.pop_back();
  if (!listed_.empty()) return listed_.back().roots;
  if (!has_exception_locals_) return kNoRoots;
  if (has_local_roots_) return local_roots_;
  has_local_roots_ = true;
  local_roots_ = kNoRoots;
  for (std::uint32_t i = 0; i < locals().size(); ++i) {
    if (!is_exception_reference(locals()[i])) continue;
    const Mem slot = home(i, locals()[i]);
    if (local_roots_ != kNoRoots) {  // often the next one down
      Roots& last = try_tables().roots.back();
      if (displacement_of(slot) == last.displacement - 8) {
        last.displacement -= 8;
        ++last.count;
        continue;
      }
    }
    add_roots(slot, local_roots_);
    local_roots_ = static_cast<std::uint32_t>(try_tables().roots.size() - 1);
  }
  return local_roots_;
}

}  // namespace anew::codegen::quick
