// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Requests that guests make, to servers of this process: right ones, slow ones, and such as break the protocol.
#include "serve/http_client.hpp"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>

#include "serve/client.hpp"
#include "serve/http_component.hpp"

namespace anew::serve::testing {
namespace {

namespace http = wasi::http;
using http::Body;
using http::Fields;
using Code = http::ErrorCode;

/// A listening socket on this machine.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(socket_, 64) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    port_ = ntohs(address.sin_port);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { ::close(socket_); }
  [[nodiscard]] std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int accept() const { return ::accept(socket_, nullptr, nullptr); }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

/// Answers one request with what a test says, once it has all that it waits for.
class Canned {
 public:
  /// @param awaited  the request's end.
  Canned(std::string awaited, std::string answer)
      : thread_([this, awaited = std::move(awaited), answer = std::move(answer)] {
          const int socket = listener_.accept();
          char bytes[4096];
          while (request_.find(awaited) == std::string::npos) {
            const ssize_t count = ::recv(socket, bytes, sizeof bytes, 0);
            if (count <= 0) break;
            request_.append(bytes, static_cast<std::size_t>(count));
          }
          static_cast<void>(::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL));
          ::close(socket);
        }) {}
  Canned(const Canned&) = delete;
  Canned& operator=(const Canned&) = delete;
  ~Canned() { join(); }

  [[nodiscard]] std::string authority() const { return listener_.authority(); }
  /// What it was sent.
  const std::string& request() {
    join();
    return request_;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  Listener listener_;
  std::string request_;
  std::thread thread_;
};

/// A response, or why there is none, as another thread gives it.
class Answered {
 public:
  [[nodiscard]] http::TakeResponse taker() {
    return [this](http::Outcome<http::Response> response) {
      const std::lock_guard lock(mutex_);
      EXPECT_FALSE(response_) << "it was given already";
      response_ = std::move(response);
      is_there_.notify_all();
    };
  }
  http::Outcome<http::Response>& get() {
    std::unique_lock lock(mutex_);
    const bool came = is_there_.wait_for(lock, std::chrono::seconds(60), [&] { return response_.has_value(); });
    if (!came) throw std::runtime_error("there is no answer");
    return *response_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable is_there_;
  std::optional<http::Outcome<http::Response>> response_;
};

/// All of a body, and how it ended.
std::string read_all(Body& body) {
  std::mutex mutex;
  std::condition_variable told;
  bool is_told = false;
  body.on_readable([&] {
    const std::lock_guard lock(mutex);
    is_told = true;
    told.notify_all();
  });
  std::string text;
  char bytes[4096];
  for (;;) {
    const std::size_t count = body.read(std::as_writable_bytes(std::span(bytes)));
    text.append(bytes, count);
    if (count > 0) continue;
    if (body.end() != Body::End::kOpen) break;
    std::unique_lock lock(mutex);
    if (!told.wait_for(lock, std::chrono::seconds(60), [&] { return is_told; })) {
      ADD_FAILURE() << "the body does not end";
      break;
    }
    is_told = false;
  }
  body.on_readable({});
  return text;
}

class HttpClient : public ::testing::Test {
 protected:
  http::Outcome<http::Response> ask(const std::string& authority, http::Request request = {},
                                    const http::RequestTimes& times = {}) {
    if (!request.scheme) request.scheme = "http";
    request.authority = authority;
    if (!request.body) request.body = std::make_shared<Body>(std::string());
    Answered answered;
    client_->send(std::move(request), times, answered.taker());
    return std::move(answered.get());
  }
  /// The error of one that must fail.
  Code code_of(const http::Outcome<http::Response>& outcome) {
    EXPECT_FALSE(outcome) << "status " << outcome->status;
    return outcome ? Code::kLoopDetected : outcome.error().code;
  }
  std::shared_ptr<http::Client> client_ = make_http_client().value();
};

TEST_F(HttpClient, SendsWhatItIsGivenAndGivesWhatItGets) {
  Canned server("end",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 418 Teapot\r\nX-A: one\r\nX-A: two\r\n"
                "Content-Length: 5\r\n\r\nhello");
  const auto response = ask(server.authority(), {.method = "POST",
                                                 .path = "/a?b=c",
                                                 .headers = {{"x-b", "three"}, {"Content-Length", "7"}},
                                                 .body = std::make_shared<Body>(std::string("the end"))});
  ASSERT_TRUE(response) << to_string(response.error().code) << response.error().text.value_or("");
  EXPECT_EQ(response->status, 418u);
  EXPECT_EQ(response->headers, (Fields{{"X-A", "one"}, {"X-A", "two"}, {"Content-Length", "5"}}));
  EXPECT_EQ(read_all(*response->body), "hello");
  EXPECT_EQ(response->body->end(), Body::End::kFinished);
  EXPECT_EQ(server.request(), "POST /a?b=c HTTP/1.1\r\nHost: " + server.authority() +
                                  "\r\nx-b: three\r\nContent-Length: 7\r\nConnection: close\r\n\r\nthe end");
}

TEST_F(HttpClient, FramesBodies) {
  {
    Canned server("\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nuntil it closes");
    const auto response = ask(server.authority());
    ASSERT_TRUE(response);
    EXPECT_EQ(read_all(*response->body), "until it closes");
    EXPECT_EQ(server.request(), "GET / HTTP/1.1\r\nHost: " + server.authority() + "\r\nConnection: close\r\n\r\n");
  }
  {
    Canned server("0\r\nX-Count: 9\r\n\r\n",
                  "HTTP/1.1 200 OK\r\nX-Sum: 0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n"
                  "0\r\nX-Sum: 28\r\n\r\n");
    const auto response =
        ask(server.authority(),
            {.method = "PUT", .body = std::make_shared<Body>(std::string("in chunks"), Fields{{"X-Count", "9"}})});
    ASSERT_TRUE(response);
    EXPECT_EQ(read_all(*response->body), "abcdefg");
    EXPECT_EQ(response->body->trailers(), (Fields{{"X-Sum", "28"}}));
    EXPECT_TRUE(
        server.request().ends_with("Transfer-Encoding: chunked\r\n\r\n9\r\nin chunks\r\n0\r\nX-Count: 9\r\n\r\n"))
        << server.request();
  }
  {
    Canned server("\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    const auto response = ask(server.authority(), {.method = "HEAD"});
    ASSERT_TRUE(response);
    EXPECT_EQ(read_all(*response->body), "");
    EXPECT_EQ(response->body->end(), Body::End::kFinished);
  }
  {
    Canned server("\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(ask(server.authority(), {.method = "DELETE"})->status, 204u);
    EXPECT_TRUE(server.request().find("\r\nContent-Length: 0\r\n") != std::string::npos) << server.request();
  }
}

TEST_F(HttpClient, StreamsBothWays) {
  // Of this library, to see both at work.
  const auto component =
      component::Component::load(Engine(), ANEW_SOURCE_DIR "/tests/data/component/echo.wasm").value();
  ServerOptions options;
  options.address = "127.0.0.1:0";
  const auto server = Server::start(options, [&] { return make_http_component(component, {.name = "echo"}); }).value();
  const auto sent = std::make_shared<Body>();
  std::atomic<int> room = 0;
  sent->on_writable([&] {
    ++room;
    room.notify_all();
  });
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += static_cast<char>('a' + i % 26);
  std::thread writer([&] {
    for (auto rest = std::as_bytes(std::span(text)); !rest.empty();) {
      const int seen = room;
      const std::size_t count = sent->write(rest);
      rest = rest.subspan(count);
      if (count == 0) room.wait(seen);
    }
    sent->finish();
  });
  const auto response =
      ask("127.0.0.1:" + std::to_string(server->port()), {.method = "POST", .path = "/", .body = sent});
  if (response) {
    EXPECT_EQ(response->status, 200u);
    EXPECT_EQ(read_all(*response->body), text);
  } else {
    ADD_FAILURE() << to_string(response.error().code);
    sent->abandon();
  }
  writer.join();
}

TEST_F(HttpClient, TellsWhatWentWrong) {
  std::string nobody;
  {
    const Listener listener;
    nobody = listener.authority();
  }
  EXPECT_EQ(code_of(ask(nobody)), Code::kConnectionRefused);
  const Code unknown = code_of(ask("no-such-name.invalid"));
  EXPECT_TRUE(unknown == Code::kDnsError || unknown == Code::kDnsTimeout)
      << to_string(unknown);  // where nobody answers
  const auto answer = [&](const std::string& text) {
    Canned server("\r\n\r\n", text);
    return code_of(ask(server.authority()));
  };
  EXPECT_EQ(answer(""), Code::kConnectionTerminated);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nX: y"), Code::kHttpResponseIncomplete);
  EXPECT_EQ(answer("SSH-2.0\r\n\r\n"), Code::kHttpProtocolError);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n"),
            Code::kHttpResponseHeaderSectionSize);
  Canned server("\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  const auto response = ask(server.authority());
  ASSERT_TRUE(response);
  read_all(*response->body);
  EXPECT_EQ(response->body->failure().code, Code::kHttpResponseIncomplete);
}

TEST_F(HttpClient, WaitsNoLongerThanItIsTold) {
  const Listener silent;
  EXPECT_EQ(code_of(ask(silent.authority(), {}, {.first_byte = std::chrono::milliseconds(20)})),
            Code::kConnectionReadTimeout);
  Listener slow;
  std::thread server([&] {
    const int socket = slow.accept();
    const std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    static_cast<void>(::send(socket, head.data(), head.size(), MSG_NOSIGNAL));
    char byte = 0;
    while (::recv(socket, &byte, 1, 0) > 0) {
    }
    ::close(socket);
  });
  const auto response = ask(slow.authority(), {}, {.between_bytes = std::chrono::milliseconds(20)});
  EXPECT_TRUE(response);
  if (response) {
    read_all(*response->body);
    EXPECT_EQ(response->body->failure().code, Code::kConnectionReadTimeout);
  }
  server.join();  // the connection was closed
}

TEST_F(HttpClient, GivesUpWithItsGuest) {
  Listener listener;
  std::thread server([&] {
    const int socket = listener.accept();
    const std::string_view head = "HTTP/1.1 200 OK\r\n\r\n";
    static_cast<void>(::send(socket, head.data(), head.size(), MSG_NOSIGNAL));
    const std::string piece(4096, 'x');
    while (::send(socket, piece.data(), piece.size(), MSG_NOSIGNAL) > 0) {
    }
    ::close(socket);
  });
  const auto response = ask(listener.authority());
  ASSERT_TRUE(response);
  response->body->abandon();
  server.join();  // without end, but for that
  const auto body = std::make_shared<Body>();
  body->fail({Code::kInternalError, "the guest trapped"});
  const Listener waits;
  EXPECT_FALSE(ask(waits.authority(), {.method = "POST", .body = body}));
}

TEST_F(HttpClient, HasSoManyConnectionsAtOnce) {
  client_ = make_http_client({.maximum_connections = 2}).value();
  const Listener silent;
  Answered waiting[2];
  for (Answered& each : waiting) {
    client_->send({.scheme = "http", .authority = silent.authority(), .body = std::make_shared<Body>(std::string())},
                  {.first_byte = std::chrono::milliseconds(200)}, each.taker());
  }
  EXPECT_EQ(code_of(ask(silent.authority())), Code::kConnectionLimitReached);
  for (Answered& each : waiting) EXPECT_EQ(code_of(each.get()), Code::kConnectionReadTimeout);
  Canned server("\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n");
  for (int i = 0; i < 1000; ++i) {  // the places are free again, soon
    const auto response = ask(server.authority());
    if (response) return;
    ASSERT_EQ(response.error().code, Code::kConnectionLimitReached);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL() << "the places are not free again";
}

// --- TLS ---

template <typename T, void (*kFree)(T*)>
struct Frees {
  void operator()(T* object) const noexcept { kFree(object); }
};
template <typename T, void (*kFree)(T*)>
using Owned = std::unique_ptr<T, Frees<T, kFree>>;

/// A server with a certificate of its own for a name.
class TlsServer {
 public:
  /// @param polite  whether it says goodbye.
  explicit TlsServer(const char* name, bool polite = true)
      : is_polite_(polite), key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_.get()), 3600);
    X509_set_pubkey(certificate_.get(), key_.get());
    X509_NAME* const subject = X509_get_subject_name(certificate_.get());
    const auto* const text = reinterpret_cast<const unsigned char*>(name);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(certificate_.get(), subject);
    X509_EXTENSION* const names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, (std::string("DNS:") + name).c_str());
    X509_add_ext(certificate_.get(), names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
    thread_ = std::thread([this] { run(); });
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() { thread_.join(); }

  [[nodiscard]] std::string port() const { return listener_.authority().substr(listener_.authority().find(':')); }
  void write_certificate(const std::string& path) const {
    const Owned<BIO, BIO_free_all> file(BIO_new_file(path.c_str(), "w"));
    PEM_write_bio_X509(file.get(), certificate_.get());
  }

 private:
  void run() {
    const Owned<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(context.get(), certificate_.get());
    SSL_CTX_use_PrivateKey(context.get(), key_.get());
    const int socket = listener_.accept();
    const Owned<SSL, SSL_free> stream(SSL_new(context.get()));
    SSL_set_fd(stream.get(), socket);
    char bytes[4096];
    if (SSL_accept(stream.get()) == 1 && SSL_read(stream.get(), bytes, sizeof bytes) > 0) {
      const std::string answer =
          std::string("HTTP/1.1 200 OK\r\n\r\nhello ") + SSL_get_servername(stream.get(), TLSEXT_NAMETYPE_host_name);
      SSL_write(stream.get(), answer.data(), static_cast<int>(answer.size()));
      if (is_polite_) SSL_shutdown(stream.get());
    }
    ::close(socket);
  }

  const bool is_polite_;
  Listener listener_;
  const Owned<EVP_PKEY, EVP_PKEY_free> key_;
  const Owned<X509, X509_free> certificate_;
  std::thread thread_;
};

TEST_F(HttpClient, SpeaksTlsWithWhomTheSystemTrusts) {
  const std::string path = ::testing::TempDir() + "/certificate" + std::to_string(::getpid()) + ".pem";
  {
    const TlsServer server("localhost");
    server.write_certificate(path);
    ::setenv("SSL_CERT_FILE", path.c_str(), 1);
    client_ = make_http_client().value();
    ::unsetenv("SSL_CERT_FILE");
    const auto response = ask("localhost" + server.port(), {.scheme = "https"});
    ASSERT_TRUE(response) << to_string(response.error().code);
    EXPECT_EQ(read_all(*response->body), "hello localhost");
    EXPECT_EQ(response->body->end(), Body::End::kFinished);
  }
  {
    const TlsServer cut("localhost", false);
    cut.write_certificate(path);
    ::setenv("SSL_CERT_FILE", path.c_str(), 1);
    client_ = make_http_client().value();
    ::unsetenv("SSL_CERT_FILE");
    const auto response = ask("localhost" + cut.port(), {.scheme = "https"});
    ASSERT_TRUE(response) << to_string(response.error().code);
    read_all(*response->body);
    EXPECT_EQ(response->body->failure().code, Code::kHttpResponseIncomplete);
  }
  {
    const TlsServer stranger("localhost");
    EXPECT_EQ(code_of(ask("localhost" + stranger.port(), {.scheme = "https"})), Code::kTlsCertificateError);
  }
  {
    const TlsServer other("example.org");
    other.write_certificate(path);
    ::setenv("SSL_CERT_FILE", path.c_str(), 1);
    client_ = make_http_client().value();
    ::unsetenv("SSL_CERT_FILE");
    EXPECT_EQ(code_of(ask("localhost" + other.port(), {.scheme = "https"})), Code::kTlsCertificateError)
        << "it is trusted, for another name";
  }
  Canned plain("", "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(code_of(ask(plain.authority(), {.scheme = "https"})), Code::kTlsProtocolError);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace anew::serve::testing
