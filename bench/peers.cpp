// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "peers.hpp"

#include <anew/wasm-c-api/wasm.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

namespace anew::bench {
namespace {

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "anew_bench_optimized: {}\n", why);
  std::exit(1);
}

/// The functions of Wasmtime's library, which have the names and types of Anew's.
#define ANEW_WASMTIME_FUNCTIONS(X)       \
  X(wasm_engine_new)                     \
  X(wasm_store_new)                      \
  X(wasm_module_new)                     \
  X(wasm_module_imports)                 \
  X(wasm_module_exports)                 \
  X(wasm_importtype_name)                \
  X(wasm_importtype_type)                \
  X(wasm_exporttype_type)                \
  X(wasm_exporttype_name)                \
  X(wasm_externtype_kind)                \
  X(wasm_externtype_as_functype_const)   \
  X(wasm_functype_results)               \
  X(wasm_valtype_kind)                   \
  X(wasm_valtype_new)                    \
  X(wasm_externtype_as_memorytype_const) \
  X(wasm_func_new_with_env)              \
  X(wasm_func_as_extern)                 \
  X(wasm_memory_new)                     \
  X(wasm_memory_as_extern)               \
  X(wasm_memorytype_new)                 \
  X(wasm_instance_new)                   \
  X(wasm_instance_exports)               \
  X(wasm_extern_as_func)                 \
  X(wasm_extern_as_memory)               \
  X(wasm_func_call)                      \
  X(wasm_memory_data)                    \
  X(wasm_memory_grow)                    \
  X(wasm_byte_vec_new)                   \
  X(wasm_trap_message)                   \
  X(wasm_trap_new)

struct Wasmtime {
#define ANEW_MEMBER(name) decltype(&::name) name;
  ANEW_WASMTIME_FUNCTIONS(ANEW_MEMBER)
#undef ANEW_MEMBER
  wasm_engine_t* engine;
};

/// Null if there is none. Stays as long as the process.
const Wasmtime* wasmtime() {
  static const Wasmtime* const loaded = []() -> const Wasmtime* {
    void* const library = ::dlopen(ANEW_WASMTIME, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return nullptr;
    auto* const functions = new Wasmtime;
    // What dlsym gives is what the library says it is.
#define ANEW_MEMBER(name)                                                         \
  functions->name = reinterpret_cast<decltype(&::name)>(::dlsym(library, #name)); \
  if (functions->name == nullptr) give_up(fmt::format("{} has no {}", ANEW_WASMTIME, #name));
    ANEW_WASMTIME_FUNCTIONS(ANEW_MEMBER)
#undef ANEW_MEMBER
    functions->engine = functions->wasm_engine_new();
    return functions;
  }();
  return loaded;
}

/// What an import of a guest's is: what it answers, or nothing.
struct Answer {
  bool known = false;
  double number = 0;
  wasm_valkind_t kind = WASM_I32;
  wasm_store_t* store = nullptr;
};

wasm_trap_t* answer(void* environment, const wasm_val_vec_t*, wasm_val_vec_t* results) {
  const auto& known = *static_cast<const Answer*>(environment);  // what was given with it
  if (!known.known) {
    wasm_message_t message;
    wasmtime()->wasm_byte_vec_new(&message, sizeof("no answer"), "no answer");
    return wasmtime()->wasm_trap_new(known.store, &message);
  }
  if (results->size != 0) {
    results->data[0].kind = known.kind;
    if (known.kind == WASM_F64)
      results->data[0].of.f64 = known.number;
    else
      results->data[0].of.i32 = static_cast<std::int32_t>(known.number);
  }
  return nullptr;
}

class WasmtimeGuest final : public Guest {
 public:
  WasmtimeGuest(const std::string& path, const Imports& imports) : api_(*wasmtime()), path_(path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    wasm_byte_vec_t binary;
    api_.wasm_byte_vec_new(&binary, bytes.size(), bytes.data());
    store_ = api_.wasm_store_new(api_.engine);
    wasm_module_t* const module = api_.wasm_module_new(store_, &binary);
    if (module == nullptr) give_up(fmt::format("Wasmtime refuses {}", path));
    instantiate(module, imports);
    find_exports(module);
  }

  Outcome call(const Call& call) override {
    wasm_func_t* const function = functions_.at(call.name);
    std::vector<wasm_val_t> arguments;
    for (const std::uint32_t argument : call.arguments) {
      wasm_val_t value{};
      value.kind = WASM_I32;
      value.of.i32 = static_cast<std::int32_t>(argument);
      arguments.push_back(value);
    }
    std::vector<wasm_val_t> result(results_.at(call.name));
    const wasm_val_vec_t given{arguments.size(), arguments.data()};
    wasm_val_vec_t got{result.size(), result.data()};
    const double start = processor_time();
    for (std::uint32_t i = 0; i < call.times; ++i) {
      if (wasm_trap_t* const trap = api_.wasm_func_call(function, &given, &got); trap != nullptr) {
        wasm_message_t message;
        api_.wasm_trap_message(trap, &message);
        give_up(fmt::format("Wasmtime: {}: {}: {}", path_, call.name, message.data));
      }
    }
    const double ns = processor_time() - start;
    return {result.empty() ? 0 : static_cast<std::uint32_t>(result[0].of.i32), ns};
  }
  void write(std::uint32_t address, std::string_view bytes) override {
    std::memcpy(api_.wasm_memory_data(memory_) + address, bytes.data(), bytes.size());
  }
  std::string read(std::uint32_t address, std::uint32_t bytes) override {
    return {api_.wasm_memory_data(memory_) + address, bytes};
  }
  void grow(std::uint32_t pages) override {
    if (!api_.wasm_memory_grow(memory_, pages)) give_up(fmt::format("Wasmtime: {} does not grow", path_));
  }

 private:
  void instantiate(wasm_module_t* module, const Imports& imports) {
    wasm_importtype_vec_t types;
    api_.wasm_module_imports(module, &types);
    std::vector<wasm_extern_t*> given;
    for (std::size_t i = 0; i < types.size; ++i) {
      const wasm_externtype_t* const type = api_.wasm_importtype_type(types.data[i]);
      if (api_.wasm_externtype_kind(type) == WASM_EXTERN_MEMORY) {
        given.push_back(
            api_.wasm_memory_as_extern(api_.wasm_memory_new(store_, api_.wasm_externtype_as_memorytype_const(type))));
        continue;
      }
      if (api_.wasm_externtype_kind(type) != WASM_EXTERN_FUNC) give_up(fmt::format("{} imports a table", path_));
      const wasm_name_t* const name = api_.wasm_importtype_name(types.data[i]);
      const auto known = imports.answers.find({name->data, name->size});
      const wasm_functype_t* const function = api_.wasm_externtype_as_functype_const(type);
      const wasm_valtype_vec_t* const results = api_.wasm_functype_results(function);
      Answer& what = *answers_.emplace_back(std::make_unique<Answer>());
      what.known = known != imports.answers.end();
      if (what.known) what.number = known->second;
      if (results->size != 0) what.kind = api_.wasm_valtype_kind(results->data[0]);
      what.store = store_;
      given.push_back(api_.wasm_func_as_extern(api_.wasm_func_new_with_env(store_, function, answer, &what, nullptr)));
    }
    const wasm_extern_vec_t externs{given.size(), given.data()};
    wasm_trap_t* trap = nullptr;
    instance_ = api_.wasm_instance_new(store_, module, &externs, &trap);
    if (instance_ == nullptr) give_up(fmt::format("Wasmtime cannot instantiate {}", path_));
  }

  void find_exports(wasm_module_t* module) {
    wasm_exporttype_vec_t types;
    api_.wasm_module_exports(module, &types);
    wasm_extern_vec_t externs;
    api_.wasm_instance_exports(instance_, &externs);
    for (std::size_t i = 0; i < types.size; ++i) {
      const wasm_name_t* const name = api_.wasm_exporttype_name(types.data[i]);
      if (wasm_func_t* const function = api_.wasm_extern_as_func(externs.data[i])) {
        functions_[{name->data, name->size}] = function;
        results_[{name->data, name->size}] = count_results(types.data[i]);
      }
      if (wasm_memory_t* const memory = api_.wasm_extern_as_memory(externs.data[i])) memory_ = memory;
    }
  }
  std::size_t count_results(const wasm_exporttype_t* type) {
    return api_.wasm_functype_results(api_.wasm_externtype_as_functype_const(api_.wasm_exporttype_type(type)))->size;
  }

  const Wasmtime& api_;
  std::string path_;
  wasm_store_t* store_ = nullptr;
  wasm_instance_t* instance_ = nullptr;
  wasm_memory_t* memory_ = nullptr;
  std::map<std::string, wasm_func_t*> functions_;
  std::map<std::string, std::size_t> results_;
  std::vector<std::unique_ptr<Answer>> answers_;
};

class NativeGuest final : public Guest {
 public:
  using Run = int (*)(int);
  explicit NativeGuest(Run run) : run_(run) {}
  Outcome call(const Call& call) override {
    if (call.name != "run") return {};  // _initialize: done when it was loaded
    int result = 0;
    const double start = processor_time();
    for (std::uint32_t i = 0; i < call.times; ++i) result = run_(static_cast<int>(call.arguments.at(0)));
    return {static_cast<std::uint32_t>(result), processor_time() - start};
  }
  void write(std::uint32_t, std::string_view) override {}
  std::string read(std::uint32_t, std::uint32_t) override { return {}; }
  void grow(std::uint32_t) override {}

 private:
  Run run_;
};

}  // namespace

bool has_wasmtime() { return wasmtime() != nullptr; }

std::unique_ptr<Guest> make_wasmtime_guest(const std::string& path, const Imports& imports) {
  if (wasmtime() == nullptr) return nullptr;
  return std::make_unique<WasmtimeGuest>(path, imports);
}

std::unique_ptr<Guest> make_native_guest(const std::string& name) {
  void* const library = ::dlopen(fmt::format("{}/{}.so", ANEW_BENCH_NATIVE, name).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  // All programs have this one function.
  return std::make_unique<NativeGuest>(reinterpret_cast<NativeGuest::Run>(::dlsym(library, "run")));
}

}  // namespace anew::bench
