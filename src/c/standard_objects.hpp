// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stores of the standard wasm-c-api and what lies in them, as C++ objects.
#pragma once

#include <anew/wasm-c-api/wasm.h>

#include <anew/engine.hpp>
#include <anew/store.hpp>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "runtime/store_state.hpp"

namespace anew::c {

/// What handles of one thing have in common: the host's pointer. Where it lies is what tells the thing from others.
struct Entity {
  Entity() = default;
  Entity(const Entity&) = delete;
  Entity& operator=(const Entity&) = delete;
  ~Entity() { set_host_info(nullptr, nullptr); }
  void set_host_info(void* info, void (*finalize)(void*)) noexcept {
    if (finalizer != nullptr) finalizer(host_info);
    host_info = info;
    finalizer = finalize;
  }
  void* host_info = nullptr;
  void (*finalizer)(void*) = nullptr;
};

/// What a handle is of; the first ones as in wasm_externkind_enum.
enum class RefKind : std::uint8_t { kFunc, kGlobal, kTable, kMemory, kTag, kInstance, kModule, kTrap, kForeign };

struct FrameData {
  std::uint32_t instance = 0;  ///< its number in the store, or kNoInstance
  std::uint32_t function = 0;
  std::uint64_t module_offset = 0;
  static constexpr std::uint32_t kNoInstance = ~std::uint32_t{0};
};
struct TrapData {
  std::string message;
  std::vector<FrameData> frames;
};

struct StoreData;

}  // namespace anew::c

struct wasm_config_t {};

struct wasm_engine_t {
  anew::Engine engine;
  anew::Engine uncached{{.compile_threads = 1, .cache = false}};  ///< for the modules that hold what the host makes
};

/// A handle of anything. One that the store itself keeps does not keep the store.
struct wasm_ref_t {
  wasm_ref_t(anew::c::RefKind of_kind, std::shared_ptr<anew::c::Entity> of_entity,
             std::shared_ptr<anew::c::StoreData> of_store) noexcept
      : kind(of_kind), entity(std::move(of_entity)), store(of_store.get()), keep(std::move(of_store)) {}
  wasm_ref_t(const wasm_ref_t&) = default;
  wasm_ref_t& operator=(const wasm_ref_t&) = delete;
  virtual ~wasm_ref_t() = default;
  [[nodiscard]] virtual wasm_ref_t* clone() const = 0;
  /// Another handle of the same thing, which keeps the store. May throw std::bad_alloc.
  [[nodiscard]] wasm_ref_t* copy() const;

  anew::c::RefKind kind;
  std::shared_ptr<anew::c::Entity> entity;
  anew::c::StoreData* store;
  std::shared_ptr<anew::c::StoreData> keep;
};

/// What an instance can import or export: by its owner, where there is one, else by who imports it from the host.
struct wasm_extern_t : wasm_ref_t {
  wasm_extern_t(anew::c::RefKind of_kind, std::shared_ptr<anew::c::Entity> of_entity,
                std::shared_ptr<anew::c::StoreData> of_store, anew::detail::Instance& in, std::uint32_t at) noexcept
      : wasm_ref_t(of_kind, std::move(of_entity), std::move(of_store)), instance(&in), index(at) {}
  [[nodiscard]] wasm_ref_t* clone() const override { return new wasm_extern_t(*this); }

  anew::detail::Instance* instance;
  std::uint32_t index;  ///< in its index space
};
// The interface's names for one that is of a certain kind; all are made as such.
struct wasm_func_t final : wasm_extern_t {
  using wasm_extern_t::wasm_extern_t;
  [[nodiscard]] wasm_ref_t* clone() const override { return new wasm_func_t(*this); }
};
struct wasm_global_t final : wasm_extern_t {
  using wasm_extern_t::wasm_extern_t;
  [[nodiscard]] wasm_ref_t* clone() const override { return new wasm_global_t(*this); }
};
struct wasm_table_t final : wasm_extern_t {
  using wasm_extern_t::wasm_extern_t;
  [[nodiscard]] wasm_ref_t* clone() const override { return new wasm_table_t(*this); }
};
struct wasm_memory_t final : wasm_extern_t {
  using wasm_extern_t::wasm_extern_t;
  [[nodiscard]] wasm_ref_t* clone() const override { return new wasm_memory_t(*this); }
};

struct wasm_instance_t final : wasm_ref_t {
  wasm_instance_t(std::shared_ptr<anew::c::Entity> of_entity, std::shared_ptr<anew::c::StoreData> of_store,
                  anew::detail::Instance& of) noexcept
      : wasm_ref_t(anew::c::RefKind::kInstance, std::move(of_entity), std::move(of_store)), instance(&of) {}
  [[nodiscard]] wasm_ref_t* clone() const override { return new wasm_instance_t(*this); }
  anew::detail::Instance* instance;
};

struct wasm_module_t final : wasm_ref_t {
  wasm_module_t(std::shared_ptr<anew::c::StoreData> of_store, anew::Module of)
      : wasm_ref_t(anew::c::RefKind::kModule, std::make_shared<anew::c::Entity>(), std::move(of_store)),
        module(std::move(of)) {}
  [[nodiscard]] wasm_ref_t* clone() const override { return new wasm_module_t(*this); }
  anew::Module module;
};

struct wasm_shared_module_t {
  anew::Module module;
};

struct wasm_trap_t final : wasm_ref_t {
  wasm_trap_t(std::shared_ptr<anew::c::StoreData> of_store, std::shared_ptr<const anew::c::TrapData> of)
      : wasm_ref_t(anew::c::RefKind::kTrap, std::make_shared<anew::c::Entity>(), std::move(of_store)),
        data(std::move(of)) {}
  [[nodiscard]] wasm_ref_t* clone() const override { return new wasm_trap_t(*this); }
  std::shared_ptr<const anew::c::TrapData> data;
};

struct wasm_foreign_t final : wasm_ref_t {
  explicit wasm_foreign_t(std::shared_ptr<anew::c::StoreData> of_store)
      : wasm_ref_t(anew::c::RefKind::kForeign, std::make_shared<anew::c::Entity>(), std::move(of_store)) {}
  [[nodiscard]] wasm_ref_t* clone() const override { return new wasm_foreign_t(*this); }
};

struct wasm_frame_t {
  std::shared_ptr<anew::c::StoreData> keep;
  wasm_instance_t* instance;  ///< the store's; may be null
  anew::c::FrameData data;
};

namespace anew::c {

struct StoreData : std::enable_shared_from_this<StoreData> {
  explicit StoreData(const wasm_engine_t& of)
      : engine(of),
        store({.start_timeout = std::chrono::nanoseconds::max(), .maximum_memory_bytes = std::uint64_t{1} << 40}) {}

  wasm_engine_t engine;
  Store store;
  /// Of what instances own, by what and where it is.
  std::map<std::tuple<RefKind, const void*, std::uint32_t>, std::shared_ptr<Entity>> entities;
  std::map<std::uint32_t, std::unique_ptr<wasm_instance_t>> instances;  ///< by number; for frames
  /// What guests have as external references, whose bits are the handle's address.
  std::map<const Entity*, std::unique_ptr<wasm_ref_t>> passed;
  std::map<std::vector<std::byte>, Module> small_modules;  ///< by binary
  std::shared_ptr<const TrapData> pending;                 ///< that a callback returned, until the call around it ends

  [[nodiscard]] const std::shared_ptr<Entity>& entity(RefKind kind, const void* owner, std::uint32_t index) {
    auto& found = entities[{kind, owner, index}];
    if (!found) found = std::make_shared<Entity>();
    return found;
  }
  /// A handle of something in an instance's index space.
  [[nodiscard]] std::unique_ptr<wasm_extern_t> handle(ExternalKind kind, detail::Instance& instance,
                                                      std::uint32_t index);
};

}  // namespace anew::c

struct wasm_store_t {
  std::shared_ptr<anew::c::StoreData> data;
};
