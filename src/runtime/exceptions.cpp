// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs on guest stacks: compiled like library.cpp, see there.
#include "runtime/exceptions.hpp"

#include <algorithm>

#include "runtime/stack_walk.hpp"
#include "runtime/store_state.hpp"

namespace anew::detail {
namespace {

bool has_code_at(const Instance& instance, std::uint64_t pc) noexcept {
  const auto text = instance.linked->module->image.text;
  return pc - reinterpret_cast<std::uint64_t>(text.data()) < text.size();
}

/// Whose code it is, or that of another instance of the same module. @param hint  likely to be it.
const Instance* find_code(const StoreState& store, const Instance& hint, std::uint64_t pc) noexcept {
  if (has_code_at(hint, pc)) return &hint;
  for (const auto& instance : store.instances) {
    if (has_code_at(*instance, pc)) return instance.get();
  }
  return nullptr;
}

/// The innermost try_table around the call with this return address, or kNoTryBlock.
std::uint32_t find_try_block(const codegen::ImageView& image, std::uint64_t return_offset) noexcept {
  const auto site = std::ranges::lower_bound(image.call_sites, return_offset, {}, &codegen::CallSite::return_offset);
  return site != image.call_sites.end() && site->return_offset == return_offset ? site->try_block
                                                                                : codegen::kNoTryBlock;
}

/// @param cell  of the instance whose frame the handler is in.
bool catches(const codegen::Handler& handler, const abi::CellLayout& layout, const std::byte* cell,
             const abi::Exception& exception) noexcept {
  if (handler.kind == wasm::CatchKind::kCatchAll || handler.kind == wasm::CatchKind::kCatchAllRef) return true;
  // The cell has a link, which is a pointer, for every tag of the module.
  return *reinterpret_cast<const void* const*>(cell + layout.tag(handler.tag)) == exception.tag;
}

bool gives_reference(const codegen::Handler& handler) noexcept {
  return handler.kind == wasm::CatchKind::kCatchRef || handler.kind == wasm::CatchKind::kCatchAllRef;
}

/// Gives the exception's room back if it is the last one in it. Its bytes stay as they are until the next is made.
void release(const StoreState& store, const abi::Exception& exception) noexcept {
  const auto address = reinterpret_cast<std::uint64_t>(&exception);
  for (const auto& instance : store.instances) {
    std::uint64_t& used = instance->header().exception_bytes;
    const std::uint64_t room = reinterpret_cast<std::uint64_t>(instance->cell + instance->layout().exceptions());
    if (address - room >= used) continue;
    if (address + exception.bytes == room + used) used -= exception.bytes;
    return;
  }
}

/// The handler of a try_table around the call, or null. @param frame  the function's.
const codegen::Handler* find_handler(const ModuleState& module, const StackWalk& frame,
                                     const abi::Exception& exception) noexcept {
  const codegen::ImageView& image = module.image;
  const std::uint64_t offset = frame.pc() - reinterpret_cast<std::uint64_t>(image.text.data());
  // Block numbers and handlers are the code generator's, or were checked when the artifact was read.
  for (std::uint32_t block = find_try_block(image, offset); block != codegen::kNoTryBlock;
       block = image.try_blocks[block].outer) {
    const codegen::TryBlock& around = image.try_blocks[block];
    // A function with a try_table keeps its cell pointer in its frame.
    const auto* const cell = reinterpret_cast<const std::byte*>(frame.kept_cell());
    for (const codegen::Handler& handler : image.handlers.subspan(around.first_handler, around.handlers)) {
      if (catches(handler, module.layout, cell, exception)) return &handler;
    }
  }
  return nullptr;
}

}  // namespace

extern "C" void anew_find_handler(abi::Exception* exception, std::byte* cell, std::uint64_t return_address,
                                  std::uint64_t frame, Landing* landing) noexcept {
  const auto& thread = static_cast<const Thread&>(*abi::hot_header(cell).thread);  // every ThreadRecord is a Thread's
  const Instance* instance = &instance_of(cell);
  const StoreState& store = *instance->store;
  StackWalk walk(thread.stacks[thread.depth - 1], return_address, frame);
  *landing = {};
  do {
    // A return address may be the first byte behind its text; the call is before it.
    const Instance* const owner = find_code(store, *instance, walk.pc() - 1);
    if (owner == nullptr) continue;
    instance = owner;
    const ModuleState& module = *owner->linked->module;
    if (const codegen::Handler* const handler = find_handler(module, walk, *exception)) {
      if (gives_reference(*handler)) exception->held = 1;
      *landing = {reinterpret_cast<std::uint64_t>(module.image.text.data()) + handler->offset, walk.frame()};
      break;
    }
  } while (walk.next());
  if (exception->held == 0) release(store, *exception);
}

}  // namespace anew::detail
