// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Encodes an image of n by n pixels as PNG and decodes it again (stb_image_write, stb_image).
#include <stdlib.h>
#include <string.h>
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_ASSERT(condition) ((void)(condition))
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(condition) ((void)(condition))
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

__attribute__((export_name("run"))) int run(int n) {
  const size_t bytes = 3u * (size_t)n * (size_t)n;
  unsigned char* pixels = malloc(bytes);
  if (!pixels) return -1;
  unsigned noise = 1;
  for (int y = 0, at = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      noise = noise * 1664525u + 1013904223u;
      pixels[at++] = (unsigned char)(x * 255 / n);
      pixels[at++] = (unsigned char)((x ^ y) & 0xF0);
      pixels[at++] = (unsigned char)(y + (noise >> 30));
    }
  }
  int encoded_bytes = 0, width = 0, height = 0, channels = 0;
  unsigned char* encoded = stbi_write_png_to_mem(pixels, 3 * n, n, n, 3, &encoded_bytes);
  unsigned char* decoded = encoded ? stbi_load_from_memory(encoded, encoded_bytes, &width, &height, &channels, 3) : 0;
  const int same = decoded && width == n && height == n && memcmp(pixels, decoded, bytes) == 0;
  free(decoded);
  free(encoded);
  free(pixels);
  return same ? encoded_bytes : -1;
}
