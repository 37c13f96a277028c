// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "guest.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "support.hpp"

namespace anew::bench {
namespace {

using nlohmann::json;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "anew_bench: {}\n", why);
  std::exit(1);
}

/// "[i32 f64] -> [i32]", as ImportDescription gives it; numbers only.
[[nodiscard]] FunctionType parse_type(std::string_view text) {
  FunctionType type;
  const std::size_t arrow = text.find("->");
  for (std::size_t at = 0; (at = text.find_first_of("if", at)) != text.npos; at += 3) {
    const bool is_64 = text.substr(at + 1, 2) == "64";
    const ValueType value =
        text[at] == 'i' ? (is_64 ? ValueType::kI64 : ValueType::kI32) : (is_64 ? ValueType::kF64 : ValueType::kF32);
    (at < arrow ? type.parameters : type.results).push_back(value);
  }
  return type;
}

class AnewGuest final : public Guest {
 public:
  AnewGuest(Pool pool, std::string path)
      : pool_(std::move(pool)), path_(std::move(path)), lease_(value_or_exit(pool_.acquire(), path_)) {}

  Outcome call(const Call& call) override {
    std::vector<Value> arguments;
    for (const std::uint32_t argument : call.arguments) arguments.push_back(Value::i32(argument));
    const double start = processor_time();
    for (std::uint32_t i = 1; i < call.times; ++i)
      if (!lease_.call_values(call.name, arguments)) break;
    auto results = lease_.call_values(call.name, arguments);  // of an instance that trapped, the error
    const double ns = processor_time() - start;
    const std::vector<Value> values = value_or_exit(std::move(results), path_ + ": " + call.name);
    // An i32's bits are in the low half of a slot.
    return {values.empty() ? 0 : static_cast<std::uint32_t>(values[0].bits), ns};
  }

  void write(std::uint32_t address, std::string_view bytes) override {
    const auto to = value_or_exit(lease_.memory().write(address, bytes.size()), path_);
    std::memcpy(to.data(), bytes.data(), bytes.size());
  }

  std::string read(std::uint32_t address, std::uint32_t bytes) override {
    const auto from = value_or_exit(lease_.memory().read(address, bytes), path_);
    std::string text(bytes, '\0');
    std::memcpy(text.data(), from.data(), bytes);
    return text;
  }

  void grow(std::uint32_t pages) override { (void)value_or_exit(lease_.memory().grow(pages), path_); }

 private:
  Pool pool_;
  std::string path_;
  Lease lease_;
};

class V8Guest final : public Guest {
 public:
  explicit V8Guest(Node& node) : node_(node) {}

  Outcome call(const Call& call) override {
    const json answer =
        node_.ask({{"request", "call"}, {"name", call.name}, {"args", call.arguments}, {"times", call.times}});
    return {answer.at("result"), answer.at("ns")};
  }

  void write(std::uint32_t address, std::string_view bytes) override {
    std::string hex;
    hex.reserve(2 * bytes.size());
    for (const char byte : bytes) fmt::format_to(std::back_inserter(hex), "{:02x}", static_cast<unsigned char>(byte));
    node_.ask({{"request", "write"}, {"address", address}, {"hex", hex}});
  }

  std::string read(std::uint32_t address, std::uint32_t bytes) override {
    const json answer = node_.ask({{"request", "read"}, {"address", address}, {"bytes", bytes}});
    const std::string& hex = answer.at("hex").get_ref<const std::string&>();
    std::string text;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      text.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));  // a byte, whatever char's sign
    return text;
  }

  void grow(std::uint32_t pages) override { node_.ask({{"request", "grow"}, {"pages", pages}}); }

 private:
  Node& node_;
};

}  // namespace

double processor_time() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

std::unique_ptr<Guest> make_anew_guest(const Engine& engine, const std::string& path, const CompileOptions& options,
                                       const Imports& imports, Compilation* compilation) {
  const auto begin = std::chrono::steady_clock::now();
  const Module module = value_or_exit(engine.load(path, options), path);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  Optimization optimization = module.optimization();
  if (!optimization.note.empty()) give_up(fmt::format("{} is not optimized: {}", path, optimization.note));
  if (compilation != nullptr) *compilation = {std::move(optimization), seconds.count(), module};
  Linker linker;
  linker.trap_unknown_functions();
  if (imports.memory) linker.define_memory("env", "memory", *imports.memory);
  for (const ImportDescription& import : module.imports()) {
    if (const auto answer = imports.answers.find(import.name); answer != imports.answers.end()) {
      const FunctionType type = parse_type(import.type);
      const std::uint64_t slot = type.results.at(0) == ValueType::kF64
                                     ? std::bit_cast<std::uint64_t>(answer->second)
                                     : static_cast<std::uint32_t>(static_cast<std::int32_t>(answer->second));
      linker.define(import.module, import.name, type, [slot](Caller, std::span<std::uint64_t> slots) -> Result<void> {
        slots[0] = slot;
        return {};
      });
    }
  }
  return std::make_unique<AnewGuest>(value_or_exit(Pool::create(module, linker, {.capacity = 1}), path), path);
}

std::unique_ptr<Guest> make_v8_guest(Node& node, const std::string& path, const Imports& imports) {
  json request = {{"request", "load"}, {"path", path}, {"answers", imports.answers}};
  if (imports.memory) {
    request["memory"] = {{"initial", imports.memory->minimum}};
    if (imports.memory->maximum) request["memory"]["maximum"] = *imports.memory->maximum;
  }
  node.ask(request);
  return std::make_unique<V8Guest>(node);
}

Node::Node(std::vector<std::string> options) {
  std::signal(SIGPIPE, SIG_IGN);  // a node that died shows as an error of the write
  int to_node[2];
  int from_node[2];
  if (::pipe2(to_node, O_CLOEXEC) != 0 || ::pipe2(from_node, O_CLOEXEC) != 0) give_up("no pipe could be made");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, to_node[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, from_node[1], STDOUT_FILENO);
  options.insert(options.begin(), "node");
  options.emplace_back(ANEW_BENCH_SCRIPT);
  std::vector<char*> arguments;
  for (std::string& option : options) arguments.push_back(option.data());
  arguments.push_back(nullptr);
  const int error = ::posix_spawnp(&process_, "node", &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(to_node[0]);
  ::close(from_node[1]);
  requests_ = ::fdopen(to_node[1], "w");
  answers_ = ::fdopen(from_node[0], "r");
  if (error != 0) {
    give_up(fmt::format("node cannot be run ({}). It is what Anew is compared with: `scripts/setup bench` installs it",
                        std::strerror(error)));
  }
}

Node::~Node() {
  std::fclose(requests_);  // the end of its input ends it
  std::fclose(answers_);
  ::waitpid(process_, nullptr, 0);
}

json Node::ask(const json& request) {
  const std::string line = request.dump() + "\n";
  std::fwrite(line.data(), 1, line.size(), requests_);
  std::fflush(requests_);
  char* answer = nullptr;
  std::size_t size = 0;
  const ssize_t length = ::getline(&answer, &size, answers_);
  const std::unique_ptr<char, decltype(&std::free)> owner(answer, &std::free);
  if (length <= 0) give_up("node ended; what it said about it stands above");
  json result = json::parse(answer, answer + length, nullptr, false);
  if (result.is_discarded() || result.contains("error")) {
    give_up(fmt::format("node: {}, asked {}", std::string_view(answer, static_cast<std::size_t>(length) - 1),
                        line.substr(0, 200)));
  }
  return result;
}

}  // namespace anew::bench
