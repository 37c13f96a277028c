// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The functions of WASI 0.2 as a guest's calls reach them, without a component: a core module calls the test back,
// which then calls them in its lease.
#pragma once

#include <gtest/gtest.h>

#include <anew/component/component.hpp>
#include <anew/wasi.hpp>
#include <anew/wasi_http.hpp>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "component/linked.hpp"
#include "support/wat.hpp"

namespace anew::test {

using component::Bytes;
using component::Case;
using component::Flags;
using component::Resource;
using component::Values;

/// Calls functions in a lease.
class Host {
 public:
  Host(const component::Linker& linker, component::Caller caller) : linker_(linker), caller_(caller) {}

  /// @param interface  "io/streams" for "wasi:io/streams".
  [[nodiscard]] Result<component::Value> attempt(const std::string& interface, const std::string& name,
                                                 Values arguments = {}) {
    const std::string key = "wasi:" + interface + "@0.2#" + name;
    const auto found = linker_.state()->functions.find(key);
    if (found == linker_.state()->functions.end()) throw std::runtime_error("there is no function " + key);
    if (const auto* const waiting = std::get_if<component::Linker::WaitingFunction>(&found->second)) {
      const component::Attempt attempt = (*waiting)(caller_, std::move(arguments));
      auto result = attempt(caller_, nullptr);
      if (!result) return std::unexpected(std::move(result.error()));
      return std::move(**result);
    }
    return std::get<component::Linker::Function>(found->second)(caller_, std::move(arguments));
  }
  component::Value call(const std::string& interface, const std::string& name, Values arguments = {}) {
    auto result = attempt(interface, name, std::move(arguments));
    if (!result) throw std::runtime_error(name + ": " + result.error().message);
    return std::move(*result);
  }
  /// The value of a result.
  component::Value ok(const std::string& interface, const std::string& name, Values arguments = {}) {
    component::Value value = call(interface, name, std::move(arguments));
    auto& result = value.as<Case>();
    if (result.index == 0 && result.payload == nullptr) return component::Value();
    if (result.payload == nullptr) throw std::runtime_error(name + " is an error");
    if (result.index != 0)
      throw std::runtime_error(name + " is an error, case " + std::to_string(case_of(*result.payload)));
    return std::move(*result.payload);
  }
  /// The case of the error of a result.
  std::uint32_t error(const std::string& interface, const std::string& name, Values arguments = {}) {
    component::Value value = call(interface, name, std::move(arguments));
    auto& result = value.as<Case>();
    if (result.index != 1) throw std::runtime_error(name + " is no error");
    return result.payload == nullptr ? 0 : case_of(*result.payload);
  }
  void drop(const std::string& interface, const std::string& name, const component::Value& resource) {
    const auto found = linker_.state()->resources.find("wasi:" + interface + "@0.2#" + name);
    if (found == linker_.state()->resources.end()) throw std::runtime_error("there is no resource " + name);
    if (!found->second(caller_, resource.as<Resource>().representation)) throw std::runtime_error("drop failed");
  }

 private:
  static std::uint32_t case_of(const component::Value& value) {
    return value.is<Case>() ? value.as<Case>().index : ~0U;
  }
  const component::Linker& linker_;
  component::Caller caller_;
};

/// A pool of one instance whose function calls a test back.
class HostGuest {
 public:
  explicit HostGuest(const wasi::Options& options, const wasi::http::Options& http = {}) : pool_(make(options, http)) {}

  /// Runs what a guest would do. @return the error of the guest's call.
  std::optional<Error> run(std::function<void(Host&)> body) {
    if (!lease_) lease_ = pool_.acquire().value();
    body_ = std::move(body);
    auto result = lease_->call("run");
    if (result) return std::nullopt;
    return result.error();
  }
  /// The same, without an error.
  void check(std::function<void(Host&)> body) {
    const auto error = run(std::move(body));
    if (error) ADD_FAILURE() << error->message;
  }
  Lease& lease() {
    if (!lease_) lease_ = pool_.acquire().value();
    return *lease_;
  }
  /// Gives the instance back: the next run has it again.
  void renew() { lease_.reset(); }

 private:
  Pool make(const wasi::Options& options, const wasi::http::Options& http) {
    if (auto defined = wasi::define(linker_, options); !defined) throw std::runtime_error(defined.error().message);
    if (auto defined = wasi::http::define(linker_, http); !defined) throw std::runtime_error(defined.error().message);
    linker_.core().define("test", "run", [this](Caller caller) {
      Host host(linker_, component::Caller(caller, nullptr));
      body_(host);
    });
    PoolOptions pool;
    pool.capacity = 1;
    return make_pool(R"((module (import "test" "run" (func $run)) (memory 1) (export "run" (func $run))))", pool,
                     linker_.core());
  }

  component::Linker linker_;
  std::function<void(Host&)> body_;
  Pool pool_;
  std::optional<Lease> lease_;
};

inline Bytes to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}
inline std::string to_text(const component::Value& value) {
  const auto& bytes = value.as<Bytes>();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
/// The same resource, lent.
inline component::Value lent(const component::Value& resource) {
  return Resource{resource.as<Resource>().representation, false};
}

}  // namespace anew::test
