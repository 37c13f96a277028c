// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <anew/wasi.hpp>

namespace anew::wasi {

class detail::Sandbox {};
struct detail::Configuration {};

Context::Context(std::shared_ptr<const detail::Configuration> /*configuration*/)
    : sandbox_(std::make_unique<detail::Sandbox>()) {}
Context::~Context() = default;
Result<void> Context::set_arguments(std::vector<std::string> /*arguments*/) { return {}; }
Result<void> Context::set_environment(std::vector<std::string> /*environment*/) { return {}; }
void Context::set_standard_input(std::string /*bytes*/) {}
std::string_view Context::standard_output() const noexcept { return {}; }
std::string_view Context::standard_error() const noexcept { return {}; }
std::optional<std::uint32_t> Context::exit_code() const noexcept { return std::nullopt; }
void Context::reset() noexcept {}

Result<void> define(Linker& /*linker*/, const Options& /*options*/) {
  return fail(ErrorCode::kUnsupported, "WASI is being written: this build has its interface alone");
}

Result<std::uint32_t> run(Lease& /*lease*/) {
  return fail(ErrorCode::kUnsupported, "WASI is being written: this build has its interface alone");
}

}  // namespace anew::wasi
