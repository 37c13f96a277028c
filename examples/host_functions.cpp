// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Host functions: strings that go into a guest's memory and come out of it, state that the host keeps for an instance,
// a call back into the guest, and a host function that fails.
#include <algorithm>
#include <anew/anew.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// What the host keeps for an instance while it is leased.
struct Journal {
  std::vector<std::string> lines;
  void clear() noexcept { lines.clear(); }
};

std::string to_text(std::span<const std::byte> bytes) {
  std::string text(bytes.size(), '\0');
  std::ranges::transform(bytes, text.begin(), [](std::byte each) { return static_cast<char>(each); });
  return text;
}

/// A copy of the guest's bytes: what is in its memory may change as soon as it runs again.
anew::Result<std::string> read_string(const anew::MemoryView& memory, std::uint64_t address, std::uint64_t bytes) {
  const auto found = memory.read(address, bytes);  // an error if they are not all inside the memory
  if (!found) return std::unexpected(found.error());
  return to_text(*found);
}

anew::Result<void> write_string(anew::MemoryView memory, std::uint64_t address, std::string_view text) {
  auto room = memory.write(address, text.size());  // marked: the reset puts these bytes back
  if (!room) return std::unexpected(room.error());
  std::ranges::copy(std::as_bytes(std::span(text)), room->begin());
  return {};
}

anew::Linker make_linker() {
  anew::Linker linker;
  linker.define_state<Journal>({}, &Journal::clear);  // one for each instance; cleared when that is made as new
  linker.define(
      "env", "log",
      [](anew::Caller caller, Journal& journal, std::uint32_t text, std::uint32_t bytes) -> anew::Result<void> {
        auto line = read_string(caller.memory(), text, bytes);
        if (!line) return std::unexpected(line.error());  // traps the guest, with this message
        journal.lines.push_back(std::move(*line));
        return {};
      });

  const std::map<std::string, std::string> names = {{"Ada", "Ada Lovelace"}, {"Alan", "Alan Turing"}};
  linker.define("env", "full_name",
                [names](anew::Caller caller, std::uint32_t name, std::uint32_t bytes) -> anew::Result<std::uint64_t> {
                  const auto asked = read_string(caller.memory(), name, bytes);
                  if (!asked) return std::unexpected(asked.error());
                  const auto found = names.find(*asked);
                  if (found == names.end())
                    return anew::fail(anew::ErrorCode::kHost, "nobody is called \"" + *asked + "\"");
                  const auto size = static_cast<std::uint32_t>(found->second.size());
                  // The guest's own function, in the midst of its call.
                  const auto room = caller.call<std::uint32_t>("allocate", size);
                  if (!room) return std::unexpected(room.error());
                  const auto written = write_string(caller.memory(), *room, found->second);
                  if (!written) return std::unexpected(written.error());
                  return std::uint64_t{*room} << 32 | size;
                });
  return linker;
}

anew::Result<void> run(const char* path) {
  const anew::Engine engine;
  const auto module = engine.load(path);
  if (!module) return std::unexpected(module.error());

  const auto pool = anew::Pool::create(*module, make_linker(), {.capacity = 1});
  if (!pool) return std::unexpected(pool.error());

  const auto greet = anew::BytesFunction::find(*pool, "greet", "allocate");
  if (!greet) return std::unexpected(greet.error());
  for (const std::string_view name : {"Ada", "Bob", "Alan"}) {
    auto lease = pool->acquire();
    if (!lease) return std::unexpected(lease.error());
    const auto greeting = greet->call(*lease, std::as_bytes(std::span(name)));  // within the guest's memory
    std::printf("%s\n", greeting ? to_text(*greeting).c_str() : greeting.error().to_string().c_str());
    for (const std::string& line : lease->find_state<Journal>()->lines)
      std::printf("  its journal: %s\n", line.c_str());  // one line each time: the reset clears it
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: host_functions MODULE\n");
    return 64;
  }
  const auto done = run(argv[1]);
  if (!done) std::fprintf(stderr, "host_functions: %s\n", done.error().to_string().c_str());
  return done ? 0 : 1;
}
