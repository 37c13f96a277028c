// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Five bodies under gravity: dependent double arithmetic with stores of positions and velocities.
struct Body { double x, y, z, vx, vy, vz, mass; };
static struct Body bodies[5];
__attribute__((export_name("run"))) int run(int steps) {
  for (int i = 0; i < 5; ++i) {
    struct Body body = {i * 1.5, i * i * 0.25, i * 0.125, 0.01 * i, 0.5 - 0.1 * i, 0.003 * i, i == 0 ? 39.5 : 0.01 / (i + 1)};
    bodies[i] = body;
  }
  for (int s = 0; s < steps; ++s) {
    for (int i = 0; i < 5; ++i)
      for (int j = i + 1; j < 5; ++j) {
        double dx = bodies[i].x - bodies[j].x, dy = bodies[i].y - bodies[j].y, dz = bodies[i].z - bodies[j].z;
        double distance = dx * dx + dy * dy + dz * dz + 0.01;
        double magnitude = 0.001 / (distance * __builtin_sqrt(distance));
        bodies[i].vx -= dx * bodies[j].mass * magnitude;
        bodies[i].vy -= dy * bodies[j].mass * magnitude;
        bodies[i].vz -= dz * bodies[j].mass * magnitude;
        bodies[j].vx += dx * bodies[i].mass * magnitude;
        bodies[j].vy += dy * bodies[i].mass * magnitude;
        bodies[j].vz += dz * bodies[i].mass * magnitude;
      }
    for (int i = 0; i < 5; ++i) {
      bodies[i].x += 0.001 * bodies[i].vx;
      bodies[i].y += 0.001 * bodies[i].vy;
      bodies[i].z += 0.001 * bodies[i].vz;
    }
  }
  return (int)(bodies[0].x * 1e6 + bodies[1].y * 1e6);
}
