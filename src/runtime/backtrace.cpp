// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is left of a call that trapped: its error and the frames on the guest stack.
#include <fmt/format.h>

#include <iterator>
#include <new>
#include <utility>
#include <vector>

#include "abi/processor.hpp"
#include "runtime/call_sites.hpp"
#include "runtime/stack_walk.hpp"
#include "runtime/store_state.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::detail {
namespace {

constexpr std::size_t kMaximumFrames = 64;

struct Backtrace {
  std::vector<Frame> frames;
  std::uint64_t left_out = 0;
};

/// A frame of compiled code: whose it is, and where in it.
struct FramePlace {
  const Instance* instance = nullptr;            ///< null: of the library, or what a chain of tail calls left
  std::vector<codegen::CodePosition> positions;  ///< where functions are inlined: the innermost first
};

/// The cell of the function that a walk is at: what the first of its instance's functions around it was called with.
std::uint64_t cell_at(StackWalk walk) noexcept {
  for (;;) {
    const std::uint64_t cell = walk.slot(abi::kCellOfCalled);
    const bool is_inner = walk.next() && walk.frame() != 0;  // else an entry thunk called it
    if (!is_inner || walk.pc() == reinterpret_cast<std::uint64_t>(&abi::anew_return_to_cell)) return cell;
  }
}

/// Which instance a frame belongs to. Its module is known by the program counter, but several instances of a store may
/// share a module's code.
class FrameOwner {
 public:
  explicit FrameOwner(const StoreState& store) noexcept : store_(store) {}

  /// For each frame from the innermost outwards.
  [[nodiscard]] FramePlace find(const StackWalk& walk, bool is_return_address) {
    if (walk.pc() == reinterpret_cast<std::uint64_t>(&abi::anew_return_to_cell)) {
      cell_ = 0;  // from the next frame outwards it is another one
      return {};
    }
    // The call is before its return address, which may be the first byte behind the text.
    const std::uint64_t pc = walk.pc() - (is_return_address ? 1 : 0);
    const Instance* owner = find_code(store_, *store_.instances.front(), pc);
    if (owner == nullptr) return {};
    const codegen::ImageView& image = owner->linked->module->image;
    auto positions = codegen::find_positions(image, owner->linked->wasm().imported_functions,
                                             pc - reinterpret_cast<std::uint64_t>(image.text.data()));
    if (cell_ == 0) cell_ = cell_at(walk);
    for (const auto& instance : store_.instances)
      if (reinterpret_cast<std::uint64_t>(instance->cell) == cell_ && has_code_at(*instance, pc))
        owner = instance.get();
    return {owner, std::move(positions)};
  }

 private:
  const StoreState& store_;
  std::uint64_t cell_ = 0;  ///< of the last function's instance; 0: not known yet
};

Frame describe(const Instance& instance, const codegen::CodePosition& position) {
  const ModuleState& module = *instance.linked->module;
  const std::uint32_t function = position.function_index;
  const bool is_host = function < module.module.imported_functions;  // an import's stub, which only host calls reach
  Frame frame{
      .function_index = function,
      .function_name = is_host ? wasm::import_name(module.module, function) : std::string(module.names[function]),
      .instance_name = std::string(instance.store->name_of(instance)),
      .is_host = is_host,
      .module_offset = position.module_offset,
      .source_file = {},
      .source_line = 0};
  if (is_host) return frame;
  const debug::SourceLines& lines = module.source_lines();
  if (const auto line = lines.find(position.module_offset)) {
    frame.source_file = lines.file(line->file);
    frame.source_line = line->line;
  }
  return frame;
}

/// The trap's words, with what stopped the call if something outside did.
std::string describe(TrapKind trap, Interruption interruption) {
  std::string words = to_string(trap);
  if (trap != TrapKind::kInterrupted) return words;
  if (interruption == Interruption::kDeadline) words += ": the call's deadline passed";
  if (interruption == Interruption::kShutdown) words += ": the pool was shut down";
  if (interruption == Interruption::kCancel) words += ": the call was cancelled";
  return words;
}

Backtrace collect_frames(const StoreState& store, const Thread& thread) {
  Backtrace backtrace;
  if (thread.depth == kMaximumNesting || thread.trap_pc == 0) return backtrace;  // refused: no guest ran
  StackWalk walk(thread.activations[thread.depth].stack, thread.trap_pc, thread.trap_fp);
  FrameOwner owner(store);
  bool is_return_address = thread.trap_is_fault == 0;
  do {
    const FramePlace place = owner.find(walk, is_return_address);
    is_return_address = true;
    for (const codegen::CodePosition& position : place.positions)  // none in an entry thunk
      if (backtrace.frames.size() == kMaximumFrames)
        ++backtrace.left_out;
      else
        backtrace.frames.push_back(describe(*place.instance, position));
  } while (walk.next());
  return backtrace;
}

/// Takes thread.pending. May throw std::bad_alloc.
Error describe_trap(const Instance& instance, TrapKind trap, Thread& thread) {
  Error error;
  if (trap == TrapKind::kHostError && thread.pending && thread.trap_pc == 0) {  // the call could not begin
    error = std::move(*thread.pending);
    thread.pending.reset();
    return error;
  }
  Backtrace backtrace = collect_frames(*instance.store, thread);
  if (trap == TrapKind::kHostError && thread.pending) {
    error = std::move(*thread.pending);
    thread.pending.reset();
    if (error.code == ErrorCode::kTrap) {
      // The error of a call that the host function made itself: this call's frames are around that one's.
      error.backtrace.insert(error.backtrace.end(), std::make_move_iterator(backtrace.frames.begin()),
                             std::make_move_iterator(backtrace.frames.end()));
      backtrace.frames = std::move(error.backtrace);
    } else {
      error.message = fmt::format("{}: {}", to_string(trap), error.message);
      error.trap = trap;
    }
  } else {
    error.message = describe(trap, thread.interruption);
    error.trap = trap;
  }
  error.code = ErrorCode::kTrap;
  error.backtrace = std::move(backtrace.frames);
  if (backtrace.left_out != 0)
    error.message += fmt::format(" (the backtrace leaves out the {} outermost frames)", backtrace.left_out);
  return error;
}

}  // namespace

Error make_trap_error(Instance& instance, std::uint32_t kind) noexcept {
  Thread* const thread = current_thread();
  if (thread == nullptr)
    return make_bare_error(ErrorCode::kResource, "out of memory for what a thread keeps of its calls");
  const auto trap = static_cast<TrapKind>(kind);  // compiled code and the runtime raise no other numbers
  try {
    return describe_trap(instance, trap, *thread);
  } catch (const std::bad_alloc&) {
    thread->pending.reset();
    Error error = make_bare_error(ErrorCode::kTrap, to_string(trap));
    error.trap = trap;
    return error;
  }
}

}  // namespace anew::detail
