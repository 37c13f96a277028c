// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a descriptor lets a guest do (`rights` of wasi_snapshot_preview1.witx).
#pragma once

#include <cstdint>

#include "os/sandbox/files.hpp"

namespace anew::wasi {

using Rights = std::uint64_t;

namespace right {
inline constexpr Rights kFdDatasync = 1ULL << 0;
inline constexpr Rights kFdRead = 1ULL << 1;
inline constexpr Rights kFdSeek = 1ULL << 2;
inline constexpr Rights kFdFdstatSetFlags = 1ULL << 3;
inline constexpr Rights kFdSync = 1ULL << 4;
inline constexpr Rights kFdTell = 1ULL << 5;
inline constexpr Rights kFdWrite = 1ULL << 6;
inline constexpr Rights kFdAdvise = 1ULL << 7;
inline constexpr Rights kFdAllocate = 1ULL << 8;
inline constexpr Rights kPathCreateDirectory = 1ULL << 9;
inline constexpr Rights kPathCreateFile = 1ULL << 10;
inline constexpr Rights kPathLinkSource = 1ULL << 11;
inline constexpr Rights kPathLinkTarget = 1ULL << 12;
inline constexpr Rights kPathOpen = 1ULL << 13;
inline constexpr Rights kFdReaddir = 1ULL << 14;
inline constexpr Rights kPathReadlink = 1ULL << 15;
inline constexpr Rights kPathRenameSource = 1ULL << 16;
inline constexpr Rights kPathRenameTarget = 1ULL << 17;
inline constexpr Rights kPathFilestatGet = 1ULL << 18;
inline constexpr Rights kPathFilestatSetSize = 1ULL << 19;
inline constexpr Rights kPathFilestatSetTimes = 1ULL << 20;
inline constexpr Rights kFdFilestatGet = 1ULL << 21;
inline constexpr Rights kFdFilestatSetSize = 1ULL << 22;
inline constexpr Rights kFdFilestatSetTimes = 1ULL << 23;
inline constexpr Rights kPathSymlink = 1ULL << 24;
inline constexpr Rights kPathRemoveDirectory = 1ULL << 25;
inline constexpr Rights kPathUnlinkFile = 1ULL << 26;
inline constexpr Rights kPollFdReadwrite = 1ULL << 27;
inline constexpr Rights kSockShutdown = 1ULL << 28;
inline constexpr Rights kSockAccept = 1ULL << 29;

/// Those by which something on disk changes. A hard link counts: it makes a file changeable by another name.
inline constexpr Rights kChanges = kFdWrite | kFdAllocate | kPathCreateDirectory | kPathCreateFile | kPathLinkSource |
                                   kPathLinkTarget | kPathRenameSource | kPathRenameTarget | kPathFilestatSetSize |
                                   kPathFilestatSetTimes | kFdFilestatSetSize | kFdFilestatSetTimes | kPathSymlink |
                                   kPathRemoveDirectory | kPathUnlinkFile;
inline constexpr Rights kOfStreams = kFdRead | kFdWrite | kFdFdstatSetFlags | kFdFilestatGet | kPollFdReadwrite;
inline constexpr Rights kOfSockets = kOfStreams | kSockShutdown | kSockAccept;
inline constexpr Rights kOfFiles = kOfStreams | kFdDatasync | kFdSeek | kFdSync | kFdTell | kFdAdvise | kFdAllocate |
                                   kFdFilestatSetSize | kFdFilestatSetTimes;
inline constexpr Rights kOfDirectories =
    kFdFdstatSetFlags | kFdSync | kFdAdvise | kPathCreateDirectory | kPathCreateFile | kPathLinkSource |
    kPathLinkTarget | kPathOpen | kFdReaddir | kPathReadlink | kPathRenameSource | kPathRenameTarget |
    kPathFilestatGet | kPathFilestatSetSize | kPathFilestatSetTimes | kFdFilestatGet | kFdFilestatSetTimes |
    kPathSymlink | kPathRemoveDirectory | kPathUnlinkFile | kPollFdReadwrite;
}  // namespace right

/// Those that mean something for what a descriptor is. Guests' libraries take a character device for a terminal unless
/// it has the rights to seek and to tell, so other devices have them, although seeking fails.
[[nodiscard]] constexpr Rights rights_of(os::NodeKind kind, bool is_terminal) noexcept {
  switch (kind) {
    case os::NodeKind::kDirectory: return right::kOfDirectories;
    case os::NodeKind::kRegular:
    case os::NodeKind::kBlockDevice: return right::kOfFiles;
    case os::NodeKind::kStreamSocket:
    case os::NodeKind::kDatagramSocket: return right::kOfSockets;
    case os::NodeKind::kCharacterDevice: return right::kOfStreams | (is_terminal ? 0 : right::kFdSeek | right::kFdTell);
    default: return right::kOfStreams;
  }
}

}  // namespace anew::wasi
