// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pancake flipping over all permutations of n: short loops over a small array of ints.
static int p[16], q[16], s[16];
__attribute__((export_name("run"))) int run(int n) {
  int sign = 1, most = 0, sum = 0;
  for (int i = 0; i < n; ++i) p[i] = q[i] = s[i] = i;
  for (;;) {
    int q0 = p[0];
    if (q0 != 0) {
      for (int i = 1; i < n; ++i) q[i] = p[i];
      int flips = 1;
      for (;;) {
        int qq = q[q0];
        if (qq == 0) {
          sum += sign * flips;
          if (flips > most) most = flips;
          break;
        }
        q[q0] = q0;
        if (q0 >= 3) {
          int i = 1, j = q0 - 1;
          do {
            int t = q[i];
            q[i++] = q[j];
            q[j--] = t;
          } while (i < j);
        }
        q0 = qq;
        ++flips;
      }
    }
    if (sign == 1) {
      int t = p[0];
      p[0] = p[1], p[1] = t, sign = -1;
    } else {
      int t = p[1];
      p[1] = p[2], p[2] = t, sign = 1;
      for (int i = 2; i < n; ++i) {
        int sx = s[i];
        if (sx != 0) {
          s[i] = sx - 1;
          break;
        }
        if (i == n - 1) return sum * 100 + most;
        s[i] = i;
        int first = p[0];
        for (int j = 0; j <= i; ++j) p[j] = p[j + 1];
        p[i + 1] = first;
      }
    }
  }
}
