// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Unwinding: from a throw to the handler that catches it.
//
// anew_throw asks anew_find_handler, which walks the frame pointers of the activation outwards. The return address in a
// frame says which module its function is of; that module's image says in which try block the call stands, and what its
// clauses catch. A clause names a tag by its index in the module: which tag that is depends on the instance, whose cell
// pointer such a function keeps in its frame. An exception ends where its activation does: it crosses no host function,
// whose call of the guest gets an error instead.
//
// Runs on guest stacks: compiled like library.cpp, see there.
#include "abi/library.hpp"
#include "runtime/call_sites.hpp"
#include "runtime/exception_room.hpp"
#include "runtime/fuel.hpp"
#include "runtime/stack_walk.hpp"
#include "runtime/store_state.hpp"

namespace anew::detail {
namespace {

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

/// What the search for a handler has found so far.
struct Search {
  const codegen::Handler* handler = nullptr;
  bool out_of_fuel = false;
};

/// Looks at the try blocks around the call, if there are some. A unit of fuel pays for the function, one for each
/// block and one for each clause that is looked at. @param frame  the function's.
Search look_in(const Instance& owner, const StackWalk& frame, const abi::Exception& exception) noexcept {
  Search search;
  const ModuleState& module = *owner.linked->module;
  const codegen::ImageView& image = module.image;
  search.out_of_fuel = !charge(owner, 1, 1);
  const codegen::CallSite* const site = find_call_site(owner, frame.pc());
  if (site == nullptr) return search;
  // Block numbers and handlers are the code generator's, or were checked when the artifact was read.
  for (std::uint32_t block = site->try_block; block != codegen::kNoTryBlock && !search.out_of_fuel;
       block = image.try_blocks[block].outer) {
    const codegen::TryBlock& around = image.try_blocks[block];
    // A function with a try block keeps its cell pointer in its frame.
    const auto* const cell = reinterpret_cast<const std::byte*>(frame.slot(image.frames.kept_cell));
    std::uint64_t looked_at = 1;
    for (const codegen::Handler& handler : image.handlers.subspan(around.first_handler, around.handlers)) {
      ++looked_at;
      if (!catches(handler, module.layout, cell, exception)) continue;
      search.handler = &handler;
      break;
    }
    search.out_of_fuel = !charge(owner, looked_at, 1);
    if (search.handler != nullptr) break;
  }
  return search;
}

}  // namespace
}  // namespace anew::detail

namespace anew::abi {

using namespace detail;

extern "C" void anew_find_handler(Exception* exception, std::byte* cell, std::uint64_t return_address,
                                  std::uint64_t frame, Landing* landing) noexcept {
  const auto& thread = static_cast<const Thread&>(*hot_header(cell).thread);  // every ThreadRecord is a Thread's
  const Instance* instance = &instance_of(cell);
  const StoreState& store = *instance->store;
  StackWalk walk(thread.activations[thread.depth - 1].stack, return_address, frame);
  *landing = {.pc = 0, .frame = static_cast<std::uint64_t>(TrapKind::kUnhandledException)};
  do {
    // A return address may be the first byte behind its text; the call is before it.
    const Instance* const owner = find_code(store, *instance, walk.pc() - 1);
    if (owner == nullptr) continue;
    instance = owner;
    const Search search = look_in(*owner, walk, *exception);
    if (search.out_of_fuel) {
      landing->frame = static_cast<std::uint64_t>(TrapKind::kOutOfFuel);
      return;
    }
    if (search.handler != nullptr) {
      if (gives_reference(*search.handler)) exception->held = 1;
      const codegen::ImageView& image = owner->linked->module->image;
      *landing = {.pc = reinterpret_cast<std::uint64_t>(image.text.data()) + search.handler->offset,
                  .frame = walk.frame()};
      break;
    }
  } while (walk.next());
  if (exception->held == 0) give_back(store, *exception);
}

}  // namespace anew::abi
