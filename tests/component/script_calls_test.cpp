// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The calls of the component model's own test scripts: what they return, and which of them trap.
// scripts/fetch-component-scripts makes the scripts into what is read here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <anew/component/component.hpp>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "component/linked.hpp"
#include "component/wave.hpp"
#include "engine.hpp"

namespace anew::component {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

const fs::path kScripts = fs::path(ANEW_SOURCE_DIR) / "build" / "component-scripts" / "spec";

std::string quoted(const std::string& text, char quote) {
  std::string result(1, quote);
  for (const char letter : text) {
    if (letter == quote || letter == '\\')
      result += fmt::format("\\{}", letter);
    else if (static_cast<unsigned char>(letter) < 0x20)
      result += fmt::format("\\u{{{:x}}}", letter);
    else
      result += letter;
  }
  return result + quote;
}

std::uint64_t number(const std::string& text) { return std::stoull(text); }

/// A value as WAVE has it.
std::string wave(const Json& json) {
  const std::string type = json.at("type");
  const Json value = json.contains("value") ? json.at("value") : Json();
  const auto listed = [](const Json& elements, char open, char close) {
    std::string text(1, open);
    for (const Json& each : elements) text += (text.size() > 1 ? ", " : "") + wave(each);
    return text + close;
  };
  const auto with_payload = [](const std::string& name, const Json& payload) {
    return payload.is_null() ? name : name + "(" + wave(payload) + ")";
  };
  if (type == "string") return quoted(value, '"');
  if (type == "char") return quoted(value, '\'');
  if (type == "bool") return value.get<bool>() ? "true" : "false";
  if (type == "list") return listed(value, '[', ']');
  if (type == "tuple") return listed(value, '(', ')');
  if (type == "enum") return value;
  if (type == "option") return with_payload(value.is_null() ? "none" : "some", value);
  if (type == "result")
    return value.contains("Ok") ? with_payload("ok", value.at("Ok")) : with_payload("err", value.at("Err"));
  if (type == "variant") return with_payload(value.at("case"), value.value("payload", Json()));
  if (type == "flags" || type == "record") {
    std::string text = "{";
    for (const Json& each : value) {
      if (text.size() > 1) text += ", ";
      text += type == "flags" ? each.get<std::string>() : each.at(0).get<std::string>() + ": " + wave(each.at(1));
    }
    return text + "}";
  }
  // Numbers are strings; floats are those of their bits.
  if (type == "f32") return fmt::format("{}", std::bit_cast<float>(static_cast<std::uint32_t>(number(value))));
  if (type == "f64") return fmt::format("{}", std::bit_cast<double>(number(value)));
  return value;
}

struct Instance {
  Component component;
  Pool pool;
  Lease lease;
};

struct Counts {
  int returned = 0;
  int trapped = 0;
  int unsupported = 0;
};

class Script {
 public:
  Script(fs::path folder, Counts& counts) : folder_(std::move(folder)), counts_(&counts) {}

  void run() {
    std::ifstream stream(folder_ / "script.json");
    const Json json = Json::parse(stream);
    for (const Json& command : json.at("commands")) {
      SCOPED_TRACE(fmt::format("{}:{}", fs::relative(folder_, kScripts).string(), command.at("line").get<int>()));
      const std::string type = command.at("type");
      if (type == "module" || type == "module_definition") {
        std::optional<Component> component = compile(command);
        definitions_.insert_or_assign(command.value("name", ""), component);
        if (type == "module") instantiate(component, command.value("name", ""));
      } else if (type == "module_instance") {
        instantiate(definitions_.at(command.value("module", "")), command.value("instance", ""));
      } else if (type == "assert_return" || type == "assert_trap" || type == "action") {
        if (current_ == nullptr)
          ++counts_->unsupported;
        else
          call(command);
      }
    }
  }

 private:
  /// @return nothing if it needs what is not supported.
  std::optional<Component> compile(const Json& command) {
    auto component = Component::load(engine(), folder_ / command.at("filename").get<std::string>());
    if (component) return *std::move(component);
    EXPECT_EQ(component.error().code, ErrorCode::kUnsupported) << component.error().to_string();
    return std::nullopt;
  }

  void instantiate(const std::optional<Component>& component, const std::string& name) {
    named_[name] = current_ = nullptr;
    if (component && component->imports().empty()) {
      auto pool = Pool::create(*component, Linker(), {.capacity = 1, .audit_every = 1});
      ASSERT_TRUE(pool) << pool.error().to_string();
      auto lease = pool->acquire();
      ASSERT_TRUE(lease) << lease.error().to_string();
      current_ = std::make_shared<Instance>(Instance{*component, *std::move(pool), *std::move(lease)});
    }
    named_[name] = current_;
  }

  void call(const Json& command) {
    const Json& action = command.at("action");
    const std::string module = action.value("module", "");
    const std::shared_ptr<Instance> instance = module.empty() ? current_ : named_.at(module);
    ASSERT_NE(instance, nullptr);
    const auto function = instance->pool.function(action.at("field").get<std::string>());
    ASSERT_TRUE(function) << function.error().to_string();
    const FunctionType& type = *function->get()->type;
    const Types& types = instance->component.state()->plan.types;
    Values arguments;
    for (const Json& each : action.at("args")) {
      auto value = from_wave(types, *type.parameters.at(arguments.size()).type, wave(each));
      ASSERT_TRUE(value) << wave(each) << ": " << value.error().to_string();
      arguments.push_back(*std::move(value));
    }
    const Result<Value> result = instance->lease.call(*function, std::move(arguments));
    if (command.at("type") == "assert_trap") {
      ++counts_->trapped;
      ASSERT_FALSE(result) << "expected: " << command.at("text");
      EXPECT_EQ(result.error().code, ErrorCode::kTrap) << result.error().to_string();
      return;
    }
    ++counts_->returned;
    ASSERT_TRUE(result) << result.error().to_string();
    const Json expected = command.value("expected", Json::array());
    ASSERT_EQ(expected.size(), type.result ? 1 : 0);
    if (!type.result) return;
    const auto value = from_wave(types, *type.result, wave(expected.at(0)));
    ASSERT_TRUE(value) << wave(expected.at(0)) << ": " << value.error().to_string();
    EXPECT_TRUE(*result == *value) << to_wave(types, *type.result, *result) << ", expected " << wave(expected.at(0));
  }

  fs::path folder_;
  Counts* counts_;  ///< the test's
  std::map<std::string, std::optional<Component>> definitions_;
  std::map<std::string, std::shared_ptr<Instance>> named_;
  std::shared_ptr<Instance> current_;
};

TEST(ComponentScripts, ReturnAndTrapAsTheySay) {
  if (!fs::exists(kScripts)) GTEST_SKIP() << "no " << kScripts << ": run `scripts/fetch-component-scripts`";
  Counts counts;
  for (const char* const group : {"linking", "resources", "values"})
    for (const auto& entry : fs::directory_iterator(kScripts / group)) Script(entry.path(), counts).run();
  fmt::print("{} calls returned and {} trapped; {} were of components that are not supported\n", counts.returned,
             counts.trapped, counts.unsupported);
  EXPECT_GT(counts.returned, 200);
  EXPECT_GT(counts.trapped, 30);
}

}  // namespace
}  // namespace anew::component
