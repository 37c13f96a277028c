// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs on guest stacks: compiled like library.cpp, see there.
#include "runtime/exception_room.hpp"

#include <algorithm>
#include <atomic>
#include <new>

#include "runtime/call_sites.hpp"
#include "runtime/stack_walk.hpp"
#include "runtime/store_state.hpp"
#include "runtime/thread.hpp"

namespace anew::detail {
namespace {

constexpr std::uint64_t kFirst = sizeof(abi::ExceptionRoom);
/// No collection before as much was made. When the room is full before the next is due, as much as kLeastWhenFull must
/// have been made: else one would follow the other.
constexpr std::uint64_t kLeastMade = 1 << 20;
constexpr std::uint64_t kLeastWhenFull = abi::kExceptionSpace / 8;
/// What may be held. The rest is room for what is thrown meanwhile.
constexpr std::uint64_t kMaximumHeld = abi::kExceptionSpace / 4 * 3;

/// Before this line in the program is before it in memory, for whoever stops the thread.
void in_this_order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

const Instance* instance_with_room(const StoreState& store) noexcept {
  for (const auto& instance : store.instances)
    if (instance->layout().exception_space() != 0) return instance.get();
  return nullptr;
}

class Room {
 public:
  explicit Room(const Instance& instance) noexcept
      : base_(instance.cell + instance.layout().exceptions()), used_(instance.header().exception_bytes) {}

  /// @return where the exception is to be; null if there is no room, even after a collection.
  std::byte* find_place(const StoreState& store, const Thread& thread, std::uint64_t bytes) noexcept {
    if (used_ == 0) {
      state() = {.next = kFirst, .end = abi::kExceptionSpace, .made = 0, .due = kLeastMade, .closed = 0, .unused = 0};
      in_this_order();
      used_ = kFirst;
    }
    if (state().made + bytes > state().due && !collect(store, thread)) return nullptr;
    while (!find_stretch(bytes))
      if (state().made < kLeastWhenFull || !collect(store, thread)) return nullptr;
    return base_ + state().next;
  }

  /// The exception that was put where find_place said counts from now on.
  void keep(std::uint64_t bytes) noexcept {
    in_this_order();
    used_ = std::max(used_, state().next + bytes);
    in_this_order();
    state().next += bytes;
    state().made += bytes;
  }

  void give_back(const abi::Exception& exception) noexcept {
    const std::uint64_t offset = offset_of(reinterpret_cast<std::uint64_t>(&exception));
    if (offset >= used_ || state().closed != 0 || offset + exception.bytes != state().next) return;
    state().next = offset;
    state().made -= std::min<std::uint64_t>(state().made, exception.bytes);
  }

 private:
  // The room begins at a multiple of 16 with an ExceptionRoom, once used_ is not 0; behind it lies one Exception behind
  // another, as the picture in the header says.
  [[nodiscard]] abi::ExceptionRoom& state() const noexcept { return *reinterpret_cast<abi::ExceptionRoom*>(base_); }
  [[nodiscard]] abi::Exception& at(std::uint64_t offset) const noexcept {
    return *reinterpret_cast<abi::Exception*>(base_ + offset);
  }
  /// Huge if the address is below.
  [[nodiscard]] std::uint64_t offset_of(std::uint64_t address) const noexcept {
    return address - reinterpret_cast<std::uint64_t>(base_);
  }

  /// Makes a stretch look like an exception without a tag. At most the room's size: it fits in 32 bits.
  void format(std::uint64_t begin, std::uint64_t end) noexcept {
    at(begin).tag = nullptr;
    in_this_order();
    at(begin).bytes = static_cast<std::uint32_t>(end - begin);
    in_this_order();
  }
  /// Leaves the free stretch that exceptions are made in: all below used_ is formatted then.
  void close_stretch() noexcept {
    if (state().closed != 0) return;
    const std::uint64_t end = std::min(state().end, used_);
    if (state().next < end) format(state().next, end);
    state().closed = 1;
    in_this_order();
  }
  void open_stretch(std::uint64_t begin, std::uint64_t end) noexcept {
    state().next = begin;
    state().end = end;
    in_this_order();
    state().closed = 0;
    in_this_order();
  }
  /// On to a free stretch of so many bytes. @return false if there is none up to the room's end.
  bool find_stretch(std::uint64_t bytes) noexcept {
    while (state().closed != 0 || state().end - state().next < bytes) {
      close_stretch();
      std::uint64_t offset = state().end;
      if (offset == abi::kExceptionSpace) return false;
      while (offset < used_ && at(offset).tag != nullptr) offset += at(offset).bytes;
      const bool is_last = offset >= used_;
      open_stretch(offset, is_last ? abi::kExceptionSpace : offset + at(offset).bytes);
    }
    return true;
  }

  /// @return false if too much is held.
  bool collect(const StoreState& store, const Thread& thread) noexcept {
    close_stretch();
    for (std::uint64_t offset = kFirst; offset < used_; offset += at(offset).bytes) at(offset).marked = 0;
    marked_ = nullptr;
    looked_at_ = 0;
    mark_instances(store);
    mark_frames(store, thread);
    while (marked_ != nullptr) {
      const abi::Exception& exception = *marked_;
      marked_ = exception.next;
      mark_values(exception);
    }
    const std::uint64_t held = sweep();
    state().made = 0;
    state().due = std::max(kLeastMade, held + looked_at_ * sizeof(std::uint64_t));
    open_stretch(kFirst, kFirst);
    return held <= kMaximumHeld;
  }

  /// @param bits  of an exnref.
  void mark(std::uint64_t bits) noexcept {
    ++looked_at_;
    const std::uint64_t offset = offset_of(bits);
    if (offset < kFirst || offset >= used_ || offset % 16 != 0) return;  // null
    abi::Exception& exception = at(offset);
    if (exception.tag == nullptr || exception.marked != 0) return;
    exception.marked = 1;
    exception.next = marked_;
    marked_ = &exception;
  }
  void mark_values(const abi::Exception& exception) noexcept {
    // Its slots lie behind it.
    const auto* slot = reinterpret_cast<const std::uint64_t*>(&exception + 1);
    for (const ValueType type : exception.type->parameters) {
      if (is_exception_reference(type)) mark(*slot);
      slot += slots_of(type);
    }
  }
  void mark_instances(const StoreState& store) noexcept {
    for (const auto& instance : store.instances) {
      const wasm::Module& module = instance->linked->wasm();
      // Both are bounded by limits::kGlobals and kTables.
      const auto globals = static_cast<std::uint32_t>(module.globals.size());
      looked_at_ += globals;
      for (std::uint32_t i = 0; i < globals; ++i) {
        // Those of other instances are seen there.
        if (!is_exception_reference(module.globals[i].type.type) || !instance->linked->owns_global(i)) continue;
        mark(*instance->global(i));
      }
      const auto tables = static_cast<std::uint32_t>(module.tables.size());
      for (std::uint32_t i = 0; i < tables; ++i) {
        if (!is_exception_reference(module.tables[i].element) || !instance->linked->table_source(i).is_own()) continue;
        const std::uint64_t* const elements = instance->table(i);
        const std::uint64_t size = table_header(instance->table(i)).size;
        for (std::uint64_t k = 0; k < size; ++k) mark(elements[k]);
      }
    }
  }
  void mark_frames(const StoreState& store, const Thread& thread) noexcept {
    const std::uint32_t depth = thread.depth.load(std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < depth; ++i) {
      if (thread.activations[i].store != &store) continue;
      // Where this activation called the host, or where it is now.
      const std::uint64_t innermost = i + 1 < depth ? thread.activations[i + 1].stub_frame_around
                                                    : reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
      StackWalk walk(thread.activations[i].stack, 0, innermost);
      const Instance* instance = store.instances.front().get();
      while (walk.next()) {
        ++looked_at_;
        const Instance* const owner = find_code(store, *instance, walk.pc() - 1);
        if (owner == nullptr) continue;
        instance = owner;
        mark_frame(*owner, walk);
      }
    }
  }
  void mark_frame(const Instance& owner, const StackWalk& walk) noexcept {
    const codegen::CallSite* const site = find_call_site(owner, walk.pc());
    if (site == nullptr) return;
    const codegen::ImageView& image = owner.linked->module->image;
    // The lists are the code generator's, or were checked when the artifact was read.
    for (std::uint32_t i = site->roots; i != codegen::kNoRoots; i = image.roots[i].next)
      for (std::uint32_t k = 0; k < image.roots[i].count; ++k) mark(walk.slot(image.roots[i].displacement, k));
  }

  /// Gives back what is not marked, neighbours as one stretch. @return the bytes of the rest.
  std::uint64_t sweep() noexcept {
    std::uint64_t held = 0;
    std::uint64_t free_from = 0;  // 0: what is before `offset` is held
    std::uint64_t offset = kFirst;
    while (offset < used_) {
      abi::Exception& exception = at(offset);
      const std::uint64_t bytes = exception.bytes;
      if (exception.marked != 0) {
        if (free_from != 0) format(free_from, offset);
        free_from = 0;
        held += bytes;
      } else if (free_from == 0) {
        free_from = offset;
      }
      offset += bytes;
    }
    if (free_from != 0) format(free_from, offset);
    return held;
  }

  std::byte* base_;
  std::uint64_t& used_;
  abi::Exception* marked_ = nullptr;  ///< whose values were not looked at yet
  std::uint64_t looked_at_ = 0;
};

}  // namespace

abi::Exception* make_exception(std::byte* cell, std::uint32_t tag) noexcept {
  const Instance& thrower = instance_of(cell);
  const StoreState& store = *thrower.store;
  const Instance* const owner = instance_with_room(store);
  if (owner == nullptr) return nullptr;  // never: the thrower's module has a tag
  const wasm::Module& module = thrower.linked->wasm();
  const FunctionType& type = module.types[module.tags[tag].type];
  const std::uint64_t bytes = (sizeof(abi::Exception) + 8ull * slots_of(type.parameters) + 15) & ~std::uint64_t{15};
  Room room(*owner);
  const auto& thread = static_cast<const Thread&>(*thrower.header().thread);  // every ThreadRecord is a Thread's
  std::byte* const place = room.find_place(store, thread, bytes);
  if (place == nullptr) return nullptr;
  auto* const exception = new (place) abi::Exception{.tag = *thrower.at<const void*>(thrower.layout().tag(tag)),
                                                     .bytes = static_cast<std::uint32_t>(bytes),  // limits::kParameters
                                                     .held = 0,
                                                     .marked = 0,
                                                     .type = &type,
                                                     .next = nullptr};
  room.keep(bytes);
  return exception;
}

void give_back(const StoreState& store, const abi::Exception& exception) noexcept {
  if (const Instance* const owner = instance_with_room(store)) Room(*owner).give_back(exception);
}

}  // namespace anew::detail
