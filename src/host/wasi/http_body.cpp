// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <algorithm>
#include <anew/wasi_http.hpp>
#include <cstring>

namespace anew::wasi::http {
namespace {

/// Without the lock: what it calls may ask the body something.
void call(const std::shared_ptr<const std::function<void()>>& notify) {
  if (notify != nullptr) (*notify)();
}

[[nodiscard]] std::shared_ptr<const std::function<void()>> shared(std::function<void()> function) {
  return function ? std::make_shared<const std::function<void()>>(std::move(function)) : nullptr;
}

}  // namespace

Body::Body(std::string bytes, Fields trailers)
    : bytes_(std::move(bytes)), capacity_(bytes_.size()), end_(End::kFinished), trailers_(std::move(trailers)) {}

std::size_t Body::write(std::span<const std::byte> bytes) {
  std::shared_ptr<const Notify> notify;
  std::size_t count = bytes.size();
  {
    const std::lock_guard lock(mutex_);
    if (end_ != End::kOpen || is_abandoned_) return count;
    count = std::min(count, capacity_ - unread());
    if (count == 0) return 0;
    if (unread() == 0) notify = on_readable_;
    if (first_ >= capacity_ / 2) bytes_.erase(0, std::exchange(first_, 0));
    bytes_.append(reinterpret_cast<const char*>(bytes.data()), count);  // bytes
  }
  call(notify);
  return count;
}

std::size_t Body::room() const {
  const std::lock_guard lock(mutex_);
  return capacity_ - unread();
}

void Body::finish(Fields trailers) {
  std::shared_ptr<const Notify> notify;
  {
    const std::lock_guard lock(mutex_);
    if (end_ != End::kOpen) return;
    end_ = End::kFinished;
    trailers_ = std::move(trailers);
    notify = on_readable_;
  }
  call(notify);
}

bool Body::is_abandoned() const {
  const std::lock_guard lock(mutex_);
  return is_abandoned_;
}

std::size_t Body::read(std::span<std::byte> bytes) {
  std::shared_ptr<const Notify> notify;
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    count = std::min(bytes.size(), unread());
    if (count == 0) return 0;
    if (unread() == capacity_) notify = on_writable_;
    std::memcpy(bytes.data(), bytes_.data() + first_, count);
    first_ += count;
    if (unread() == 0) {
      bytes_.clear();
      first_ = 0;
    }
  }
  call(notify);
  return count;
}

std::size_t Body::available() const {
  const std::lock_guard lock(mutex_);
  return unread();
}

Body::End Body::end() const {
  const std::lock_guard lock(mutex_);
  return end_ == End::kFinished && unread() > 0 ? End::kOpen : end_;
}

Fields Body::trailers() const {
  const std::lock_guard lock(mutex_);
  return trailers_;
}

Failure Body::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Body::abandon() {
  std::shared_ptr<const Notify> notify;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_abandoned_, true)) return;
    bytes_ = std::string();
    first_ = 0;
    notify = on_writable_;
  }
  call(notify);
}

void Body::fail(Failure failure) {
  std::shared_ptr<const Notify> readable;
  std::shared_ptr<const Notify> writable;
  {
    const std::lock_guard lock(mutex_);
    if (end_ != End::kOpen) return;
    end_ = End::kFailed;
    failure_ = std::move(failure);
    bytes_ = std::string();
    first_ = 0;
    readable = on_readable_;
    writable = on_writable_;
  }
  call(readable);
  call(writable);
}

void Body::on_readable(std::function<void()> function) {
  auto made = shared(std::move(function));
  const std::lock_guard lock(mutex_);
  on_readable_.swap(made);
}

void Body::on_writable(std::function<void()> function) {
  auto made = shared(std::move(function));
  const std::lock_guard lock(mutex_);
  on_writable_.swap(made);
}

}  // namespace anew::wasi::http
