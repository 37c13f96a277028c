// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "cli/wat.hpp"

#include <fmt/format.h>
#include <wabt/binary-writer.h>
#include <wabt/error-formatter.h>
#include <wabt/expr-visitor.h>
#include <wabt/ir.h>
#include <wabt/stream.h>
#include <wabt/validator.h>
#include <wabt/wast-lexer.h>
#include <wabt/wast-parser.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>

#include "wasm/printable.hpp"

namespace anew::cli {

namespace {

/// libwabt's parser takes about 1 KiB of stack a level; a thread has 8 MiB.
constexpr std::int64_t kNestingLimit = 2'000;

bool is_word(char character) noexcept {
  return character > ' ' && character != '(' && character != ')' && character != '"' && character != ';';
}

/// The deepest nesting of the text, counting parentheses and the blocks of unfolded code. It need not be exact for text
/// that is malformed: libwabt refuses that itself, at a depth not above this.
std::int64_t nesting(std::string_view text) {
  std::int64_t depth = 0;
  std::int64_t deepest = 0;
  std::size_t i = 0;
  bool after_parenthesis = false;
  while (i < text.size()) {
    const char character = text[i];
    if (text.substr(i, 2) == ";;") {
      i = std::min(text.find('\n', i), text.size());
    } else if (text.substr(i, 2) == "(;") {
      // Block comments nest, but libwabt skips them in a loop.
      std::int64_t open = 1;
      for (i += 2; i < text.size() && open > 0; ++i)
        if (text.substr(i, 2) == "(;" || text.substr(i, 2) == ";)") open += text[i++] == '(' ? 1 : -1;
    } else if (character == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\' ? 1 : 0;
      ++i;
    } else if (is_word(character)) {
      const std::size_t begin = i;
      while (i < text.size() && is_word(text[i])) ++i;
      const std::string_view word = text.substr(begin, i - begin);
      if (word == "end") --depth;
      if (!after_parenthesis && (word == "block" || word == "loop" || word == "if" || word == "try")) ++depth;
      after_parenthesis = false;
    } else {
      if (character == '(') ++depth;
      if (character == ')') --depth;
      if (character == '(' || character == ')') after_parenthesis = character == '(';
      ++i;
    }
    deepest = std::max(deepest, depth);
  }
  return deepest;
}

/// Resolves the names of memories in atomic operators, which libwabt 1.0.32 forgets: it would end the process where it
/// needs their indices.
class AtomicMemories final : public wabt::ExprVisitor::DelegateNop {
 public:
  explicit AtomicMemories(wabt::Module& module) : module_(module) {}

  [[nodiscard]] Result<void> resolve() {
    wabt::ExprVisitor visitor(this);
    for (wabt::Func* function : module_.funcs) {
      if (wabt::Failed(visitor.VisitFunc(function))) {
        return fail(ErrorCode::kInvalid,
                    fmt::format("unknown memory {} of an atomic operator", wasm::printable(unknown_)));
      }
    }
    return {};
  }

  wabt::Result OnAtomicLoadExpr(wabt::AtomicLoadExpr* expr) override { return resolve(expr->memidx); }
  wabt::Result OnAtomicStoreExpr(wabt::AtomicStoreExpr* expr) override { return resolve(expr->memidx); }
  wabt::Result OnAtomicRmwExpr(wabt::AtomicRmwExpr* expr) override { return resolve(expr->memidx); }
  wabt::Result OnAtomicRmwCmpxchgExpr(wabt::AtomicRmwCmpxchgExpr* expr) override { return resolve(expr->memidx); }
  wabt::Result OnAtomicWaitExpr(wabt::AtomicWaitExpr* expr) override { return resolve(expr->memidx); }
  wabt::Result OnAtomicNotifyExpr(wabt::AtomicNotifyExpr* expr) override { return resolve(expr->memidx); }

 private:
  wabt::Result resolve(wabt::Var& memory) {
    if (!memory.is_name()) return wabt::Result::Ok;
    const wabt::Index index = module_.GetMemoryIndex(memory);
    if (index == wabt::kInvalidIndex) {
      unknown_ = memory.name();
      return wabt::Result::Error;
    }
    memory.set_index(index);
    return wabt::Result::Ok;
  }
  wabt::Module& module_;
  std::string unknown_;
};

/// @param after  what to say behind the errors.
std::unexpected<Error> fail_with(wabt::Errors errors, wabt::WastLexer& lexer, std::string_view after = "") {
  for (wabt::Error& error : errors) error.message = wasm::printable(error.message);  // names in it are the module's
  const auto lines = lexer.MakeLineFinder();
  std::string text = wabt::FormatErrorsToString(errors, wabt::Location::Type::Text, lines.get());
  while (text.ends_with('\n')) text.pop_back();
  return fail(ErrorCode::kInvalid, text.append(after));
}

/// libwabt 1.0.32 is of 2022.
constexpr std::string_view kNewerSyntax =
    "\nIf this is newer syntax, such as try_table or call_ref, libwabt, which reads the text format here, does not "
    "know it: translate the text to a binary module (.wasm) with another tool, such as wasm-tools parse";

Result<std::vector<std::byte>> translate(const std::string& file_name, std::string_view text) {
  wabt::Features features;
  // All that libwabt 1.0.32 knows and Anew runs; Anew's own validator has the last word. Of exceptions it knows the
  // legacy ones, but not try_table; with typed function references it would refuse a ref.func where a funcref is
  // expected.
  features.enable_exceptions();
  features.enable_extended_const();
  features.enable_memory64();
  features.enable_multi_memory();
  features.enable_relaxed_simd();
  features.enable_tail_call();
  features.enable_threads();
  wabt::Errors errors;
  auto lexer = wabt::WastLexer::CreateBufferLexer(file_name, text.data(), text.size(), &errors);
  std::unique_ptr<wabt::Module> module;
  wabt::WastParseOptions parse_options(features);
  if (wabt::Failed(wabt::ParseWatModule(lexer.get(), &module, &errors, &parse_options)) || !module)
    return fail_with(errors, *lexer, kNewerSyntax);
  if (auto resolved = AtomicMemories(*module).resolve(); !resolved)
    return fail(ErrorCode::kInvalid, fmt::format("{}: {}", file_name, resolved.error().message));
  if (wabt::Failed(wabt::ValidateModule(module.get(), &errors, wabt::ValidateOptions(features))))
    return fail_with(errors, *lexer);
  wabt::MemoryStream stream;
  const wabt::WriteBinaryOptions write_options(features, /*canonicalize_lebs=*/true, /*relocatable=*/false,
                                               /*write_debug_names=*/true);
  if (wabt::Failed(wabt::WriteBinaryModule(&stream, module.get(), write_options)))
    return fail(ErrorCode::kInvalid, fmt::format("{}: libwabt could not write it as a binary module", file_name));
  const auto& bytes = stream.output_buffer().data;
  const std::byte* begin = reinterpret_cast<const std::byte*>(bytes.data());  // std::byte may alias any object
  return std::vector<std::byte>(begin, begin + bytes.size());
}

}  // namespace

bool looks_like_wat(std::string_view beginning) noexcept {
  const std::size_t first = beginning.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (beginning[first] == '(' || beginning.substr(first, 2) == ";;");
}

Result<std::vector<std::byte>> wat_to_wasm(const std::string& file_name, std::string_view text) {
  if (nesting(text) > kNestingLimit) {
    return fail(ErrorCode::kLimit,
                fmt::format("{}: nested more than {} levels deep; translate it to a binary module first", file_name,
                            kNestingLimit));
  }
  try {
    return translate(file_name, text);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalid, fmt::format("{}: libwabt failed: {}", file_name, error.what()));
  }
}

}  // namespace anew::cli
