// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiles all functions of a module on all cores and joins the pieces to one image.
//
// Functions are cut into batches of about equal size; threads take batches one after the other. The image depends on
// the batches alone, not on who compiled them when, so it is the same for any number of threads.
#include <asmjit/x86.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "codegen/quick/metered_compiler.hpp"
#include "wasm/limits.hpp"
#include "wasm/names.hpp"

namespace anew::codegen {
namespace {

using quick::EntryReference;
using quick::MeteredCompiler;
using quick::ModuleContext;
using quick::QuickCompiler;

constexpr std::size_t kBatchBytes = 64 << 10;

/// An error of asmjit's that is not about memory: a fault of the code generator's.
struct AssemblerFailed {
  asmjit::Error error;
};

[[noreturn]] void throw_assembler_error(asmjit::Error error) {
  if (error == asmjit::kErrorOutOfMemory) throw std::bad_alloc();
  throw AssemblerFailed{error};
}

/// Ends a compilation at asmjit's first error. Behind one, nothing is emitted any more, so every offset that is patched
/// or read later would be wrong, and past the buffer's end. asmjit allows its handler to throw.
struct ThrowingHandler : asmjit::ErrorHandler {
  void handleError(asmjit::Error error, const char* /*message*/, asmjit::BaseEmitter* /*origin*/) override {
    throw_assembler_error(error);
  }
};

/// An assembler with what it writes to.
struct Code {
  ThrowingHandler handler;
  asmjit::CodeHolder holder;
  asmjit::x86::Assembler assembler;
  Code() {
    // What fails before the handler is known returns its error.
    check(holder.init(asmjit::Environment::host()));
    holder.setErrorHandler(&handler);
    check(holder.attach(&assembler));
  }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    const asmjit::CodeBuffer& buffer = holder.sectionById(0)->buffer();
    return std::as_bytes(std::span(buffer.data(), buffer.size()));
  }

 private:
  static void check(asmjit::Error error) {
    if (error != asmjit::kErrorOk) throw_assembler_error(error);
  }
};

/// A stretch of functions, by defined index, and what became of it.
struct Batch {
  std::uint32_t first = 0;
  std::uint32_t last = 0;  // one past the end
  std::optional<Code> code;
  std::vector<EntryReference> entries;
  quick::TryTables try_tables;
  std::vector<std::uint32_t> functions;        // offset of each function in the batch's code
  std::vector<std::uint32_t> position_starts;  // of each function in `positions`
  std::vector<std::byte> positions;
  std::optional<Error> error;
  std::exception_ptr exception;
};

[[nodiscard]] Error assembler_error(asmjit::Error error) {
  return Error{ErrorCode::kResource,
               fmt::format("the assembler failed: {}", asmjit::DebugUtils::errorAsString(error)),
               std::nullopt,
               TrapKind::kNone,
               {}};
}

void name_function(Error& error, const wasm::Module& module, std::uint32_t function) {
  const wasm::FunctionNames names(module);
  const std::string_view name = names[function];
  error.message = name.empty() ? fmt::format("function {}: {}", function, error.message)
                               : fmt::format("function {} ({}): {}", function, name, error.message);
}

[[nodiscard]] std::uint64_t most_text_bytes(const wasm::Module& module) noexcept {
  std::uint64_t bytes = 4 * module.functions.size();  // each makes some code, if only a stub
  for (const wasm::FunctionBody& body : module.bodies) bytes += body.bytes.size();
  return std::min(wasm::limits::kTextBytes, wasm::limits::kTextBytesForAll + wasm::limits::kTextBytesPerByte * bytes);
}

[[nodiscard]] Error too_much_code(std::uint64_t most) {
  return Error{ErrorCode::kLimit,
               fmt::format("the module compiles to more than {} bytes of machine code, the limit for its size", most),
               std::nullopt,
               TrapKind::kNone,
               {}};
}

/// @param text_bytes  code of the functions that are compiled, over all batches; at most `most` or it is an error.
void compile_batch(const ModuleContext& context, Batch& batch, std::atomic<std::uint64_t>& text_bytes,
                   std::uint64_t most, const std::function<void()>& progress) {
  asmjit::x86::Assembler& assembler = batch.code.emplace().assembler;
  MeteredCompiler compiler(context, assembler, batch.entries, batch.positions, batch.try_tables);
  QuickCompiler& unmetered = compiler;
  compiler.record_starts_in(batch.functions);
  wasm::FunctionValidator validator(context.module);
  const std::size_t count = batch.last - batch.first;
  batch.functions.reserve(count);
  batch.position_starts.reserve(count);
  for (std::uint32_t defined = batch.first; defined < batch.last; ++defined) {
    batch.position_starts.push_back(static_cast<std::uint32_t>(batch.positions.size()));
    const std::uint64_t code_before = assembler.offset();
    const std::uint64_t others = text_bytes.load(std::memory_order_relaxed);
    compiler.limit_code(code_before + (most - std::min(most, others)));
    auto valid = context.options.fuel ? validator.validate(defined, compiler) : validator.validate(defined, unmetered);
    if (!valid) {
      batch.error = std::move(valid.error());
      name_function(*batch.error, context.module, context.module.imported_functions + defined);
      return;
    }
    text_bytes.fetch_add(assembler.offset() - code_before, std::memory_order_relaxed);
    progress();
  }
}

[[nodiscard]] std::vector<Batch> cut(const wasm::Module& module) {
  std::vector<std::uint32_t> starts;
  std::size_t bytes = kBatchBytes;
  for (std::uint32_t i = 0; i < module.bodies.size(); ++i) {
    if (bytes >= kBatchBytes) {
      starts.push_back(i);
      bytes = 0;
    }
    bytes += module.bodies[i].bytes.size();
  }
  std::vector<Batch> batches(starts.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    batches[i].first = starts[i];
    batches[i].last = i + 1 < starts.size() ? starts[i + 1] : static_cast<std::uint32_t>(module.bodies.size());
  }
  return batches;
}

/// Appends a batch's try_tables, whose code begins at `base` in the text.
void append_try_tables(Image& image, const quick::TryTables& tables, std::uint64_t base) {
  // Each belongs to operators of the module, and the text is below 2^31 bytes: all sums fit.
  const auto blocks = static_cast<std::uint32_t>(image.try_blocks.size());
  const auto handlers = static_cast<std::uint32_t>(image.handlers.size());
  const auto text = static_cast<std::uint32_t>(base);
  for (const CallSite& each : tables.call_sites) {
    image.call_sites.push_back({each.return_offset + text, each.try_block + blocks});
  }
  for (const TryBlock& each : tables.try_blocks) {
    const std::uint32_t outer = each.outer == kNoTryBlock ? kNoTryBlock : each.outer + blocks;
    image.try_blocks.push_back({outer, each.first_handler + handlers, each.handlers});
  }
  for (const Handler& each : tables.handlers) image.handlers.push_back({each.kind, each.tag, each.offset + text});
}

/// Appends machine code, aligned to 16 bytes with int3 between. @return its offset.
[[nodiscard]] std::uint64_t append(std::vector<std::byte>& text, std::span<const std::byte> code) {
  text.resize((text.size() + 15) & ~std::size_t{15}, std::byte{0xCC});
  const std::uint64_t offset = text.size();
  text.insert(text.end(), code.begin(), code.end());
  return offset;
}

Result<Image> compile(const wasm::Module& module, const abi::CellLayout& layout, const Options& options,
                      unsigned threads, const Progress& progress) {
  std::vector<abi::Places> arguments;
  std::vector<abi::Places> results;
  arguments.reserve(module.types.size());
  results.reserve(module.types.size());
  for (const FunctionType& type : module.types) {
    arguments.push_back(abi::argument_places(type.parameters));
    results.push_back(abi::result_places(type.results));
  }
  const ModuleContext context{module, layout, options, arguments, results};

  std::vector<Batch> batches = cut(module);
  const auto total = static_cast<std::uint32_t>(module.bodies.size());  // at most limits::kFunctions
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint32_t> done{0};
  std::atomic<bool> failed{false};
  std::atomic<std::uint64_t> text_bytes{0};
  const std::uint64_t most = most_text_bytes(module);
  const std::function<void()> count = [&] {
    const std::uint32_t now = done.fetch_add(1, std::memory_order_relaxed) + 1;
    if (progress) progress(now, total);
  };
  auto work = [&] {
    for (;;) {
      const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed);
      // Batches before a failed one still run, so that the first error in order is found.
      if (mine >= batches.size() || failed.load(std::memory_order_relaxed)) return;
      Batch& batch = batches[mine];
      // An exception must not leave a helper thread.
      try {
        compile_batch(context, batch, text_bytes, most, count);
      } catch (...) {
        batch.exception = std::current_exception();
      }
      if (batch.error || batch.exception) failed.store(true, std::memory_order_relaxed);
    }
  };
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> helpers;
    try {
      for (std::size_t i = 1; i < std::min<std::size_t>(threads, batches.size()); ++i) helpers.emplace_back(work);
    } catch (const std::system_error&) {
      // The system has no more threads to give: those that are there do the work.
    }
    work();
  }
  for (Batch& batch : batches) {
    if (batch.exception) std::rethrow_exception(batch.exception);
    if (batch.error) return std::unexpected(std::move(*batch.error));
  }
  // Threads that worked at the same time may each have kept below the limit that they pass together.
  if (text_bytes > most) return std::unexpected(too_much_code(most));

  Code stubs;
  asmjit::x86::Assembler& assembler = stubs.assembler;
  Image image;
  image.functions.reserve(module.functions.size());
  image.thunks.reserve(module.types.size());
  auto next_offset = [&] { return static_cast<std::uint32_t>((assembler.offset() + 15) & ~std::size_t{15}); };
  for (std::uint32_t import = 0; import < module.imported_functions; ++import) {
    if (assembler.offset() > most) return std::unexpected(too_much_code(most));
    image.functions.push_back(next_offset());
    quick::emit_import_stub(assembler, context, import);
  }
  for (std::uint32_t type = 0; type < module.types.size(); ++type) {
    if (assembler.offset() > wasm::limits::kTextBytes) return std::unexpected(too_much_code(wasm::limits::kTextBytes));
    image.thunks.push_back(next_offset());
    quick::emit_entry_thunk(assembler, context, type);
  }

  std::uint64_t bytes = assembler.offset() + 16;
  for (const Batch& batch : batches) bytes += batch.code->bytes().size() + 16;
  if (bytes > wasm::limits::kTextBytes) return std::unexpected(too_much_code(wasm::limits::kTextBytes));
  image.text.reserve(bytes);
  if (append(image.text, stubs.bytes()) != 0) std::abort();  // the first piece lies at the start
  const std::uint64_t entries = entries_bytes(module.functions.size());
  for (Batch& batch : batches) {
    const std::uint64_t base = append(image.text, batch.code->bytes());
    for (const EntryReference& reference : batch.entries) {
      // From the end of the displacement to the entry, which lies before the text (image.hpp).
      const std::uint64_t at = base + reference.offset;
      const auto distance = static_cast<std::int32_t>(static_cast<std::int64_t>(8ull * reference.function) -
                                                      static_cast<std::int64_t>(entries + at + 4));
      std::memcpy(image.text.data() + at, &distance, sizeof(distance));
    }
    append_try_tables(image, batch.try_tables, base);
    const auto positions = static_cast<std::uint32_t>(image.positions.size());
    for (const std::uint32_t function : batch.functions) {
      image.functions.push_back(static_cast<std::uint32_t>(base + function));
    }
    for (const std::uint32_t start : batch.position_starts) image.position_starts.push_back(positions + start);
    image.positions.insert(image.positions.end(), batch.positions.begin(), batch.positions.end());
  }
  image.position_starts.push_back(static_cast<std::uint32_t>(image.positions.size()));
  return image;
}

}  // namespace

Result<Image> compile_quick(const wasm::Module& module, const abi::CellLayout& layout, const Options& options,
                            unsigned threads, const Progress& progress) {
  try {
    return compile(module, layout, options, threads, progress);
  } catch (const quick::CodeTooLarge&) {
    return std::unexpected(too_much_code(most_text_bytes(module)));
  } catch (const AssemblerFailed& failure) {
    return std::unexpected(assembler_error(failure.error));
  }
}

}  // namespace anew::codegen
