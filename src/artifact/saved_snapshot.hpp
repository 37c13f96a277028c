// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A snapshot on disk: the modules of a store as binaries, and the state of their instances.
//
// It holds no machine code. Whoever loads it compiles the modules, or takes them from the code cache, so a file serves
// any later Anew and any processor; and a hostile one can do no more than a hostile module: the reader here checks
// lengths and the hash, reset/saved.cpp that every number fits the modules. References to functions are numbers
// (StoreState::function_number).
//
// All integers are little-endian, 8 bytes each; byte strings are preceded by their length and padded to 8 bytes.
//
//   "ANEWSNAP"  version  bytes of the file  hash (XXH3-128, canonical form, of all other bytes)
//   flags (1: the start function runs after each restore, 2: of a component)  extra memory pages  instances
//   each instance: names, binary, slots of its own globals, dropped segments (a byte each), memories, tables
//   each memory: index, size in bytes, numbers of the 4 KiB pages that are not zero, their content
//   each table: index, elements
//   of a component, whose instances have no names and no binaries of their own: its binary, instances of it, each one's
//   handles (component/handles.hpp)
#pragma once

#include <anew/error.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace anew::artifact {

inline constexpr std::uint64_t kSavedSnapshotVersion = 1;
/// Larger files are refused.
inline constexpr std::uint64_t kMaximumSavedBytes = 8ull << 30;

/// And those with more instances: each takes mappings, of which a process has few, and a file could list millions.
inline constexpr std::uint64_t kMaximumSavedInstances = 1000;

struct SavedMemory {
  std::uint64_t memory = 0;
  std::uint64_t bytes = 0;
  std::vector<std::uint64_t> pages;        ///< ascending
  std::vector<const std::byte*> contents;  ///< of each page: 4096 bytes
};

struct SavedTable {
  std::uint64_t table = 0;
  std::vector<std::uint64_t> elements;
};

struct SavedInstance {
  std::vector<std::string> names;  ///< that imports find it by
  std::span<const std::byte> binary;
  std::vector<std::uint64_t> globals;
  std::vector<std::byte> dropped;  ///< data segments, then element segments
  std::vector<SavedMemory> memories;
  std::vector<SavedTable> tables;
};

struct SavedSnapshot {
  bool start_after_restore = false;
  std::uint64_t extra_memory_pages = 0;
  std::vector<SavedInstance> instances;  ///< the main one last
  /// The binary of the component that the instances are those of, and what each of its own instances has of handles.
  std::span<const std::byte> component;
  std::vector<std::vector<std::uint64_t>> handles;
  std::shared_ptr<const void> owner;  ///< keeps what the views look at

  [[nodiscard]] bool is_component() const noexcept { return !component.empty(); }
};

[[nodiscard]] std::vector<std::byte> encode(const SavedSnapshot& snapshot);

/// @param where  names the file, for messages. @return kArtifact if the bytes are truncated, altered, or of another
///               version.
[[nodiscard]] Result<SavedSnapshot> decode_saved(std::vector<std::byte> bytes, const std::string& where);

/// Whether a file that begins so may be a snapshot.
[[nodiscard]] bool has_snapshot_magic(std::span<const std::byte> bytes) noexcept;
/// Whether one of which these are the first kSnapshotBeginning bytes may be a component's.
[[nodiscard]] bool has_component_snapshot_magic(std::span<const std::byte> bytes) noexcept;
inline constexpr std::size_t kSnapshotBeginning = 48;

}  // namespace anew::artifact
