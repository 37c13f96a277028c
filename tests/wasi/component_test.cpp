// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Programs that are components, with WASI 0.2.
#include <gtest/gtest.h>

#include <anew/component/component.hpp>
#include <anew/wasi.hpp>
#include <anew/wasi_http.hpp>
#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>

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

}  // namespace
}  // namespace anew::test
