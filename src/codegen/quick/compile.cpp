// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiles all functions of a module on all cores and joins the pieces to one image.
//
// Functions are cut into batches of about equal size; threads take batches one after the other. The image depends on
// the batches alone, not on who compiled them when, so it is the same for any number of threads.
//
// Code is in memory once: a thread's assembler writes to a window of address space of its own, which gives its pages
// back while the batch is copied to the text, at its place behind the batches before it.
#include <asmjit/x86.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#include "codegen/quick/metered_compiler.hpp"
#include "codegen/quick/tier.hpp"
#include "codegen/quick/x86_64/registers.hpp"
#include "codegen/quick/x86_64/stubs.hpp"
#include "os/try.hpp"
#include "os/virtual_memory.hpp"
#include "wasm/limits.hpp"
#include "wasm/names.hpp"
#include "wasm/spelled_product.hpp"
#include "wasm/validator.hpp"

namespace anew::codegen {
namespace {

using quick::MeteredCompiler;
using quick::ModuleContext;
using quick::QuickCompiler;

constexpr std::size_t kBatchBytes = 64 << 10;
/// What one operator or stub makes at most, with a wide margin: it passes a few thousand values.
constexpr std::uint64_t kOperatorCodeBytes = 1 << 20;
/// Of a window: what stays in memory from batch to batch.
constexpr std::uint64_t kKeptBytes = 1 << 20;

// --- The assembler and what it writes to ---

/// An error of asmjit's that is not about memory: a fault of the code generator's.
struct AssemblerFailed {
  asmjit::Error error;
};

[[noreturn]] void throw_assembler_error(asmjit::Error error) {
  if (error == asmjit::kErrorOutOfMemory) throw std::bad_alloc();
  if (error == asmjit::kErrorTooLarge) throw quick::CodeTooLarge{};  // past the window's end
  throw AssemblerFailed{error};
}

/// Ends a compilation at asmjit's first error. Behind one, nothing is emitted any more, so every offset that is patched
/// or read later would be wrong, and past the buffer's end. asmjit allows its handler to throw.
struct ThrowingHandler : asmjit::ErrorHandler {
  void handleError(asmjit::Error error, const char* /*message*/, asmjit::BaseEmitter* /*origin*/) override {
    throw_assembler_error(error);
  }
};

/// Where one thread's assembler writes. As large as code can become, so that it never moves; no page is taken before it
/// is written.
class Window {
 public:
  explicit Window(std::uint64_t bytes) {
    auto mapping = os::Mapping::reserve((bytes + os::kPageBytes - 1) / os::kPageBytes * os::kPageBytes);
    if (!mapping || !os::protect(mapping->data(), mapping->size(), os::Access::kReadWrite)) throw std::bad_alloc();
    mapping_ = std::move(*mapping);
  }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {mapping_.data(), mapping_.size()}; }
  /// Copies its first bytes, and gives back what was copied but for the first kKeptBytes.
  void move_to(std::span<std::byte> to) noexcept {
    for (std::uint64_t done = 0; done < to.size(); done += kKeptBytes) {
      const std::uint64_t next = std::min<std::uint64_t>(kKeptBytes, to.size() - done);
      std::memcpy(to.data() + done, mapping_.data() + done, next);
      // Were it refused, the pages would stay for a while: no harm but for that.
      if (done != 0) (void)os::discard(mapping_.data() + done, to_pages(next));
    }
  }

 private:
  static std::uint64_t to_pages(std::uint64_t bytes) noexcept {
    return (bytes + os::kPageBytes - 1) / os::kPageBytes * os::kPageBytes;  // inside: the mapping has whole pages
  }
  os::Mapping mapping_;
};

/// An assembler that writes to the start of a window.
class Code {
 public:
  explicit Code(const Window& window) {
    // What fails before the handler is known returns its error.
    check(holder_.init(asmjit::Environment::host()));
    asmjit::CodeBuffer& buffer = holder_.sectionById(0)->buffer();
    // asmjit writes bytes, of its own type for them; it neither moves nor frees what is external.
    buffer._data = reinterpret_cast<std::uint8_t*>(window.bytes().data());
    buffer._capacity = window.bytes().size();
    buffer._flags = asmjit::CodeBufferFlags::kIsExternal | asmjit::CodeBufferFlags::kIsFixed;
    holder_.setErrorHandler(&handler_);
    check(holder_.attach(&assembler));
  }

 private:
  static void check(asmjit::Error error) {
    if (error != asmjit::kErrorOk) throw_assembler_error(error);
  }
  ThrowingHandler handler_;
  asmjit::CodeHolder holder_;

 public:
  quick::Assembler assembler;
};

// --- What can be wrong ---

[[nodiscard]] Error assembler_error(asmjit::Error error) {
  return make_error(ErrorCode::kResource,
                    fmt::format("the assembler failed: {}", asmjit::DebugUtils::errorAsString(error)));
}

/// What is left for code, its tables and the compiler.
[[nodiscard]] std::uint64_t bytes_left(const wasm::Module& module, const wasm::MemoryLimit& limit) noexcept {
  return limit.bytes() - std::min(limit.bytes(), module.memory_bytes + wasm::limits::kCompilerBytes);
}

[[nodiscard]] Error too_much_code(const wasm::Module& module, const wasm::MemoryLimit& limit) {
  if (bytes_left(module, limit) <= wasm::limits::kTextBytes) return limit.exceeded();
  return make_error(ErrorCode::kLimit, fmt::format("the module has more than {} bytes of machine code, the limit",
                                                   wasm::limits::kTextBytes));
}

// --- Batches ---

/// A stretch of functions, by defined index.
struct Batch {
  std::uint32_t first = 0;
  std::uint32_t last = 0;  // one past the end
};

[[nodiscard]] std::vector<Batch> cut(const wasm::Module& module) {
  std::vector<Batch> batches;
  std::size_t bytes = kBatchBytes;
  for (std::uint32_t i = 0; i < module.bodies.size(); ++i) {
    if (bytes >= kBatchBytes) {
      batches.push_back({i, i});
      bytes = 0;
    }
    bytes += module.bodies[i].bytes.size();
    batches.back().last = i + 1;
  }
  return batches;
}

/// Puts batches together in their order, whichever is done first.
class Linker {
 public:
  Linker(const wasm::Module& module, Image& image, CodeMemoryBuilder& text)
      : entries_(entries_bytes(module.functions.size())), image_(image), text_(text) {}

  /// Takes a batch whose code is at the start of the window; what has to wait for batches before it is copied.
  void add(std::size_t number, quick::Tables&& tables, Window& window, std::uint64_t code_bytes) {
    const std::lock_guard lock(mutex_);
    if (number != next_) {
      std::vector<std::byte> code(code_bytes);
      window.move_to(code);
      waiting_.emplace(number, Waiting{std::move(tables), std::move(code)});
      return;
    }
    const std::span<std::byte> to = room(code_bytes);
    window.move_to(to);
    link(std::move(tables), to);
    for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_; first = waiting_.begin()) {
      const std::span<std::byte> place = room(first->second.code.size());
      std::ranges::copy(first->second.code, place.begin());
      link(std::move(first->second.tables), place);
      waiting_.erase(first);
    }
  }

  /// Moves what belongs to positions and try_tables to the image. Only once all batches are there.
  void finish() {
    std::uint64_t positions = 0;
    std::uint64_t call_sites = 0;
    for (const auto& each : tables_) {
      positions += each.tables.positions.size();
      call_sites += each.tables.try_tables.call_sites.size();
    }
    image_.positions.reserve(positions);
    image_.call_sites.reserve(call_sites);
    for (Linked& each : tables_) {
      append_try_tables(each.tables.try_tables, each.base);
      const auto before =
          static_cast<std::uint32_t>(image_.positions.size());  // less than the code, whose limit it has
      for (const std::uint32_t start : each.tables.position_starts) image_.position_starts.push_back(before + start);
      image_.positions.insert(image_.positions.end(), each.tables.positions.begin(), each.tables.positions.end());
      each.tables = {};
    }
    image_.position_starts.push_back(static_cast<std::uint32_t>(image_.positions.size()));
  }

 private:
  struct Waiting {
    quick::Tables tables;
    std::vector<std::byte> code;
  };
  struct Linked {
    quick::Tables tables;  ///< without entries
    std::uint32_t base;    ///< where its code begins in the text
  };

  [[nodiscard]] std::span<std::byte> room(std::uint64_t bytes) {
    auto place = text_.append(bytes);
    if (place) return *place;
    if (place.error().code == ErrorCode::kLimit) throw quick::CodeTooLarge{};
    throw std::bad_alloc();
  }

  void link(quick::Tables&& tables, std::span<std::byte> code) {
    const std::uint64_t base = text_.text_bytes() - code.size();
    for (const std::uint32_t at : tables.entries) {
      std::uint32_t displacement = 0;  // of the entry in their table, which lies before the text (image.hpp)
      std::memcpy(&displacement, code.data() + at, sizeof(displacement));
      // From the end of the displacement; modulo 2^32, as the processor adds it. All of it spans under 2^31 bytes.
      displacement -= static_cast<std::uint32_t>(entries_ + base + at + sizeof(displacement));
      std::memcpy(code.data() + at, &displacement, sizeof(displacement));
    }
    for (const std::uint32_t function : tables.functions)
      image_.functions.push_back(static_cast<std::uint32_t>(base + function));
    tables.entries = {};
    tables.functions = {};
    tables_.push_back({std::move(tables), static_cast<std::uint32_t>(base)});
    ++next_;
  }

  void append_try_tables(const quick::TryTables& tables, std::uint32_t text) {
    // Each belongs to operators of the module, and the text is below 2^31 bytes: all sums fit.
    const auto blocks = static_cast<std::uint32_t>(image_.try_blocks.size());
    const auto handlers = static_cast<std::uint32_t>(image_.handlers.size());
    const auto roots = static_cast<std::uint32_t>(image_.roots.size());
    static_assert(kNoRoots == kNoTryBlock);
    const auto shifted = [](std::uint32_t index, std::uint32_t by) { return index == kNoRoots ? index : index + by; };
    for (const CallSite& each : tables.call_sites) {
      image_.call_sites.push_back(
          {each.return_offset + text, shifted(each.try_block, blocks), shifted(each.roots, roots)});
    }
    for (const TryBlock& each : tables.try_blocks)
      image_.try_blocks.push_back({shifted(each.outer, blocks), each.first_handler + handlers, each.handlers});
    for (const Roots& each : tables.roots)
      image_.roots.push_back({each.displacement, each.count, shifted(each.next, roots)});
    for (const Handler& each : tables.handlers) image_.handlers.push_back({each.kind, each.tag, each.offset + text});
  }

  const std::uint64_t entries_;
  Image& image_;
  CodeMemoryBuilder& text_;
  std::mutex mutex_;
  std::size_t next_ = 0;  ///< batch
  std::map<std::size_t, Waiting> waiting_;
  std::vector<Linked> tables_;  ///< of the batches in the text, in order
};

/// What became of a batch, if not code.
struct Failure {
  std::optional<Error> error;
  std::exception_ptr exception;
};

/// What all threads of a compilation share.
struct Work {
  const ModuleContext& context;
  std::uint64_t most_bytes;
  Linker& linker;
  std::atomic<std::uint64_t> bytes{0};         ///< of code and tables of the functions that are compiled
  std::atomic<std::uint64_t> most_scratch{0};  ///< of any function
  std::atomic<std::uint32_t> functions_done{0};
  std::atomic<std::uint32_t> features{0};  ///< Features::bits() that the bodies need
};

/// @return what is wrong with the module.
[[nodiscard]] std::optional<Error> compile_batch(Work& work, std::size_t number, Batch batch, Window& window,
                                                 wasm::FunctionValidator& validator, const Progress& progress) {
  const wasm::Module& module = work.context.module;
  Code code(window);
  quick::Tables tables;
  MeteredCompiler compiler(work.context, code.assembler, tables);
  QuickCompiler& unmetered = compiler;
  const auto bytes_of_batch = [&] { return code.assembler.offset() + 2 * tables.bytes(); };
  const std::size_t count = batch.last - batch.first;
  tables.functions.reserve(count);
  tables.position_starts.reserve(count);
  for (std::uint32_t defined = batch.first; defined < batch.last; ++defined) {
    const std::uint64_t before = bytes_of_batch();
    const std::uint64_t others = work.bytes.load(std::memory_order_relaxed);
    compiler.limit_bytes(before + (work.most_bytes - std::min(work.most_bytes, others)));
    const Options& options = work.context.options;
    auto valid = options.fuel            ? validator.validate(defined, compiler)
                 : options.metered_stack ? validator.validate(defined, unmetered)
                                         : wasm::validate_spelled(validator, module, defined, unmetered);
    if (!valid) {
      wasm::name_function(valid.error(), wasm::FunctionNames(module), module.imported_functions + defined);
      return std::move(valid.error());
    }
    work.bytes.fetch_add(bytes_of_batch() - before, std::memory_order_relaxed);
    const std::uint32_t done = work.functions_done.fetch_add(1, std::memory_order_relaxed) + 1;
    if (progress) progress(done, static_cast<std::uint32_t>(module.bodies.size()));
  }
  std::uint64_t most = work.most_scratch.load(std::memory_order_relaxed);
  while (most < compiler.most_scratch() &&
         !work.most_scratch.compare_exchange_weak(most, compiler.most_scratch(), std::memory_order_relaxed)) {
  }
  work.features.fetch_or(validator.features().bits(), std::memory_order_relaxed);
  work.linker.add(number, std::move(tables), window, code.assembler.offset());
  return std::nullopt;
}

/// Import stubs and entry thunks, the first piece of the text.
void compile_stubs(const ModuleContext& context, Window& window, Image& image, CodeMemoryBuilder& text) {
  Code code(window);
  const auto check_room = [&] {
    if (window.bytes().size() - code.assembler.offset() < kOperatorCodeBytes) throw quick::CodeTooLarge{};
  };
  const auto next_offset = [&] {
    return static_cast<std::uint32_t>((code.assembler.offset() + 15) & ~std::size_t{15});
  };
  for (std::uint32_t import = 0; import < context.module.imported_functions; ++import) {
    check_room();
    image.functions.push_back(next_offset());
    quick::emit_import_stub(code.assembler, context, import);
  }
  for (std::uint32_t type = 0; type < context.module.types.size(); ++type) {
    check_room();
    image.thunks.push_back(next_offset());
    quick::emit_entry_thunk(code.assembler, context, type);
  }
  auto room = text.append(code.assembler.offset());
  if (!room) throw quick::CodeTooLarge{};
  window.move_to(*room);
}

Result<Compiled> compile(const Job& job) {
  const wasm::Module& module = job.module;
  std::vector<abi::Places> arguments;
  std::vector<abi::Places> results;
  arguments.reserve(module.types.size());
  results.reserve(module.types.size());
  for (const FunctionType& type : module.types) {
    arguments.push_back(abi::argument_places(type.parameters));
    results.push_back(abi::result_places(type.results));
  }
  const ModuleContext context{module, job.layout, job.options, arguments, results};

  const std::vector<Batch> batches = cut(module);
  const std::uint64_t most_text = std::min(wasm::limits::kTextBytes, bytes_left(module, job.limit));
  // Each batch is aligned anew.
  auto text = TRY(CodeMemoryBuilder::reserve(most_text + 16 * (batches.size() + 1), module.functions.size()));
  Compiled compiled;
  compiled.image.frames.kept_cell = quick::kSavedCell;
  compiled.image.functions.reserve(module.functions.size());
  compiled.image.thunks.reserve(module.types.size());
  const std::uint64_t window_bytes = most_text + kOperatorCodeBytes;
  Window window(window_bytes);
  compile_stubs(context, window, compiled.image, text);

  Linker linker(module, compiled.image, text);
  Work work{context, most_text, linker};
  work.bytes = text.text_bytes();
  std::vector<Failure> failures(batches.size());
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  const auto take_batches = [&](Window& mine) {
    std::optional<wasm::FunctionValidator> validator;
    for (;;) {
      const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
      // Batches before a failed one still run, so that the first error in order is found.
      if (number >= batches.size() || failed.load(std::memory_order_relaxed)) return;
      // An exception must not leave a helper thread.
      try {
        if (!validator) validator.emplace(module);
        failures[number].error = compile_batch(work, number, batches[number], mine, *validator, job.progress);
      } catch (...) {
        failures[number].exception = std::current_exception();
      }
      if (failures[number].error || failures[number].exception) failed.store(true, std::memory_order_relaxed);
    }
  };
  const unsigned threads = job.threads != 0 ? job.threads : std::max(1u, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> helpers;
    try {
      for (std::size_t i = 1; i < std::min<std::size_t>(threads, batches.size()); ++i) {
        auto own = std::make_unique<Window>(window_bytes);
        helpers.emplace_back([&, own = std::move(own)] { take_batches(*own); });
      }
    } catch (const std::exception&) {
      // The system has no more threads, or no more memory for them: those that are there do the work.
    }
    take_batches(window);
  }
  for (Failure& failure : failures) {
    if (failure.exception) std::rethrow_exception(failure.exception);
    if (failure.error) return std::unexpected(std::move(*failure.error));
  }
  // Threads that worked at the same time may each have kept below the limit that they pass together. So this alone
  // decides; what was looked at before only ends earlier what ends here.
  if (work.bytes + work.most_scratch > most_text) throw quick::CodeTooLarge{};
  linker.finish();
  auto code = TRY(std::move(text).finish(job.spare));
  compiled.code = std::move(code);
  compiled.features = Features::from_bits(work.features);
  return compiled;
}

class QuickTier final : public Compiler {
 public:
  [[nodiscard]] Result<Compiled> compile(const Job& job) const override {
    try {
      return codegen::compile(job);
    } catch (const quick::CodeTooLarge&) {
      return std::unexpected(too_much_code(job.module, job.limit));
    } catch (const AssemblerFailed& failure) {
      return std::unexpected(assembler_error(failure.error));
    }
  }
};

}  // namespace

std::vector<std::byte> quick::trap_stubs() {
  const Window window(kOperatorCodeBytes);
  Code code(window);
  emit_trap_stubs(code.assembler);
  const auto made = window.bytes().first(code.assembler.offset());
  return {made.begin(), made.end()};
}

const Compiler& quick::tier() noexcept {
  static const QuickTier kTier;
  return kTier;
}

}  // namespace anew::codegen
