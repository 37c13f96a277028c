// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "fairness/host.hpp"

#include <cstring>
#include <stdexcept>

namespace anew::fairness {
namespace {

/// Made anew by each reset.
struct Count {
  std::uint64_t value = 0;
};
/// Has a reset of its own.
struct Kept {
  std::uint64_t value = 0;
  void forget() noexcept { value = 0; }
};

Result<void> write(Caller caller, std::uint32_t address, std::uint32_t value) {
  MemoryView memory = caller.memory();
  // One to 700 bytes: over the edge of a card, too.
  auto bytes = memory.write(address, 1 + value % 700);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  std::memset(bytes->data(), static_cast<int>(value >> 16 | 1), bytes->size());
  return {};
}

}  // namespace

const std::vector<HostFunction>& host_functions() {
  using enum ValueType;
  static const std::vector<HostFunction> kFunctions = {
      {"next", {{}, {kI64}}},     {"keep", {{kI64}, {kI64}}}, {"write", {{kI32, kI32}, {kI32}}},
      {"grow", {{kI32}, {kI64}}}, {"fail", {{kI32}, {kI32}}}, {"object", {{kI64}, {kExternRef}}},
  };
  return kFunctions;
}

Linker make_host() {
  Linker linker;
  linker.define_state<Count>();
  linker.define_state<Kept>({}, &Kept::forget);
  linker.define("host", "next", [](Count& count) -> std::uint64_t { return ++count.value; });
  linker.define("host", "keep",
                [](Kept& kept, std::uint64_t value) -> std::uint64_t { return std::exchange(kept.value, value); });
  linker.define("host", "write",
                [](Caller caller, std::uint32_t address, std::uint32_t value) -> Result<std::uint32_t> {
                  auto done = write(caller, address, value);
                  if (!done) return std::unexpected(std::move(done.error()));
                  return 0;
                });
  linker.define("host", "grow", [](Caller caller, std::uint32_t pages) -> std::uint64_t {
    return caller.memory().grow(pages).value_or(~std::uint64_t{0});
  });
  linker.define("host", "fail", [](Kept& kept, std::uint32_t how) -> Result<std::uint32_t> {
    kept.value = how;
    if (how == 1) return fail(ErrorCode::kHost, "the host fails");
    if (how == 2) throw std::runtime_error("the host throws");
    return 0;
  });
  linker.define("host", "object", host_functions()[kHostObject].type,
                [](Caller, std::span<std::uint64_t> slots) -> Result<void> {
                  slots[0] |= 1;  // the host's own bits; not null
                  return {};
                });
  linker.define_memory("host", "memory", kHostMemory.limits);
  linker.define_table("host", "table", kHostTable);
  linker.define_global("host", "number", Value::i64(0x1234'5678'9ABC'DEF0));
  for (const auto& [name, type] : kHostVariables)
    linker.define_global("host", name, {type.type, 0}, Mutability::kMutable);
  return linker;
}

}  // namespace anew::fairness
