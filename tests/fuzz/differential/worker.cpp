// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs modules in Anew as v8.mjs runs them in V8 and wasmtime_worker.py in Wasmtime: the same requests, the same text
// in answer. See protocol.hpp.
#include <fmt/format.h>
#include <unistd.h>

#include <anew/anew.hpp>
#include <array>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "differential/protocol.hpp"
#if ANEW_WITH_LLVM
#include "support/optimizing/optimize_here.hpp"
#endif

namespace anew::differential {
namespace {

constexpr std::array<std::uint32_t, 16> kI32 = {0,    1,      0xffffffff, 0x80000000, 0x7fffffff, 31,  32,    33,
                                                0xff, 0x8000, 0xffff8000, 0x12345678, 4,          100, 65535, 65536};
constexpr std::array<std::uint64_t, 16> kI64 = {0,
                                                1,
                                                0xffffffffffffffff,
                                                0x8000000000000000,
                                                0x7fffffffffffffff,
                                                0x80000000,
                                                0xffffffff,
                                                0x100000000,
                                                63,
                                                64,
                                                0x123456789abcdef,
                                                0xffffffff80000000,
                                                10,
                                                0xff,
                                                0x10000,
                                                0xfedcba9876543210};
constexpr std::array<std::uint32_t, 16> kF32 = {0,          0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
                                                0x7fc00000, 0x4f000000, 0xcf000000, 0x5f000000, 0x00000001, 0x3f000000,
                                                0x40200000, 0x4f800000, 0x501502f9, 0xc2280000};
constexpr std::array<std::uint64_t, 16> kF64 = {0,
                                                0x8000000000000000,
                                                0x3ff0000000000000,
                                                0xbff0000000000000,
                                                0x7ff0000000000000,
                                                0xfff0000000000000,
                                                0x7ff8000000000000,
                                                0x41e0000000000000,
                                                0xc1e0000000200000,
                                                0x43e0000000000000,
                                                1,
                                                0x3fe0000000000000,
                                                0x4004000000000000,
                                                0x41f0000000000000,
                                                0x3fb999999999999a,
                                                0xc045000000000000};

ValueType type_of(char letter) {
  switch (letter) {
    case 'i': return ValueType::kI32;
    case 'I': return ValueType::kI64;
    case 'f': return ValueType::kF32;
    case 'F': return ValueType::kF64;
    case 'a': return ValueType::kFuncRef;
    default: return ValueType::kExternRef;
  }
}
std::vector<ValueType> types_of(const std::string& letters) {
  std::vector<ValueType> types;
  for (const char letter : letters) types.push_back(type_of(letter));
  return types;
}

/// Which of the sixteen values argument p of call j takes in round k.
unsigned pick(std::uint32_t j, std::uint32_t k, std::uint32_t p) {
  std::uint32_t h = j * 31u + k * 7u + p * 13u + 1u;
  h *= 0x9E3779B1u;
  h ^= h >> 15;
  h *= 0x85ebca77u;
  return h >> 16 & 15;
}
std::uint64_t argument_bits(char letter, unsigned q) {
  switch (letter) {
    case 'i': return kI32[q];
    case 'I': return kI64[q];
    case 'f': return kF32[q];
    case 'F': return kF64[q];
    case 'a': return 0;
    default: return (q & 1) != 0 ? q : 0;
  }
}

/// The bits of a value; NaNs are one, and references to functions are null or not.
std::uint64_t comparable_bits(char letter, std::uint64_t bits) {
  switch (letter) {
    case 'i': return bits;  // with whatever is in the high half: it must be zero
    case 'f': return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 | (bits >> 32 << 32) : bits;
    case 'F': return (bits & 0x7fffffffffffffff) > 0x7ff0000000000000 ? 0x7ff8000000000000 : bits;
    case 'a': return bits == 0 ? 0 : 1;
    default: return bits;
  }
}

const char* trap_name(const Error& error) {
  const std::string_view text = to_string(error.trap);
  if (error.trap == TrapKind::kHostError) return "host";
  if (text == "unreachable") return "unreachable";
  if (text == "out of bounds memory access") return "memory";
  // V8 has one message for these two, and one for the next two.
  if (text == "out of bounds table access" || text == "undefined element") return "table";
  if (text == "uninitialized element" || text == "indirect call type mismatch") return "signature";
  if (text == "integer divide by zero") return "division";
  if (text == "integer overflow" || text == "invalid conversion to integer") return "number";
  if (text == "call stack exhausted") return "stack";
  if (text.starts_with("null")) return "null";
  if (text.contains("exception")) return "exception";
  if (text.starts_with("unaligned")) return "unaligned";
  return "?";
}

struct HostLog {
  std::uint64_t count = 0;
  std::uint64_t hash = 0;
};

Linker make_linker(const nlohmann::json& plan) {
  Linker linker;
  linker.define_state<HostLog>();
  const bool fails = plan["host_fails"];
  std::uint64_t index = 0;
  for (const auto& import : plan["imports"]) {
    const std::string parameters = import[0];
    const std::string results = import[1];
    linker.define("host", std::to_string(index), FunctionType{types_of(parameters), types_of(results)},
                  [=](Caller caller, std::span<std::uint64_t> slots) -> Result<void> {
                    std::uint64_t hash = 17 + index;
                    for (std::size_t i = 0; i < parameters.size(); ++i)
                      hash = hash * 31 + comparable_bits(parameters[i], slots[i]);
                    auto& log = caller.state<HostLog>();
                    ++log.count;
                    log.hash = log.hash * 31 + hash;
                    if (fails && (hash & 63) == 13) return fail(ErrorCode::kHost, "host");
                    for (std::size_t i = 0; i < results.size(); ++i) {
                      const std::uint64_t v = hash + i;
                      switch (results[i]) {
                        case 'i': slots[i] = static_cast<std::uint32_t>(v); break;
                        case 'I': slots[i] = v; break;
                        case 'f': slots[i] = Value::f32(static_cast<float>(static_cast<std::int16_t>(v))).bits; break;
                        case 'F': slots[i] = Value::f64(static_cast<double>(static_cast<std::int32_t>(v))).bits; break;
                        case 'a': slots[i] = 0; break;
                        default: slots[i] = (v & 1) != 0 ? (v & 15) : 0;
                      }
                    }
                    return {};
                  });
    ++index;
  }
  return linker;
}

/// Runs a plan in instances of one pool.
class Run {
 public:
  Run(const Pool& pool, const nlohmann::json& plan) : pool_(pool), plan_(plan) {}

  std::string text() {
    const auto calls = static_cast<std::uint32_t>(plan_["calls"].size());
    for (std::uint32_t j = 0; j < calls; ++j) {
      out_ += fmt::format("segment {}\n", j);
      if (!fresh()) return out_;
      for (std::uint32_t k = 0; k < 3 && call(j, k); ++k) {
      }
      observe();
    }
    out_ += "segment all\n";
    bool alive = false;
    for (std::uint32_t j = 0; j < calls; ++j) {
      if (!alive && !fresh()) return out_;
      alive = call(j, 3);
      if (!alive) observe();
    }
    if (alive) observe();
    return out_;
  }

 private:
  bool fresh() {
    lease_.reset();
    auto lease = pool_.acquire();
    if (!lease) {
      out_ += lease.error().trap != TrapKind::kNone ? fmt::format("instantiate trap {}\n", trap_name(lease.error()))
                                                    : fmt::format("! no instance: {}\n", lease.error().to_string());
      return false;
    }
    lease_ = std::move(*lease);
    return true;
  }
  bool call(std::uint32_t j, std::uint32_t k) {
    const auto& entry = plan_["calls"][j];
    const std::string name = entry[0];
    const std::string parameters = entry[1];
    const std::string results = entry[2];
    (void)lease_->call_values("refuel", {});
    std::vector<Value> arguments;
    for (std::uint32_t p = 0; p < parameters.size(); ++p)
      arguments.push_back({type_of(parameters[p]), argument_bits(parameters[p], pick(j, k, p))});
    const auto values = lease_->call_values(name, arguments);
    out_ += fmt::format("call {} {}", name, k);
    if (!values) {
      out_ += values.error().trap != TrapKind::kNone ? fmt::format(" trap {}\n", trap_name(values.error()))
                                                     : fmt::format(" ! {}\n", values.error().to_string());
      return false;
    }
    for (std::size_t i = 0; i < results.size(); ++i)
      out_ += fmt::format(" {:016x}", comparable_bits(results[i], (*values)[i].bits));
    out_ += '\n';
    return true;
  }
  void observe() {
    out_ += "state";
    for (const std::string name : plan_["observers"]) {
      const auto value = lease_->call_values(name, {});
      out_ += value ? fmt::format(" {}={:016x}", name, (*value)[0].bits)
                    : fmt::format(" {}={}", name, value.error().message);
    }
    const HostLog& log = *lease_->find_state<HostLog>();
    out_ += fmt::format(" host={}:{:016x}\n", log.count, log.hash);
  }

  const Pool& pool_;
  const nlohmann::json& plan_;
  std::optional<Lease> lease_;
  std::string out_;
};

std::string first_difference(std::string_view a, std::string_view b) {
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  const auto line = [at](std::string_view text) {
    const auto begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  return fmt::format("'{}' became '{}'", line(a), line(b));
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

/// Runs the plan as new and again in the instances that the first run used, with an audit of each restore.
/// @return what the first run said, or why there was none, with complaints behind.
std::string run_twice(const Module& module, const nlohmann::json& plan) {
  const auto pool = Pool::create(module, make_linker(plan), {.capacity = 1, .audit_every = 1});
  if (!pool) {
    if (pool.error().trap == TrapKind::kNone) return fmt::format("! no pool: {}\n", pool.error().to_string());
    if (plan["calls"].empty()) return "segment all\n";
    return fmt::format("segment 0\ninstantiate trap {}\n", trap_name(pool.error()));
  }
  std::string text = Run(*pool, plan).text();
  if (const std::string again = Run(*pool, plan).text(); again != text)
    text += fmt::format("! a restored instance differs: {}\n", first_difference(text, again));
  if (pool->statistics().audit_failures != 0) text += fmt::format("! audit: {}\n", pool->audit_report());
  return text;
}

/// The payload of the custom section "anew.plan", or nothing. The module is known to be well-formed.
std::string_view find_plan(std::string_view binary) {
  std::size_t at = 8;
  const auto leb = [&] {
    std::size_t value = 0;
    for (unsigned shift = 0; at < binary.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(binary[at++]);
      value |= std::size_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) == 0) break;
    }
    return value;
  };
  while (at < binary.size()) {
    const bool custom = binary[at++] == 0;
    const std::size_t size = leb();
    const std::string_view payload = binary.substr(at, size);
    constexpr std::string_view kName =
        "\x09"
        "anew.plan";
    if (custom && payload.starts_with(kName)) return payload.substr(kName.size());
    at += size;
  }
  return {};
}

std::string answer(const Engine& engine, std::span<const std::byte> binary, Settings settings) {
  const auto module =
      engine.compile(binary, {.card_bytes = settings.card_bytes(), .canonical_nan = settings.canonical_nan()});
  if (!module) {
    const Error& error = module.error();
    const bool excused = error.code == ErrorCode::kUnsupported || error.code == ErrorCode::kLimit;
    return fmt::format("rejected\n# {}{}\n", excused ? "(excused) " : "", error.to_string());
  }
  const std::string_view characters(reinterpret_cast<const char*>(binary.data()), binary.size());
  const auto plan = nlohmann::json::parse(find_plan(characters), nullptr, false);
  if (plan.is_discarded()) return "accepted\n";

  const std::string text = run_twice(*module, plan);
  std::string complaints;
  if (settings.also_without_marks()) {
    const auto other =
        engine.compile(binary, {.card_bytes = 4096, .ledger = Ledger::kCow, .canonical_nan = settings.canonical_nan()});
    if (!other)
      complaints += fmt::format("! without marks: {}\n", other.error().to_string());
    else if (const std::string again = run_twice(*other, plan); again != text)
      complaints += fmt::format("! without marks: {}\n", first_difference(text, again));
  }
  if (settings.also_through_artifact()) {
    const std::string path = fmt::format("/tmp/anew-differential-{}.anew", getpid());
    if (const auto saved = engine.save(*module, path); !saved)
      complaints += fmt::format("! artifact: {}\n", saved.error().to_string());
    else if (const auto loaded = engine.load(path); !loaded)
      complaints += fmt::format("! artifact: {}\n", loaded.error().to_string());
    else if (const std::string again = run_twice(*loaded, plan); again != text)
      complaints += fmt::format("! artifact: {}\n", first_difference(text, again));
    unlink(path.c_str());
  }
#if ANEW_WITH_LLVM
  if (settings.also_optimized()) {
    const auto other = engine.compile(
        binary,
        {.card_bytes = settings.card_bytes(), .canonical_nan = settings.canonical_nan(), .tier = Tier::kOptimized});
    if (!other) {
      complaints += fmt::format("! optimized: {}\n", other.error().to_string());
    } else if (const std::string difference = compare_tiers(run_twice(*other, plan), text); !difference.empty()) {
      complaints += fmt::format("! optimized: {}\n", one_line(difference));
    } else {
      const Optimization optimization = other->optimization();
      complaints += optimization.note.empty() ? fmt::format("# optimized {}\n", optimization.optimized)
                                              : fmt::format("! optimized: {}\n", optimization.note);
    }
  }
#endif
  return "accepted\n" + text + complaints;
}

}  // namespace

int serve() {
#if ANEW_WITH_LLVM
  test::optimize_here(test::Share::kAll);
#endif
  const Engine engine({.compile_threads = 1, .cache = false});
  std::array<std::uint32_t, 2> header{};  // x86-64 is little endian, as the protocol is
  std::vector<std::byte> binary;
  while (std::fread(header.data(), sizeof header, 1, stdin) == 1) {
    binary.resize(header[0]);
    if (!binary.empty() && std::fread(binary.data(), binary.size(), 1, stdin) != 1) break;
    const std::string text = answer(engine, binary, {header[1]});
    const auto length = static_cast<std::uint32_t>(text.size());
    std::fwrite(&length, sizeof length, 1, stdout);
    std::fwrite(text.data(), text.size(), 1, stdout);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace anew::differential
