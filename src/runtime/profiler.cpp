// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/profiler.hpp"

#include <fmt/format.h>

#include <map>
#include <span>
#include <utility>

#include "abi/interruption.hpp"
#include "os/try.hpp"
#include "runtime/call_sites.hpp"
#include "runtime/stack_walk.hpp"
#include "runtime/thread.hpp"
#include "wasm/names.hpp"
#include "wasm/opcodes.hpp"
#include "wasm/printable.hpp"
#include "wasm/reader.hpp"

namespace anew::detail {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kWords = 4 << 20;   // 32 MiB, of which the system provides what is used
constexpr std::size_t kMostFrames = 512;  // of a sample; deeper stacks lose their outermost
constexpr std::uint64_t kHost = 1;        // in place of a program counter: a host function of the frame behind it
constexpr std::uint32_t kRoot = 0;

}  // namespace

/// Behind one another: time in microseconds, number of frames, frames from the innermost on.
struct Profiler::Samples {
  std::unique_ptr<std::uint64_t[]> words = std::make_unique_for_overwrite<std::uint64_t[]>(kWords);
  std::size_t used = 0;
  std::uint64_t left_out = 0;
  Clock::time_point start = Clock::now();

  static Samples* current;
};
Profiler::Samples* Profiler::Samples::current = nullptr;  // written while no timer runs

Profiler::Profiler(std::unique_ptr<Samples> samples) noexcept : samples_(std::move(samples)) {}
Profiler::Profiler(Profiler&&) noexcept = default;
Profiler::~Profiler() = default;

Result<Profiler> Profiler::start(std::chrono::nanoseconds interval) {
  Profiler profiler(std::make_unique<Samples>());
  Samples::current = profiler.samples_.get();
  auto timer = TRY(os::SampleTimer::start(interval, take));
  profiler.timer_.emplace(std::move(timer));
  return profiler;
}

void Profiler::take(const os::MachineContext& context) noexcept {
  Samples& samples = *Samples::current;
  if (kWords - samples.used < kMostFrames + 2) {
    ++samples.left_out;
    return;
  }
  std::uint64_t* const sample = samples.words.get() + samples.used;
  std::uint64_t frames = 0;
  const auto add = [&](std::uint64_t pc) {
    if (frames < kMostFrames) sample[2 + frames++] = pc;
  };
  const Thread* const thread = current_thread();
  const std::uint32_t depth = thread == nullptr ? 0 : thread->depth.load(std::memory_order_relaxed);
  for (std::uint32_t i = depth; i > 0; --i) {
    const GuestStack& stack = thread->activations[i - 1].stack;
    if (stack.bytes() == 0) continue;  // a call that is refused
    const bool is_innermost = i == depth;
    if (is_innermost && thread->state == static_cast<std::uint32_t>(abi::ThreadState::kGuest)) {
      const abi::Interrupted interrupted = abi::interrupted_by(context);
      if (!stack.has(interrupted.stack_pointer)) continue;  // another signal's handler
      StackWalk walk(stack, interrupted.pc, interrupted.frame_pointer);
      do add(walk.pc());
      while (walk.next() && frames < kMostFrames);
    } else {
      // It waits for a host function: from the stub that called it on.
      add(kHost);
      StackWalk walk(stack, 0, is_innermost ? thread->stub_frame : thread->activations[i].stub_frame_around);
      while (walk.next() && frames < kMostFrames) add(walk.pc());
    }
  }
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - samples.start);
  sample[0] = static_cast<std::uint64_t>(time.count());  // never negative
  sample[1] = frames;
  samples.used += 2 + frames;
}

namespace {

/// Makes functions of program counters, and a tree of them.
class ProfileBuilder {
 public:
  explicit ProfileBuilder(const StoreState& store) : store_(store) {
    profile_.nodes.push_back({{"(root)", "", 0}, kRoot, 0});
  }

  /// @param frames  innermost first.
  void add(std::chrono::microseconds time, std::span<const std::uint64_t> frames) {
    std::uint32_t node = kRoot;
    for (std::size_t i = frames.size(); i-- > 0;) {
      // All but the innermost wait for a call: their operator is before the return address.
      const std::uint64_t pc = frames[i] - (i == 0 ? 0 : 1);
      if (frames[i] == kHost)
        node = child(node, host_function(i + 1 < frames.size() ? frames[i + 1] - 1 : 0));
      else if (const auto* function = find(pc))
        node = child(node, *function);
      else if (i == 0 && frames.size() > 1)
        node = child(node, {"(runtime)", "", 0});  // what compiled code calls of the library
    }
    if (node == kRoot) node = child(node, {"(program)", "", 0});  // outside of guests
    ++profile_.nodes[node].hits;
    profile_.samples.push_back({node, time});
  }

  [[nodiscard]] Profile take() && { return std::move(profile_); }

 private:
  struct Place {
    const ModuleState* module;
    codegen::CodePosition position;
  };
  [[nodiscard]] std::optional<Place> place_of(std::uint64_t pc) const {
    const Instance* const instance = find_code(store_, store_.main(), pc);
    if (instance == nullptr) return std::nullopt;
    const ModuleState& module = *instance->linked->module;
    const auto position = codegen::find_position(module.image, module.module.imported_functions,
                                                 pc - reinterpret_cast<std::uint64_t>(module.image.text.data()));
    if (!position) return std::nullopt;  // an entry thunk
    return Place{&module, *position};
  }

  /// The function with this code; null if it is none of the guest's.
  const ProfiledFunction* find(std::uint64_t pc) {
    const auto [found, is_new] = functions_.try_emplace(pc);
    if (!is_new) return found->second ? &*found->second : nullptr;
    if (const auto place = place_of(pc)) found->second = describe(*place->module, place->position.function_index);
    return found->second ? &*found->second : nullptr;
  }

  static ProfiledFunction describe(const ModuleState& module, std::uint32_t function) {
    ProfiledFunction result;
    if (function < module.module.imported_functions) {
      result.name = wasm::printable_name(wasm::import_name(module.module, function));
      return result;
    }
    result.name = wasm::function_text(module.names[function]);
    if (result.name.empty()) result.name = fmt::format("function {}", function);
    const std::uint64_t body = module.module.bodies[function - module.module.imported_functions].offset;
    if (const auto line = module.source_lines().find(body)) {
      result.source_file = wasm::printable(module.source_lines().file(line->file));
      result.source_line = line->line;
    }
    return result;
  }

  /// What a guest's `call` of an import calls. @param pc  of that call.
  [[nodiscard]] ProfiledFunction host_function(std::uint64_t pc) const {
    const auto place = place_of(pc);
    std::uint32_t import = 0;
    std::uint8_t opcode = 0;
    if (place && place->position.module_offset < place->module->binary.size()) {
      wasm::Reader reader(place->module->binary.subspan(place->position.module_offset));
      const bool is_call = reader.byte(opcode) && opcode == static_cast<std::uint8_t>(wasm::Op::kCall) &&
                           reader.u32(import) && import < place->module->module.imported_functions;
      if (is_call) return describe(*place->module, import);
    }
    return {"(host)", "", 0};  // called through a table or a reference
  }

  std::uint32_t child(std::uint32_t parent, const ProfiledFunction& function) {
    const auto number = static_cast<std::uint32_t>(profile_.nodes.size());  // at most one a frame: under 2^22
    const auto [found, is_new] = children_.try_emplace({parent, function}, number);
    if (is_new) profile_.nodes.push_back({function, parent, 0});
    return found->second;
  }

  const StoreState& store_;
  Profile profile_;
  std::map<std::uint64_t, std::optional<ProfiledFunction>> functions_;  ///< by program counter
  std::map<std::pair<std::uint32_t, ProfiledFunction>, std::uint32_t> children_;
};

}  // namespace

Profile Profiler::finish(const StoreState& store) {
  timer_.reset();
  const Samples& samples = *samples_;
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - samples.start);
  ProfileBuilder builder(store);
  for (std::size_t at = 0; at < samples.used;) {
    const std::chrono::microseconds time(samples.words[at]);
    const std::uint64_t frames = samples.words[at + 1];
    builder.add(time, {samples.words.get() + at + 2, frames});
    at += 2 + frames;
  }
  Profile profile = std::move(builder).take();
  profile.duration = duration;
  profile.left_out = samples.left_out;
  return profile;
}

}  // namespace anew::detail
