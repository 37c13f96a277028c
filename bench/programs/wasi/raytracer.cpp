// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Traces an image of n by n pixels of spheres on a floor with mirrors and shadows: virtual calls on small objects, and
// double precision.
#include <cmath>
#include <memory>
#include <vector>

namespace {

struct Vector {
  double x, y, z;
  Vector operator+(const Vector& b) const { return {x + b.x, y + b.y, z + b.z}; }
  Vector operator-(const Vector& b) const { return {x - b.x, y - b.y, z - b.z}; }
  Vector operator*(double by) const { return {x * by, y * by, z * by}; }
  double dot(const Vector& b) const { return x * b.x + y * b.y + z * b.z; }
  Vector unit() const { return *this * (1 / std::sqrt(dot(*this))); }
};
struct Ray {
  Vector from, to;
};

class Shape {
 public:
  virtual ~Shape() = default;
  /// How far along the ray it is hit; infinity if it is not.
  virtual double hit(const Ray& ray) const = 0;
  virtual Vector normal(const Vector& at) const = 0;
  virtual double brightness(const Vector& at) const = 0;
};

class Sphere final : public Shape {
 public:
  Sphere(Vector center, double radius) : center_(center), radius_(radius) {}
  double hit(const Ray& ray) const override {
    const Vector d = ray.from - center_;
    const double b = d.dot(ray.to);
    const double inside = b * b - d.dot(d) + radius_ * radius_;
    if (inside < 0) return INFINITY;
    const double distance = -b - std::sqrt(inside);
    return distance > 1e-6 ? distance : INFINITY;
  }
  Vector normal(const Vector& at) const override { return (at - center_) * (1 / radius_); }
  double brightness(const Vector&) const override { return 0.8; }

 private:
  Vector center_;
  double radius_;
};

class Floor final : public Shape {
 public:
  double hit(const Ray& ray) const override {
    const double distance = -ray.from.y / ray.to.y;
    return distance > 1e-6 ? distance : INFINITY;
  }
  Vector normal(const Vector&) const override { return {0, 1, 0}; }
  double brightness(const Vector& at) const override {
    return ((static_cast<int>(std::floor(at.x)) ^ static_cast<int>(std::floor(at.z))) & 1) != 0 ? 0.9 : 0.2;
  }
};

using Scene = std::vector<std::unique_ptr<Shape>>;

const Shape* nearest(const Scene& scene, const Ray& ray, double& distance) {
  const Shape* found = nullptr;
  distance = INFINITY;
  for (const auto& shape : scene) {
    if (const double d = shape->hit(ray); d < distance) {
      distance = d;
      found = shape.get();
    }
  }
  return found;
}

double trace(const Scene& scene, const Ray& ray, int bounces) {
  double distance;
  const Shape* shape = nearest(scene, ray, distance);
  if (!shape) return 0.3;
  const Vector at = ray.from + ray.to * distance;
  const Vector normal = shape->normal(at);
  const Vector light = Vector{3, 5, -2}.unit();
  double unused;
  double result = 0.1;
  if (!nearest(scene, {at, light}, unused)) result += std::fmax(0, normal.dot(light)) * shape->brightness(at);
  if (bounces == 0) return result;
  const Vector mirrored = ray.to - normal * (2 * normal.dot(ray.to));
  return 0.7 * result + 0.3 * trace(scene, {at, mirrored}, bounces - 1);
}

}  // namespace

extern "C" __attribute__((export_name("run"))) int run(int n) {
  Scene scene;
  scene.push_back(std::make_unique<Floor>());
  for (int i = 0; i < 9; ++i)
    scene.push_back(std::make_unique<Sphere>(Vector{i % 3 * 1.5 - 1.5, 0.6, i / 3 * 1.5 + 2.0}, 0.6));
  double sum = 0;
  for (int y = 0; y < n; ++y)
    for (int x = 0; x < n; ++x)
      sum += trace(scene, {{0, 2, -3}, Vector{x * 2.0 / n - 1, 0.4 - y * 1.4 / n, 1.5}.unit()}, 3);
  return static_cast<int>(sum * 256);
}
