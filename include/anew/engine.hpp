// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From bytes to machine code: an Engine compiles modules, keeps them in a cache on disk and loads and saves files.
#pragma once

#include <anew/error.hpp>
#include <anew/features.hpp>
#include <anew/types.hpp>
#include <anew/value.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anew {

/// BLAKE2b-256 of a binary, by which a chain's state names its code too: Module::code_hash() of the module that is
/// compiled from these bytes, and what PoolCache::get() finds its pool by. Compressed code has a hash of its own.
/// Thread-safe.
[[nodiscard]] ANEW_API Hash hash_code(std::span<const std::byte> code) noexcept;

namespace detail {
struct EngineState;
struct ModuleState;
}  // namespace detail

/// A value that is not allowed is reported by the engine's functions, with kArgument.
struct EngineOptions {
  unsigned compile_threads = 0;  ///< for one module; 0: all cores
  bool cache = true;             ///< keep compiled modules on disk
  /// Empty: $ANEW_CACHE_DIR, else $XDG_CACHE_HOME/anew, else ~/.cache/anew.
  std::filesystem::path cache_directory = {};
  std::uint64_t cache_bytes = 1ull << 30;  ///< the cache keeps at most this much on disk
  /// Memory that compiling one module may take; kLimit if it takes more. A module has its own limit besides, whatever
  /// this says: 24 MiB and 8 bytes for each of its own, and as much as one of its functions for each further thread.
  std::uint64_t maximum_compile_bytes = 4ull << 30;
  std::uint64_t stack_bytes = 1ull << 20;  ///< of a guest stack: a multiple of 4096 from 16 KiB to 4 GiB
  /// Proposals to WebAssembly that modules may use; kUnsupported, with the proposal's name, if one uses another. It
  /// holds for compiled modules and snapshots too, whoever wrote them.
  Features features = Features::all();
  // Tools outside of the program that are told of compiled code, with the names of the guest's functions, and its lines
  // of source where the module has DWARF (docs/debugging.md).
  bool perf_map = false;  ///< /tmp/perf-PID.map, in which perf looks up names
  bool jitdump = false;   ///< jit-PID.dump in the working directory, for `perf inject --jit`
  bool gdb = false;       ///< gdb's interface for code that is made as a program runs
  /// Called while a module compiles with (functions done, functions in all), from any thread, maybe several at once.
  std::function<void(std::uint32_t, std::uint32_t)> progress = {};
};

/// What tells a reset which pages of memory a call has written. All do the same; docs/ledgers.md shows what they cost.
enum class Ledger : std::uint8_t {
  kAuto,     ///< kCards; for a file of code without marks kPagemap or kCow. Module::ledger_reason() says why
  kCards,    ///< the compiled code marks what it writes: no system call, but a store costs a little more
  kPagemap,  ///< the kernel is asked which pages are the instance's own (PAGEMAP_SCAN, Linux 6.7; before that: kCow)
  kCow,      ///< the instance's own pages are given back, all of them; the image is mapped copy-on-write
};
/// "auto", "cards", "pagemap" or "cow".
[[nodiscard]] ANEW_API const char* to_string(Ledger ledger) noexcept;

/// How much work is put into code.
enum class Tier : std::uint8_t {
  kQuick,      ///< one pass, as fast as the module can be read
  kAuto,       ///< and functions that run long again with LLVM, in a process of its own, while the module runs
  kOptimized,  ///< and every function so, before compile() returns
};

/// What changes a module's machine code. No results depend on it, but for the traps of fuel and of stack_limit, and the
/// bits of NaNs. docs/determinism.md says what those who need the same results on every machine ask for.
struct CompileOptions {
  std::uint32_t card_bytes = 0;   ///< 512, 1024, 2048 or 4096; 0: chosen by the size of the module's memory
  Ledger ledger = Ledger::kAuto;  ///< code has marks with kAuto and kCards only
  /// Every access to memory is compared with the memory's size, rather than left to fault behind it. Then growing and
  /// shrinking back need no system call: for modules that grow their memory in every call.
  bool explicit_bounds = false;
  bool fuel = false;  ///< the code counts what it executes, and traps when its fuel is used up: see Lease::set_fuel
  /// Where the specification leaves open which NaN an operator gives, it is the positive canonical one; without this,
  /// the processor's.
  bool canonical_nan = false;
  /// How deep the calls of a call may nest: the code counts its frames, in units that the module alone determines, and
  /// traps with TrapKind::kStackExhausted past this many; 0: where the machine's stack ends
  /// (EngineOptions::stack_bytes). At most kMaximumStackLimit.
  std::uint32_t stack_limit = 0;
  Tier tier = Tier::kQuick;
  bool operator==(const CompileOptions&) const = default;
};

/// What the optimizing tier made of a module. What a call returns does not depend on it.
struct Optimization {
  struct Function {
    std::uint32_t function;  ///< index, imports included
    std::string reason;      ///< why it has its quick code
    bool for_now = false;    ///< a process failed or took too long: another time it may not
  };
  std::uint32_t optimized = 0;  ///< functions
  std::vector<Function> not_optimized;
  std::string note;  ///< why nothing is optimized, or nothing more, in words; empty if there is no such reason
};

/// What a module wants from a Linker.
struct ImportDescription {
  std::string module;
  std::string name;
  ExternalKind kind;
  std::string type;  ///< as text, such as "[i32] -> []"
};
/// What a module gives.
struct ExportDescription {
  std::string name;
  ExternalKind kind;
  std::string type;  ///< as text
};

/// Decoded, validated, compiled code. Immutable and cheap to copy; may be used from many threads, and after its Engine
/// is gone. One that was loaded from a snapshot file holds the snapshot too.
class ANEW_API Module {
 public:
  /// In the order of the binary.
  [[nodiscard]] std::vector<ImportDescription> imports() const;
  [[nodiscard]] std::vector<ExportDescription> exports() const;
  /// The type of an exported function. @return kNotFound, with near matches in the message, if there is none.
  [[nodiscard]] Result<FunctionType> function_type(std::string_view export_name) const;
  /// The ledger that resets use, never kAuto. Linked to a module without marks (Linker::define_module), the cards
  /// of one with marks are not used.
  [[nodiscard]] Ledger ledger() const noexcept;
  /// Why it is that one, in words.
  [[nodiscard]] const std::string& ledger_reason() const noexcept;
  /// BLAKE2b-256 of the binary, as hash_code() computes it.
  [[nodiscard]] const Hash& code_hash() const noexcept;
  /// The proposals that it needs: an engine that accepts these takes it.
  [[nodiscard]] Features features() const noexcept;
  /// Whether the machine code came from the code cache.
  [[nodiscard]] bool from_cache() const noexcept;
  /// Why the code cache was not used or not written, in words; empty if all went well. The module works all the same.
  [[nodiscard]] const std::string& cache_note() const noexcept;
  /// What the optimizing tier did so far. Of code from a file or the cache, only how many functions it has optimized.
  [[nodiscard]] Optimization optimization() const;
  /// Optimization::optimized alone.
  [[nodiscard]] std::uint32_t optimized_functions() const noexcept;

  /// For the library's own folders.
  [[nodiscard]] const std::shared_ptr<const detail::ModuleState>& state() const noexcept { return state_; }
  explicit Module(std::shared_ptr<const detail::ModuleState> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<const detail::ModuleState> state_;
};

/// Compiler settings, code cache, and what all modules share. Cheap to copy; may be used from many threads. The first
/// Engine of a process installs handlers for SIGSEGV, SIGBUS and SIGRTMAX - 1, which pass on every signal that is not
/// Anew's ("Signals" in docs/embedding.md).
class ANEW_API Engine {
 public:
  explicit Engine(EngineOptions options = {});

  /// Compiles a binary, or takes it from the code cache. The bytes are copied.
  /// @return kMalformed, kInvalid, kUnsupported, kLimit, with Error::offset; kArgument for bad options; kResource.
  [[nodiscard]] Result<Module> compile(std::span<const std::byte> binary, const CompileOptions& options = {}) const;
  /// Reads a file and compiles it. Also takes what save() and Pool::save_snapshot() wrote, after checking it; the
  /// content decides which it is. The code of save() must have been compiled with the options that are asked for.
  /// @return what compile() returns; kNotFound or kIo for the file; kArtifact for compiled code or a snapshot that is
  ///         refused.
  [[nodiscard]] Result<Module> load(const std::filesystem::path& path, const CompileOptions& options = {}) const;
  /// Writes the compiled module to a file (an ELF file that objdump and gdb read), atomically. @return kIo;
  /// kUnsupported for a module from a snapshot file, whose state it could not hold.
  [[nodiscard]] Result<void> save(const Module& module, const std::filesystem::path& path) const;

  /// For the library's own folders.
  [[nodiscard]] const std::shared_ptr<detail::EngineState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<detail::EngineState> state_;
};

}  // namespace anew
