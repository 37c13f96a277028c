// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Why what is written is covered. A mark of address a stands for [a, a + abi::kSlackBytes): the restored slack reaches
// so far even if a is its card's last byte. Marks stay until the instance is reset, which is not before the call's end.
// So a store needs none of its own if a mark dominates it whose address is the store's less a constant within the
// slack. It is the same address then, not one of an earlier iteration: a mark that dominates a store of the same loop
// is executed in each iteration before the store is. In a loop that writes at addresses in arithmetic progression, the
// cards from the first to the last are marked before the loop: all of them, or those that the steps lead to.
//
// Why no mark is made outside of the card table, whatever the guest does. The address of a store that is executed is
// one that Wasm's semantics give it (the optimizer may compute others, but executes no store that the program would
// not): in a 32-bit memory below 4 GiB + kGuardBytes, whether or not there is memory, and in a 64-bit one checked
// against the size before. So a mark directly before it hits a card (invariant C4 of abi/cell.hpp). A mark somewhere
// else, where the store need not follow, is of an address that is proven to be in this range, or is clamped to it.
#include "codegen/llvm/marks.hpp"

#include <llvm/ADT/DepthFirstIterator.h>
#include <llvm/ADT/MapVector.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/Analysis/Utils/Local.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Operator.h>
#include <llvm/TargetParser/Triple.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "codegen/llvm/loop_extents.hpp"
#include "codegen/llvm/writes.hpp"

namespace anew::codegen::optimizing {
namespace {

using ::llvm::dyn_cast;
using ::llvm::Instruction;
using ::llvm::Loop;
using ::llvm::SCEV;
using ::llvm::SCEVAddExpr;
using ::llvm::SCEVAddRecExpr;
using ::llvm::Value;
using Builder = ::llvm::IRBuilder<>;

/// How many earlier marks are looked at for a store: those before it are near, most often.
constexpr std::size_t kMarksLookedAt = 16;
/// What computing where a loop's stores begin and how often it runs may cost, in instructions.
constexpr unsigned kRangeBudget = 8;
/// Between the starts of walks that share a range.
constexpr std::int64_t kMaximumDistance = 1 << 16;

/// Gives loops a block before them, where marks can go.
void simplify_loops(::llvm::Function& function) {
  ::llvm::DominatorTree dominators(function);
  ::llvm::LoopInfo loops(dominators);
  ::llvm::AssumptionCache assumptions(function);
  // A copy: a loop may become several.
  const std::vector<Loop*> outermost(loops.begin(), loops.end());
  for (Loop* const each : outermost)
    ::llvm::simplifyLoop(each, &dominators, &loops, nullptr, &assumptions, nullptr, false);
}

class Marker {
 public:
  Marker(const Unit& unit, ::llvm::Function& function, MarkFault planted)
      : unit_(unit),
        function_(function),
        planted_(planted),
        layout_(function.getDataLayout()),
        dominators_(function),
        loops_(dominators_),
        assumptions_(function),
        known_functions_(::llvm::Triple(function.getParent()->getTargetTriple())),
        library_(known_functions_, &function),
        evolution_(function, library_, assumptions_, dominators_, loops_),
        expander_(evolution_, layout_, "mark"),
        costs_(layout_) {}

  MarkCounts run() {
    // In this order what dominates comes first. What is not reached is never executed.
    for (const auto* const node : ::llvm::depth_first(&dominators_))
      for (Instruction& each : *node->getBlock())
        if (const auto write = written_by(unit_, each))
          stores_.push_back({*write, evolution_.getSCEV(write->pointer), loops_.getLoopFor(each.getParent())});
    if (stores_.empty()) return counts_;
    for (::llvm::Argument& each : function_.args())
      if (each.hasSwiftSelfAttr()) cell_ = &each;
    if (cell_ == nullptr) throw NotCompiled{"a function without a cell pointer"};
    mark_loops();
    for (const Store& each : stores_)
      if (!each.is_covered && !is_covered(each)) mark(each);
    for (const Range& each : ranges_) mark_range(each);
    counts_.stores = static_cast<std::uint32_t>(stores_.size());  // a function's code has less than 2^32 bytes
    return counts_;
  }

 private:
  struct Store {
    Write write;
    const SCEV* pointer;
    Loop* loop;  ///< the innermost
    bool is_covered = false;
    [[nodiscard]] bool is_simple() const {
      return write.length == nullptr && !write.is_partial && write.bytes <= abi::kSlackBytes;
    }
  };
  /// A mark that is there.
  struct Mark {
    const SCEV* pointer;
    std::uint32_t memory;
    Instruction* before;  ///< where it is: directly before this
    std::uint64_t reach = abi::kSlackBytes;
  };
  /// Cards to be marked in a loop, which is made last because the analyses know nothing of it.
  struct Range {
    Instruction* before;
    std::uint32_t memory;
    Value* first;
    Value* last;
    Value* condition = nullptr;  ///< null: always
    Value* stride = nullptr;     ///< if it is there, `first` and `last` are addresses, and each that many bytes apart
  };
  /// Addresses in arithmetic progression, past the memory's base: offset + start, offset + start + step, ...
  struct Walk {
    Store* store = nullptr;
    const SCEV* start = nullptr;
    const SCEV* step = nullptr;
    std::uint64_t offset = 0;
    bool wraps = false;  ///< start and its successors have 32 bits, and are extended then
  };
  /// A walk among others of the same steps. If no address of them wraps around, all of them are at constant distances
  /// from the first one's.
  struct Place {
    std::int64_t start;    ///< distance of the walk's start
    std::int64_t address;  ///< the same with the offset
    const Walk* walk;
  };

  /// @return `bytes` more for a fault's sake.
  [[nodiscard]] std::uint64_t excess(MarkFault fault, std::uint64_t bytes) const {
    return is_planted(fault) ? bytes : 0;
  }
  [[nodiscard]] bool is_planted(MarkFault fault) const { return planted_ == fault; }

  // --- Marks that are there already ---

  [[nodiscard]] bool is_covered(const Store& store) {
    if (store.write.length != nullptr) return false;
    const auto covers = [&](const Mark& mark) { return is_covered_by(store, mark); };
    const std::size_t looked_at = std::min(marks_.size(), kMarksLookedAt);
    if (std::any_of(marks_.rbegin(), marks_.rbegin() + static_cast<std::ptrdiff_t>(looked_at), covers)) return true;
    const auto before_loop = loop_marks_.find(store.loop);
    return before_loop != loop_marks_.end() && std::ranges::any_of(before_loop->second, covers);
  }

  [[nodiscard]] bool is_covered_by(const Store& store, const Mark& mark) {
    if (mark.memory != store.write.memory) return false;
    const auto distance = constant_in(evolution_.getMinusSCEV(store.pointer, mark.pointer));
    if (!distance) return false;
    std::int64_t begin = 0;  // of what is covered, from the mark's address
    std::uint64_t reach = mark.reach + excess(MarkFault::kReach, 16);
    if (const auto address = constant_address(mark.pointer, mark.memory); address && is_own(mark.memory)) {
      // Where in its card a constant lies is known.
      begin = -static_cast<std::int64_t>(static_cast<std::uint64_t>(*address) & (card_bytes(mark.memory) - 1));
      begin -= static_cast<std::int64_t>(excess(MarkFault::kConstant, 16));
      reach += card_bytes(mark.memory) + excess(MarkFault::kConstant, 16);
    }
    if (*distance < begin || static_cast<std::uint64_t>(*distance - begin) + store.write.bytes > reach) return false;
    return is_planted(MarkFault::kDominance) || mark.before == store.write.instruction ||
           dominators_.dominates(mark.before, store.write.instruction);
  }

  // --- Stores ---

  void mark(const Store& store) {
    const Write& write = store.write;
    if (store.is_simple()) return mark_simple(store);
    Builder ir(write.instruction);
    Value* address = address_of(ir, write.pointer, write.memory);
    if (write.is_partial && write.bytes <= abi::kSlackBytes) {
      // What comes before the base is not written, nor what comes behind the end.
      address = clamp(ir, ir.CreateBinaryIntrinsic(::llvm::Intrinsic::smax, address, ir.getInt64(0)));
      return mark_card(ir, card_of(ir, address, write.memory), write.memory);
    }
    // Of no bytes the pointer says nothing.
    Value* const length =
        write.length == nullptr ? ir.getInt64(write.bytes) : ir.CreateZExtOrTrunc(write.length, ir.getInt64Ty());
    Value* const last = ir.CreateAdd(address, ir.CreateSub(length, ir.getInt64(1)));
    ranges_.push_back({write.instruction, write.memory, card_of(ir, clamp(ir, address), write.memory),
                       card_of(ir, clamp(ir, last), write.memory),
                       write.length == nullptr ? nullptr : ir.CreateICmpNE(length, ir.getInt64(0))});
  }

  // One mark, which may serve the stores that follow as well: it is of an address before the store's, where that is
  // known to be one.
  void mark_simple(const Store& store) {
    const Write& write = store.write;
    std::int64_t earlier = 0;  // than the store's address
    Instruction* before = write.instruction;
    ::llvm::APInt constant(64, 0);
    Value* const base = write.pointer->stripAndAccumulateConstantOffsets(layout_, constant, true);
    if (const auto offset = proven_offset(store)) {
      // A frame or struct is served from its beginning, a large one in pieces that overlap.
      constexpr std::uint64_t kPiece = abi::kSlackBytes / 2;
      static_assert(kPiece >= 128, "the widest store, 64 bytes, and as much before it");
      const std::uint64_t reach = abi::kSlackBytes + excess(MarkFault::kBase, 16);
      const std::uint64_t marked = *offset + write.bytes <= reach ? 0 : *offset & ~(kPiece - 1);
      if (*offset - marked + write.bytes <= reach) earlier = static_cast<std::int64_t>(*offset - marked);
      before = gathered(hoisted(before, base, write.memory), base, write.memory);
    }
    Builder ir(before);
    Value* address = address_of(ir, base, write.memory);
    const std::int64_t rest = constant.getSExtValue() - earlier;
    if (rest != 0) address = ir.CreateAdd(address, ir.getInt64(static_cast<std::uint64_t>(rest)));
    mark_card(ir, card_of(ir, address, write.memory), write.memory);
    marks_.push_back({evolution_.getAddExpr(store.pointer, evolution_.getConstant(::llvm::APInt(64, -earlier, true))),
                      write.memory, before});
  }

  /// The constant part of a store's address, if the address is in the memory's address space whether or not the store
  /// is executed, and so is all that lies between it and its other part.
  [[nodiscard]] std::optional<std::uint64_t> proven_offset(const Store& store) {
    const SCEV* const address = address_in(store.pointer, store.write.memory);
    if (address == nullptr) return std::nullopt;
    if (const auto constant = constant_in(address)) {
      if (*constant < 0 || static_cast<std::uint64_t>(*constant) >= kAddressEnd) return std::nullopt;
      return 0;  // nothing but a constant: it is marked as it is
    }
    std::uint64_t offset = 0;
    const SCEV* rest = address;
    if (const auto* const sum = dyn_cast<SCEVAddExpr>(address))
      if (const auto constant = constant_in(sum->getOperand(0))) {
        if (*constant < 0) return std::nullopt;
        offset = static_cast<std::uint64_t>(*constant);
        rest = evolution_.getMinusSCEV(address, sum->getOperand(0));
      }
    const ::llvm::APInt maximum = evolution_.getUnsignedRangeMax(rest);
    if (!is_planted(MarkFault::kProof) && (offset >= kAddressEnd || maximum.uge(kAddressEnd - offset)))
      return std::nullopt;
    return offset;
  }

  /// Beside the last mark in the same block, if a mark of that address can stand there: stores that follow one another
  /// to one line of the processor's cache take less time than those that alternate between two.
  [[nodiscard]] Instruction* gathered(Instruction* before, Value* base, std::uint32_t memory) const {
    const std::size_t looked_at = std::min(marks_.size(), kMarksLookedAt);
    const auto end = marks_.rbegin() + static_cast<std::ptrdiff_t>(looked_at);
    const auto last = std::find_if(marks_.rbegin(), end,
                                   [&](const Mark& each) { return each.before->getParent() == before->getParent(); });
    if (last == end || !last->before->comesBefore(before) || !is_available(base, memory, last->before)) return before;
    // A call between them may throw: the store need not follow then, nor a trap.
    const auto between = ::llvm::make_range(last->before->getIterator(), before->getIterator());
    return std::ranges::any_of(between, [](const Instruction& each) { return is_real_call(each); }) ? before
                                                                                                    : last->before;
  }

  /// Where a mark of that address can stand: before the loops that execute it in each iteration.
  [[nodiscard]] Instruction* hoisted(Instruction* before, Value* base, std::uint32_t memory) {
    while (const Loop* const loop = loops_.getLoopFor(before->getParent())) {
      ::llvm::BasicBlock* const outside = loop->getLoopPreheader();
      const ::llvm::BasicBlock* const latch = loop->getLoopLatch();
      if (outside == nullptr || latch == nullptr || !dominators_.dominates(before->getParent(), latch)) break;
      if (!is_available(base, memory, outside->getTerminator())) break;
      before = outside->getTerminator();
    }
    return before;
  }

  // --- Loops ---

  void mark_loops() {
    ::llvm::MapVector<Loop*, std::vector<Walk>> candidates;
    for (Store& each : stores_) {
      if (each.loop == nullptr || !each.is_simple()) continue;
      const ::llvm::BasicBlock* const latch = each.loop->getLoopLatch();
      if (latch == nullptr || each.loop->getLoopPreheader() == nullptr) continue;
      // What is executed in some iterations alone might be executed in few.
      if (!dominators_.dominates(each.write.instruction->getParent(), latch)) continue;
      if (const auto walk = walk_of(each, *each.loop)) candidates[each.loop].push_back(*walk);
    }
    for (auto& [loop, walks] : candidates)
      if (!calls(*loop)) mark_loop(*loop, steps_of(evolution_, *loop), walks);
  }

  /// Whether a loop calls something, which may let a memory grow.
  [[nodiscard]] bool calls(const Loop& loop) const {
    if (is_planted(MarkFault::kGrowth)) return false;
    return std::ranges::any_of(loop.blocks(), [](const ::llvm::BasicBlock* block) {
      return std::ranges::any_of(*block, [](const Instruction& each) { return is_real_call(each); });
    });
  }

  /// Walks at constant distances from one another share a range.
  void mark_loop(Loop& loop, const SCEV* steps, std::span<const Walk> walks) {
    for (const Walk& first : walks) {
      if (first.store->is_covered) continue;
      std::vector<Place> group;
      for (const Walk& each : walks) {
        if (each.store->is_covered || each.store->write.memory != first.store->write.memory ||
            each.step != first.step || each.wraps != first.wraps)
          continue;
        const auto start = constant_in(evolution_.getMinusSCEV(each.start, first.start));
        if (!start || *start < -kMaximumDistance || *start > kMaximumDistance) continue;
        group.push_back({*start, *start + static_cast<std::int64_t>(each.offset), &each});  // below kGuardBytes
      }
      std::ranges::stable_sort(group, {}, &Place::address);
      for (std::span<const Place> left = group; !left.empty();) {
        const std::uint64_t reach = reach_of(*left.front().walk, steps);
        const auto is_near = [&](const Place& each) {
          return static_cast<std::uint64_t>(each.address - left.front().address) + each.walk->store->write.bytes <=
                 reach;
        };
        const auto near = left.first(static_cast<std::size_t>(std::ranges::find_if_not(left, is_near) - left.begin()));
        if (!mark_walks(loop, steps, near, reach)) break;  // nor would it of another of the group
        for (const Place& each : near) each.walk->store->is_covered = true;
        left = left.subspan(near.size());
      }
    }
  }

  /// How far from each address of a walk its marks cover: less than the slack where all of it is so short that it has
  /// one mark only.
  [[nodiscard]] std::uint64_t reach_of(const Walk& walk, const SCEV* steps) {
    const auto step = constant_in(walk.step);
    if (steps == nullptr || !step || walk.wraps) return abi::kSlackBytes;
    const std::uint64_t span = evolution_.getUnsignedRangeMax(steps).getLimitedValue(kMaximumSteps) *
                               static_cast<std::uint64_t>(std::abs(*step));
    const bool is_short = span <= abi::kSlackBytes / 2 && span + walk.store->write.bytes <= abi::kSlackBytes;
    return is_short ? abi::kSlackBytes - span : abi::kSlackBytes;
  }

  /// Marks before the loop what walks write to that are no further than `reach` behind the first of them.
  /// @return whether it does.
  bool mark_walks(Loop& loop, const SCEV* steps, std::span<const Place> places, std::uint64_t reach) {
    const Walk& walk = *places.front().walk;
    const std::uint32_t memory = walk.store->write.memory;
    const auto constant_step = constant_in(walk.step);
    const Limit limit = steps != nullptr && constant_step ? Limit() : limit_of(evolution_, loop, walk.step);
    const bool is_limited = limit.end != nullptr;
    if (!is_limited && steps == nullptr) return false;
    Instruction* const before = loop.getLoopPreheader()->getTerminator();
    ::llvm::SmallVector<const SCEV*, 3> needed = {walk.start};
    if (!is_limited) needed.append({steps, walk.step});
    if (!std::ranges::all_of(needed, [&](const SCEV* each) { return expander_.isSafeToExpandAt(each, before); }) ||
        expander_.isHighCostExpansion(needed, &loop, kRangeBudget, &costs_, before))
      return false;

    Value* start = expander_.expandCodeFor(walk.start, nullptr, before);
    Value* const count = is_limited ? nullptr : expander_.expandCodeFor(steps, nullptr, before);
    Value* const step = is_limited ? nullptr : expander_.expandCodeFor(walk.step, nullptr, before);
    Builder ir(before);
    start = ir.CreateZExt(start, ir.getInt64Ty());
    // The store is executed in the first iteration, or in none: so `start` is an address, or it does not matter what is
    // marked.
    auto [first, last, stride, wraps] = is_limited
                                            ? extent_to(ir, limit, start, planted_)
                                            : extent_of(ir, start, count, step, evolution_.getUnsignedRangeMax(steps));
    if (constant_step) {
      stride = nullptr;
    } else {
      // Each card between them if the steps are no wider, else those alone that steps lead to.
      stride = ir.CreateBinaryIntrinsic(::llvm::Intrinsic::umax, stride, ir.getInt64(card_bytes(memory)));
      stride = ir.CreateBinaryIntrinsic(::llvm::Intrinsic::umin, stride, ir.getInt64(kAddressEnd));
      if (is_planted(MarkFault::kStride)) stride = ir.CreateShl(stride, 1);
    }
    if ((walk.wraps || !constant_step || is_limited) && !is_planted(MarkFault::kWrap)) {
      // Past the end of the address space it goes on at the other: that takes a memory of 4 GiB, or traps. The starts
      // of all others are where they are only if they do not wrap around either.
      std::int64_t lowest = 0;
      std::int64_t highest = 0;
      for (const Place& each : places) {
        lowest = std::min(lowest, each.start - places.front().start);
        highest = std::max(highest, each.start - places.front().start);
      }
      if (is_planted(MarkFault::kDistance)) lowest = highest = 0;
      if (lowest < 0 || (!is_limited && (!constant_step || *constant_step < 0)))
        wraps = ir.CreateOr(wraps, ir.CreateICmpSLT(first, ir.getInt64(static_cast<std::uint64_t>(-lowest))));
      if (highest > 0 || is_limited || !constant_step || *constant_step > 0)
        wraps = ir.CreateOr(
            wraps, ir.CreateICmpUGE(last, ir.getInt64(abi::kMemoryAddressSpace - static_cast<std::uint64_t>(highest))));
      first = ir.CreateSelect(wraps, ir.getInt64(0), first);
      last = ir.CreateSelect(wraps, ir.getInt64(abi::kMemoryAddressSpace - 1), last);
      if (stride != nullptr) stride = ir.CreateSelect(wraps, ir.getInt64(card_bytes(memory)), stride);
    } else if (constant_step && *constant_step < 0) {
      first = ir.CreateBinaryIntrinsic(::llvm::Intrinsic::smax, first, ir.getInt64(0));
    }
    if (walk.offset != 0) {
      first = ir.CreateAdd(first, ir.getInt64(walk.offset));
      last = ir.CreateAdd(last, ir.getInt64(walk.offset));
    }
    loop_marks_[&loop].push_back({walk.store->pointer, memory, before, reach});
    if (reach < abi::kSlackBytes) {
      mark_card(ir, card_of(ir, clamp(ir, first), memory), memory);
      return true;
    }
    // What is written begins in the memory: cards behind it are cleared when a call traps, and no other time.
    Value* const end = ir.CreateBinaryIntrinsic(::llvm::Intrinsic::usub_sat, memory_bytes(ir, memory), ir.getInt64(1));
    first = ir.CreateBinaryIntrinsic(::llvm::Intrinsic::umin, first, end);
    last = ir.CreateBinaryIntrinsic(::llvm::Intrinsic::umin, last, end);
    if (stride != nullptr) {
      ranges_.push_back({before, memory, first, last, nullptr, stride});
    } else {
      last = card_of(ir, last, memory);
      if (is_planted(MarkFault::kRangeEnd))
        last = ir.CreateBinaryIntrinsic(::llvm::Intrinsic::smax, ir.CreateSub(last, ir.getInt64(1)),
                                        card_of(ir, first, memory));
      ranges_.push_back({before, memory, card_of(ir, first, memory), last});
    }
    return true;
  }

  [[nodiscard]] std::optional<Walk> walk_of(Store& store, const Loop& loop) {
    const SCEV* address = address_in(store.pointer, store.write.memory);
    if (address == nullptr) return std::nullopt;
    Walk walk;
    walk.store = &store;
    const auto* progression = dyn_cast<SCEVAddRecExpr>(address);
    if (progression == nullptr) {
      if (const auto* const sum = dyn_cast<SCEVAddExpr>(address); sum != nullptr && sum->getNumOperands() == 2) {
        const auto constant = constant_in(sum->getOperand(0));
        if (!constant || *constant < 0 || static_cast<std::uint64_t>(*constant) >= abi::kGuardBytes)
          return std::nullopt;
        walk.offset = static_cast<std::uint64_t>(*constant);
        address = sum->getOperand(1);
      }
      const auto* const extended = dyn_cast<::llvm::SCEVZeroExtendExpr>(address);
      if (extended == nullptr || !extended->getOperand()->getType()->isIntegerTy(32)) return std::nullopt;
      progression = dyn_cast<SCEVAddRecExpr>(extended->getOperand());
      walk.wraps = true;
    }
    if (progression == nullptr || progression->getLoop() != &loop || !progression->isAffine()) return std::nullopt;
    walk.start = progression->getStart();
    walk.step = progression->getStepRecurrence(evolution_);
    // Wider steps than a card would save nothing: there are as many marks as stores.
    const auto maximum = static_cast<std::int64_t>(card_bytes(store.write.memory));
    if (const auto step = constant_in(walk.step); step && (*step == 0 || *step > maximum || *step < -maximum))
      return std::nullopt;
    return walk;
  }

  // --- Cards ---

  void mark_range(const Range& range) {
    Instruction* before = range.before;
    if (range.condition != nullptr)
      before = ::llvm::SplitBlockAndInsertIfThen(range.condition, before->getIterator(), false);
    if (range.stride != nullptr) return mark_steps(range, before);
    Builder ir(before);
    mark_card(ir, range.first, range.memory);
    set_card(ir, range.last, range.memory);
    // What lies between them, of long ranges.
    Value* const second = ir.CreateAdd(range.first, ir.getInt64(1));
    before = ::llvm::SplitBlockAndInsertIfThen(ir.CreateICmpUGT(range.last, second), before->getIterator(), false,
                                               ::llvm::MDBuilder(ir.getContext()).createUnlikelyBranchWeights());
    ir.SetInsertPoint(before);
    const auto [body, card] = ::llvm::SplitBlockAndInsertSimpleForLoop(ir.CreateSub(range.last, second), before);
    ir.SetInsertPoint(body);
    set_card(ir, ir.CreateAdd(second, card), range.memory);
  }

  void mark_steps(const Range& range, Instruction* before) {
    ::llvm::BasicBlock* const outside = before->getParent();
    ::llvm::BasicBlock* const behind = outside->splitBasicBlock(before);
    auto* const loop = ::llvm::BasicBlock::Create(before->getContext(), "marks", &function_, behind);
    outside->getTerminator()->setSuccessor(0, loop);
    Builder ir(loop);
    ::llvm::PHINode* const address = ir.CreatePHI(ir.getInt64Ty(), 2);
    mark_card(ir, card_of(ir, address, range.memory), range.memory);
    Value* const next = ir.CreateAdd(address, range.stride);
    ir.CreateCondBr(ir.CreateICmpULE(next, range.last), loop, behind);
    address->addIncoming(range.first, outside);
    address->addIncoming(next, loop);
    // Steps from card to card may end before it.
    ir.SetInsertPoint(before);
    if (!is_planted(MarkFault::kRangeEnd)) set_card(ir, card_of(ir, range.last, range.memory), range.memory);
  }

  void mark_card(Builder& ir, Value* card, std::uint32_t memory) {
    set_card(ir, card, memory);
    ++counts_.marks;
  }

  void set_card(Builder& ir, Value* card, std::uint32_t memory) {
    Value* place;
    if (is_own(memory)) {
      place = header_place(ir, card, unit_.layout.cards());
    } else {
      place = ir.CreateGEP(
          ir.getInt8Ty(), reference_field(ir, memory, offsetof(abi::MemoryReference, cards), ir.getPtrTy(kHeaderSpace)),
          card);
    }
    ir.CreateStore(ir.getInt8(1), place);
  }

  Value* card_of(Builder& ir, Value* address, std::uint32_t memory) {
    Value* const shift = is_own(memory)
                             ? ir.getInt64(unit_.layout.card_shift())
                             : reference_field(ir, memory, offsetof(abi::MemoryReference, card_shift), ir.getInt64Ty());
    return ir.CreateLShr(address, shift);
  }

  /// At least.
  [[nodiscard]] std::uint64_t card_bytes(std::uint32_t memory) const {
    return std::uint64_t{1} << (is_own(memory) ? unit_.layout.card_shift() : abi::kMinimumCardShift);
  }

  // --- Addresses ---

  [[nodiscard]] bool is_own(std::uint32_t memory) const { return memory == 0 && !unit_.options.foreign_memory; }

  static Value* clamp(Builder& ir, Value* address) {
    return ir.CreateBinaryIntrinsic(::llvm::Intrinsic::umin, address, ir.getInt64(kAddressEnd - 1));
  }

  /// What a pointer is past the memory's base; null if it is not known to be made from that.
  const SCEV* address_in(const SCEV* pointer, std::uint32_t memory) {
    const auto* const base = dyn_cast<::llvm::SCEVUnknown>(evolution_.getPointerBase(pointer));
    return base != nullptr && is_base(base->getValue(), memory) ? evolution_.removePointerBase(pointer) : nullptr;
  }

  std::optional<std::int64_t> constant_address(const SCEV* pointer, std::uint32_t memory) {
    const SCEV* const address = address_in(pointer, memory);
    return address == nullptr ? std::nullopt : constant_in(address);
  }

  /// The same as code.
  Value* address_of(Builder& ir, Value* pointer, std::uint32_t memory) {
    Value* address = nullptr;
    Value* from = pointer;
    while (auto* const step = dyn_cast<::llvm::GEPOperator>(from)) {
      Value* const offset = ::llvm::emitGEPOffset(&ir, layout_, step, /*NoAssumptions=*/true);
      address = address == nullptr ? offset : ir.CreateAdd(offset, address);
      from = step->getPointerOperand();
    }
    if (is_base(from, memory)) return address == nullptr ? ir.getInt64(0) : address;
    return ir.CreateSub(ir.CreatePtrToInt(pointer, ir.getInt64Ty()),
                        ir.CreatePtrToInt(memory_base(ir, memory), ir.getInt64Ty()));
  }

  /// Whether address_of() can be called there.
  [[nodiscard]] bool is_available(Value* pointer, std::uint32_t memory, const Instruction* there) const {
    const auto is_there = [&](const Value* value) {
      const auto* const instruction = dyn_cast<Instruction>(value);
      return instruction == nullptr || dominators_.dominates(instruction, there);
    };
    Value* from = pointer;
    while (auto* const step = dyn_cast<::llvm::GEPOperator>(from)) {
      if (!std::all_of(step->idx_begin(), step->idx_end(), is_there)) return false;
      from = step->getPointerOperand();
    }
    return is_base(from, memory) || is_there(pointer);
  }

  /// Of the cell's own memory the base is the cell pointer; a linked one's is loaded from its MemoryReference.
  [[nodiscard]] bool is_base(const Value* pointer, std::uint32_t memory) const {
    if (is_own(memory)) return without_casts(pointer) == cell_;
    const auto* const load = dyn_cast<::llvm::LoadInst>(pointer);
    if (load == nullptr) return false;
    ::llvm::APInt displacement(64, 0);
    const Value* const from = load->getPointerOperand()->stripAndAccumulateConstantOffsets(layout_, displacement, true);
    return without_casts(from) == cell_ &&
           displacement.getSExtValue() ==
               unit_.layout.memory_reference(memory) + static_cast<std::int64_t>(offsetof(abi::MemoryReference, base));
  }

  static const Value* without_casts(const Value* pointer) {
    while (const auto* const cast = dyn_cast<::llvm::AddrSpaceCastOperator>(pointer)) pointer = cast->getOperand(0);
    return pointer;
  }

  Value* memory_base(Builder& ir, std::uint32_t memory) {
    if (is_own(memory)) return ir.CreateAddrSpaceCast(cell_, ir.getPtrTy(kHeaderSpace));
    return reference_field(ir, memory, offsetof(abi::MemoryReference, base), ir.getPtrTy(kHeaderSpace));
  }

  Value* memory_bytes(Builder& ir, std::uint32_t memory) {
    return ir.CreateLoad(ir.getInt64Ty(),
                         ir.CreateConstGEP1_64(ir.getInt8Ty(), memory_base(ir, memory),
                                               static_cast<std::uint64_t>(std::int64_t{abi::kMemoryBytes})));
  }

  Value* header_place(Builder& ir, Value* index, std::int64_t displacement) {
    Value* const header = ir.CreateAddrSpaceCast(cell_, ir.getPtrTy(kHeaderSpace));
    return ir.CreateGEP(ir.getInt8Ty(), ir.CreateGEP(ir.getInt8Ty(), header, index),
                        ir.getInt64(static_cast<std::uint64_t>(displacement)));
  }

  /// Of a linked memory's MemoryReference, which never changes.
  Value* reference_field(Builder& ir, std::uint32_t memory, std::size_t member, ::llvm::Type* type) {
    const std::int64_t displacement = unit_.layout.memory_reference(memory) + static_cast<std::int64_t>(member);
    auto* const field = ir.CreateLoad(type, header_place(ir, ir.getInt64(0), displacement));
    field->setMetadata(::llvm::LLVMContext::MD_invariant_load, ::llvm::MDNode::get(ir.getContext(), {}));
    return field;
  }

  const Unit& unit_;
  ::llvm::Function& function_;
  const MarkFault planted_;
  const ::llvm::DataLayout& layout_;
  ::llvm::DominatorTree dominators_;
  ::llvm::LoopInfo loops_;
  ::llvm::AssumptionCache assumptions_;
  ::llvm::TargetLibraryInfoImpl known_functions_;
  ::llvm::TargetLibraryInfo library_;
  ::llvm::ScalarEvolution evolution_;
  ::llvm::SCEVExpander expander_;
  const ::llvm::TargetTransformInfo costs_;

  ::llvm::Argument* cell_ = nullptr;
  std::vector<Store> stores_;
  std::vector<Mark> marks_;
  ::llvm::DenseMap<const Loop*, std::vector<Mark>> loop_marks_;  ///< of walks, before the loop
  std::vector<Range> ranges_;
  MarkCounts counts_;
};

}  // namespace

MarkCounts add_marks(const Unit& unit, ::llvm::Function& function, MarkFault planted) {
  if (!unit.options.marks) return {};
  simplify_loops(function);
  return Marker(unit, function, planted).run();
}

}  // namespace anew::codegen::optimizing
