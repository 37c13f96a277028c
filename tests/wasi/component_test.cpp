// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Programs that are components, with WASI 0.2.
#include <gtest/gtest.h>

#include <anew/component/component.hpp>
#include <anew/wasi.hpp>
#include <anew/wasi_http.hpp>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace anew::test {
namespace {

std::filesystem::path component_file(const char* name) {
  return std::filesystem::path(ANEW_SOURCE_DIR) / "tests/data/component" / name;
}

TEST(ProgramsOfComponents, AreAsNewInEachLease) {
  const Engine engine({.cache = false});
  const component::Component program = component::Component::load(engine, component_file("write.wasm")).value();
  anew::wasi::Options options;
  options.standard_output = anew::wasi::Capture{};
  anew::component::Linker linker;
  if (const auto defined = anew::wasi::define(linker, options); !defined) FAIL() << defined.error().to_string();
  const anew::component::Pool pool = anew::component::Pool::create(program, linker).value();
  for (int request = 0; request < 3; ++request) {
    anew::component::Lease lease = pool.acquire().value();
    const anew::Result<std::uint32_t> code = anew::wasi::run(lease);  // or what it exited with, or the trap
    EXPECT_EQ(code.value(), 0u);                                      // ok; 1 for an error
    EXPECT_EQ(anew::wasi::Context::find(lease.core())->standard_output(), "run 1 of a component\n");
  }
}

TEST(ProgramsOfComponents, ReturnTheirErrors) {
  const Engine engine({.cache = false});
  const component::Component program = component::Component::load(engine, component_file("write.wasm")).value();
  component::Linker linker;
  ASSERT_TRUE(wasi::define(linker, {.standard_output = wasi::Capture{.maximum_bytes = 4}}));
  const component::Pool pool = component::Pool::create(program, linker).value();
  component::Lease lease = pool.acquire().value();
  const auto code = wasi::run(lease);
  ASSERT_TRUE(code) << code.error().to_string();
  EXPECT_EQ(*code, 1u);
  EXPECT_EQ(wasi::Context::find(lease.core())->standard_output(), "run ");
}

/// The component of echo.wat, which answers a request with its own body.
class Echo : public ::testing::Test {
 protected:
  Echo() {
    if (!wasi::define(linker_, {}) || !wasi::http::define(linker_)) throw std::runtime_error("define failed");
    const Engine engine({.cache = false});
    pool_ = component::Pool::create(component::Component::load(engine, component_file("echo.wasm")).value(), linker_,
                                    {.capacity = 1})
                .value();
  }
  /// Handles a request with a body; what the response's is goes to a thread of its own meanwhile.
  Result<void> handle(component::Lease& lease, std::shared_ptr<wasi::http::Body> body) {
    std::jthread reader;
    auto done = wasi::http::handle(lease, wasi::http::find_handler(*pool_).value(),
                                   {.method = "POST", .path = "/", .body = std::move(body)},
                                   [&](wasi::http::Outcome<wasi::http::Response> response) {
                                     ASSERT_TRUE(response);
                                     response_ = *response;
                                     ++responses_;
                                     reader = std::jthread([this] {
                                       std::array<std::byte, 5000> bytes;
                                       while (response_.body->end() == wasi::http::Body::End::kOpen) {
                                         const std::size_t count = response_.body->read(bytes);
                                         received_.append(reinterpret_cast<const char*>(bytes.data()), count);
                                         if (count == 0) std::this_thread::yield();
                                       }
                                     });
                                   });
    return done;
  }

  component::Linker linker_;
  std::optional<component::Pool> pool_;
  wasi::http::Response response_;
  std::string received_;
  int responses_ = 0;
};

TEST_F(Echo, AnswersAsNewEachTime) {
  for (int i = 0; i < 3; ++i) {
    component::Lease lease = pool_->acquire().value();
    received_.clear();
    const std::string sent(static_cast<std::size_t>(i), 'x');
    const auto done = handle(lease, std::make_shared<wasi::http::Body>(sent));
    ASSERT_TRUE(done) << done.error().to_string();
    EXPECT_EQ(response_.status, 200);
    EXPECT_EQ(received_, sent);
    EXPECT_EQ(response_.body->end(), wasi::http::Body::End::kFinished);
  }
  EXPECT_EQ(responses_, 3);
}

TEST_F(Echo, StreamsBodiesThatAreLargerThanWhatIsKept) {
  const auto body = std::make_shared<wasi::http::Body>();
  std::string sent;
  for (int i = 0; i < 1'000'000; ++i) sent += static_cast<char>('a' + i % 23);
  std::jthread writer([&] {
    for (auto rest = std::as_bytes(std::span(sent)); !rest.empty();) {
      const std::size_t count = body->write(rest);
      rest = rest.subspan(count);
      if (count == 0) std::this_thread::yield();
    }
    body->finish();
  });
  component::Lease lease = pool_->acquire().value();
  const auto done = handle(lease, body);
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_EQ(received_, sent);
}

TEST_F(Echo, AClientThatIsGoneEndsIt) {
  const auto body = std::make_shared<wasi::http::Body>();
  std::jthread client([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    body->fail({.code = wasi::http::ErrorCode::kConnectionTerminated});
  });
  component::Lease lease = pool_->acquire().value();
  const auto done = handle(lease, body);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().trap, TrapKind::kUnreachable);
  EXPECT_EQ(response_.body->end(), wasi::http::Body::End::kFailed);
}

TEST_F(Echo, ItsDeadlineEndsIt) {
  const auto body = std::make_shared<wasi::http::Body>();
  component::Lease lease = pool_->acquire().value();
  lease.core().set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(30));
  const auto done = handle(lease, body);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().trap, TrapKind::kInterrupted);
  EXPECT_EQ(response_.body->end(), wasi::http::Body::End::kFailed);
  EXPECT_TRUE(body->is_abandoned());
}

/// The component of late.wat, which waits for 300 ms before it answers, and that of echo.wat: begun, and gone on with.
class Waiting : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kMany = 500;

  component::Pool make_pool(const char* file) {
    component::Linker linker;
    if (!wasi::define(linker, {}) || !wasi::http::define(linker)) throw std::runtime_error("define failed");
    const Engine engine({.cache = false});
    return component::Pool::create(component::Component::load(engine, component_file(file)).value(), linker,
                                   {.capacity = kMany})
        .value();
  }
  wasi::http::Handling begin(const component::Pool& pool, std::shared_ptr<wasi::http::Body> body = nullptr) {
    wasi::http::Request request{.path = "/"};
    if (body == nullptr) body = std::make_shared<wasi::http::Body>(std::string());
    request.body = std::move(body);
    return wasi::http::Handling::begin(pool.acquire().value(), wasi::http::find_handler(pool).value(),
                                       std::move(request),
                                       [this](wasi::http::Outcome<wasi::http::Response> response) {
                                         ASSERT_TRUE(response);
                                         response_ = *std::move(response);
                                         ++responses_;
                                       })
        .value();
  }
  std::string received() {
    std::string text(1000, '\0');
    text.resize(response_.body->read(std::as_writable_bytes(std::span(text))));
    return text;
  }

  wasi::http::Response response_;
  std::uint32_t responses_ = 0;
};

TEST_F(Waiting, ManyWaitForTimeInOneThread) {
  const component::Pool pool = make_pool("late.wasm");
  std::mutex mutex;
  std::condition_variable is_ready;
  std::vector<std::uint32_t> ready;
  std::vector<wasi::http::Handling> all;
  const auto tell = [&](std::uint32_t number) {
    all[number].call().on_ready([&, number] {
      const std::lock_guard lock(mutex);
      ready.push_back(number);
      is_ready.notify_one();
    });
  };
  const auto begin_time = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; i < kMany; ++i) {
    all.push_back(begin(pool));
    ASSERT_FALSE(all.back().call().is_done());
  }
  for (std::uint32_t i = 0; i < kMany; ++i) tell(i);
  EXPECT_EQ(responses_, 0u);
  for (std::uint32_t done = 0; done < kMany;) {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(is_ready.wait_for(lock, std::chrono::seconds(60), [&] { return !ready.empty(); }));
    const std::uint32_t number = ready.back();
    ready.pop_back();
    lock.unlock();
    if (!all[number].call().resume()) {
      tell(number);
      continue;
    }
    const auto ended = all[number].end();
    ASSERT_TRUE(ended) << ended.error().to_string();
    ++done;
  }
  EXPECT_EQ(responses_, kMany);
  EXPECT_GE(std::chrono::steady_clock::now() - begin_time, std::chrono::milliseconds(300));
}

TEST_F(Waiting, ForABodyGoesOnWithEachPiece) {
  const component::Pool pool = make_pool("echo.wasm");
  const auto body = std::make_shared<wasi::http::Body>();
  wasi::http::Handling handling = begin(pool, body);
  EXPECT_EQ(responses_, 1u);
  EXPECT_FALSE(handling.call().is_ready());
  EXPECT_FALSE(handling.call().resume());
  for (const char* const piece : {"one", "two"}) {
    int told = 0;
    handling.call().on_ready([&] { ++told; });
    EXPECT_EQ(body->write(std::as_bytes(std::span(piece, 3))), 3u);
    EXPECT_EQ(told, 1);
    EXPECT_FALSE(handling.call().resume());  // and waits for more
    EXPECT_EQ(received(), piece);
  }
  body->finish();
  EXPECT_TRUE(handling.call().resume());
  ASSERT_TRUE(handling.end());
  EXPECT_EQ(response_.body->end(), wasi::http::Body::End::kFinished);
}

TEST_F(Waiting, ForRoomGoesOnWhenThereIsSome) {
  const component::Pool pool = make_pool("echo.wasm");
  const std::string sent(wasi::http::Body::kCapacity + 500, 'x');
  wasi::http::Handling handling = begin(pool, std::make_shared<wasi::http::Body>(sent));
  EXPECT_FALSE(handling.call().is_done());
  std::string got = received();
  EXPECT_EQ(got.size(), 1000u);
  EXPECT_TRUE(handling.call().resume());
  ASSERT_TRUE(handling.end());
  while (response_.body->available() > 0) got += received();
  EXPECT_EQ(got, sent);
}

TEST_F(Waiting, MayBeGivenUpAndIsAsNewBehindThat) {
  const component::Pool pool = make_pool("echo.wasm");
  for (int i = 0; i < 3; ++i) {
    const auto body = std::make_shared<wasi::http::Body>();
    std::optional<wasi::http::Handling> handling = begin(pool, body);
    int told = 0;
    handling->call().on_ready([&] { ++told; });
    handling.reset();
    EXPECT_TRUE(body->is_abandoned());
    EXPECT_EQ(response_.body->end(), wasi::http::Body::End::kFailed);
    (void)body->write(std::as_bytes(std::span("x", 1)));  // nobody is there any more
    EXPECT_EQ(told, 0);
  }
  const component::Pool late = make_pool("late.wasm");
  {
    const wasi::http::Handling handling = begin(late);
  }
  wasi::http::Handling handling = begin(late);
  while (!handling.call().is_ready()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(handling.call().resume());
  EXPECT_TRUE(handling.end());
}

TEST_F(Waiting, PastItsDeadlineEndsWhenItGoesOn) {
  const component::Pool pool = make_pool("echo.wasm");
  const auto body = std::make_shared<wasi::http::Body>();
  component::Lease lease = pool.acquire().value();
  lease.core().set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  auto handling = wasi::http::Handling::begin(std::move(lease), wasi::http::find_handler(pool).value(),
                                              {.path = "/", .body = body}, [](const auto&) {})
                      .value();
  ASSERT_FALSE(handling.call().is_done());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  body->finish();
  EXPECT_TRUE(handling.call().resume());
  const auto ended = handling.end();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().trap, TrapKind::kInterrupted);
}

TEST_F(Waiting, GoesOnOnAnotherThread) {
  const component::Pool pool = make_pool("echo.wasm");
  const auto body = std::make_shared<wasi::http::Body>();
  wasi::http::Handling handling = begin(pool, body);
  for (int i = 0; i < 3; ++i) {
    std::jthread([&] {
      (void)body->write(std::as_bytes(std::span("x", 1)));
      EXPECT_FALSE(handling.call().resume());
    }).join();
  }
  body->finish();
  EXPECT_TRUE(handling.call().resume());
  EXPECT_TRUE(handling.end());
  EXPECT_EQ(received(), "xxx");
}

}  // namespace
}  // namespace anew::test
