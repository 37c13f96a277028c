// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The program anew-optimizer: compiles what it is sent (protocol.hpp). The engine starts it
// (tier/optimizer_process.hpp), gives it a module and a unit of functions at a time, and ends it.
#include <fmt/format.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/ErrorHandling.h>

#include <anew/version.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/llvm/module_optimizer.hpp"
#include "codegen/llvm/protocol.hpp"
#include "os/helper_process.hpp"
#include "wasm/limits.hpp"

namespace {

using namespace anew;
using namespace anew::codegen;
using namespace anew::codegen::optimizing;

/// Ends the process. Its last line tells the engine why.
[[noreturn]] void die(const char* why) noexcept {
  std::fprintf(stderr, "%s\n", why);
  std::_Exit(EXIT_FAILURE);
}

template <typename T>
bool read_value(T& value) {
  return os::read_from_parent(std::as_writable_bytes(std::span(&value, 1)));
}

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// A unit's reply. All sizes are below wasm::limits::kTextBytes, or are what a code of that size has.
std::vector<std::byte> reply_of(std::span<FunctionCode> codes) {
  std::vector<std::byte> bytes;
  const UnitReply header = {static_cast<std::uint32_t>(codes.size())};
  append(bytes, std::as_bytes(std::span(&header, 1)));
  for (FunctionCode& code : codes) {
    if (code.not_compiled.size() > kMostMessageBytes) code.not_compiled.resize(kMostMessageBytes);
    const FunctionReply reply = {code.function,
                                 static_cast<std::uint32_t>(code.not_compiled.size()),
                                 static_cast<std::uint32_t>(code.code.size()),
                                 static_cast<std::uint32_t>(code.relocations.size()),
                                 static_cast<std::uint32_t>(code.positions.size()),
                                 code.alignment,
                                 code.frame_bytes};
    append(bytes, std::as_bytes(std::span(&reply, 1)));
    append(bytes, std::as_bytes(std::span(code.not_compiled)));
    append(bytes, code.code);
    append(bytes, std::as_bytes(std::span(code.relocations)));
    append(bytes, code.positions);
  }
  return bytes;
}

/// Answers the job. @param message  what stands against it; empty: nothing.
bool answer(std::string_view message) {
  const JobReply reply = {kReplyMagic, message.size()};
  return os::write_to_parent(std::as_bytes(std::span(&reply, 1))) &&
         os::write_to_parent(std::as_bytes(std::span(message)));
}

int refuse(std::string_view message) {
  (void)answer(message);
  return EXIT_FAILURE;
}

int serve() {
  JobHeader header;
  if (!read_value(header) || header.magic != kProtocolMagic) die("no job was sent");
  if (header.code_version != ANEW_CODE_VERSION)
    return refuse("it is of another build than the library that started it");
  if (header.module_bytes > wasm::limits::kModuleBytes) return refuse("the module is too large");
  os::limit_this_process(header.memory_bytes + header.module_bytes);
  if (!os::end_with_parent()) return refuse("the system gives it no thread");
  std::vector<std::byte> binary(header.module_bytes);
  if (!os::read_from_parent(binary)) die("the module was cut off");

  auto optimizer = ModuleOptimizer::open(binary, Features::from_bits(header.accepted), header.options);
  if (!optimizer) return refuse(optimizer.error().message);
  if (!answer({})) return EXIT_FAILURE;

  UnitHeader unit;
  const std::size_t imported = optimizer->module().imported_functions;
  const std::size_t all = optimizer->module().functions.size();
  while (read_value(unit) && unit.functions != 0) {
    if (unit.functions > all) die("the unit is too large");
    std::vector<std::uint32_t> functions(unit.functions);
    if (!os::read_from_parent(std::as_writable_bytes(std::span(functions)))) break;
    for (const std::uint32_t each : functions)
      if (each < imported || each >= all) die("a function is wanted that the module does not define");
    std::vector<FunctionCode> codes = optimizer->optimize(functions, header.pipeline);
    if (!os::write_to_parent(reply_of(codes))) break;
  }
  return EXIT_SUCCESS;
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "--version") {
    fmt::print("anew-optimizer {}.{}.{} (LLVM {})\n", ANEW_VERSION_MAJOR, ANEW_VERSION_MINOR, ANEW_VERSION_PATCH,
               LLVM_VERSION_STRING);
    return EXIT_SUCCESS;
  }
  if (count != 1 || !os::has_parent()) {
    fmt::print(
        stderr,
        "anew-optimizer: this program compiles WebAssembly functions for Anew, which starts it by itself. By hand "
        "it is of no use but for --version.\n");
    return 64;
  }
  std::set_new_handler([] { die("it ran out of memory"); });
  ::llvm::install_bad_alloc_error_handler([](void*, const char*, bool) { die("it ran out of memory"); });
  ::llvm::install_fatal_error_handler([](void*, const char* why, bool) { die(why); });
  try {
    return serve();
  } catch (const std::exception& failure) {
    die(failure.what());
  }
}
