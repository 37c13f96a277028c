// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "host/substrate/code_blob.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <anew/substrate.hpp>
#include <memory>

#include "runtime/stop.hpp"
#include "runtime/without_exceptions.hpp"

namespace anew::substrate {
namespace {

std::unexpected<Error> fail_code(std::string what) {
  return fail(ErrorCode::kMalformed, "compressed runtime code: " + std::move(what));
}

}  // namespace

bool is_code(std::span<const std::byte> bytes) noexcept {
  constexpr std::array<std::uint8_t, 4> kWasmMagic = {0x00, 0x61, 0x73, 0x6D};
  return (bytes.size() >= kWasmMagic.size() && std::memcmp(bytes.data(), kWasmMagic.data(), kWasmMagic.size()) == 0) ||
         is_compressed_code(bytes);
}

Result<Bytes> decompress_code(std::span<const std::byte> code) {
  return detail::without_exceptions("runtime code is decompressed", [&]() -> Result<Bytes> {
    if (!is_compressed_code(code)) return Bytes(code.begin(), code.end());
    const std::span<const std::byte> frames = code.subspan(kCompressedPrefix.size());
    const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
    if (context == nullptr) return fail(ErrorCode::kResource, "out of memory for decompressing runtime code");

    // The size that a frame announces is not trusted: the output grows with what really comes, to one byte past the
    // limit.
    Bytes bytes(std::min(std::max<std::size_t>(frames.size() * 4, 65'536), kMaximumCodeBytes + 1));
    ZSTD_inBuffer input{frames.data(), frames.size(), 0};
    ZSTD_outBuffer output{bytes.data(), bytes.size(), 0};
    std::size_t pending = 1;  // 0 once a frame is complete
    while (input.pos < input.size || (pending != 0 && output.pos == output.size)) {
      if (output.pos == output.size) {
        if (output.size > kMaximumCodeBytes) {
          return fail_code(
              fmt::format("would decompress to more than {} bytes, the most that a chain accepts", kMaximumCodeBytes));
        }
        bytes.resize(std::min(bytes.size() * 2, kMaximumCodeBytes + 1));
        output = {bytes.data(), bytes.size(), output.pos};
      }
      detail::check_stop();
      pending = ZSTD_decompressStream(context.get(), &output, &input);
      if (ZSTD_isError(pending) != 0) return fail_code(fmt::format("corrupt data: {}", ZSTD_getErrorName(pending)));
    }
    if (pending != 0) return fail_code("the data ends early");
    if (output.pos > kMaximumCodeBytes) {
      return fail_code(
          fmt::format("would decompress to more than {} bytes, the most that a chain accepts", kMaximumCodeBytes));
    }
    bytes.resize(output.pos);
    return bytes;
  });
}

}  // namespace anew::substrate
