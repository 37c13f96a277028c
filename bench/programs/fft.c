// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A fast Fourier transform of 2^n points there and back in single precision; the twiddle factors by recurrence.
enum { kMost = 1 << 15 };
static float re[kMost], im[kMost];

static void transform(int bits, float direction) {
  const int points = 1 << bits;
  for (int i = 1, j = 0; i < points; ++i) {
    int bit = points >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const float r = re[i], s = im[i];
      re[i] = re[j], im[i] = im[j];
      re[j] = r, im[j] = s;
    }
  }
  float cosine = -1, sine = 0;  // of the angle between neighbours, halved from stage to stage
  for (int half = 1; half < points; half <<= 1) {
    float wr = 1, wi = 0;
    for (int k = 0; k < half; ++k) {
      for (int i = k; i < points; i += 2 * half) {
        const float tr = wr * re[i + half] - wi * im[i + half];
        const float ti = wr * im[i + half] + wi * re[i + half];
        re[i + half] = re[i] - tr, im[i + half] = im[i] - ti;
        re[i] += tr, im[i] += ti;
      }
      const float next = wr * cosine - wi * sine;
      wi = wr * sine + wi * cosine;
      wr = next;
    }
    sine = direction * __builtin_sqrtf((1 - cosine) / 2);
    cosine = __builtin_sqrtf((1 + cosine) / 2);
  }
}

__attribute__((export_name("run"))) int run(int bits) {
  const int points = 1 << bits;
  for (int i = 0; i < points; ++i) re[i] = (float)(i * 7919 % 1021) - 510, im[i] = 0;
  transform(bits, 1);
  transform(bits, -1);
  int digest = 0;
  for (int i = 0; i < points; ++i) digest += (int)(re[i] / (float)points * 16) ^ i;
  return digest;
}
