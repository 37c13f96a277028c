// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// anew serve: that the command serves, and ends as it should. What the server does is tested in tests/serve.
#include "cli/command_fixture.hpp"

namespace anew::testing {
namespace {

class Serve : public CommandTest {
 protected:
  /// Serves until the script, which has $url and $admin, has ended, and the server behind it.
  [[nodiscard]] Outcome serve(const std::vector<std::string>& arguments, const std::string& script) const {
    std::vector<std::string> all = {"serve", "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const std::string address = "sed -n 's|^anew: .* on http://||p' " + quoted(path("err"));
    const std::string text = shell_command(all, "") + " & server=$!\n" + "for i in $(seq 600); do [ \"$(" + address +
                             " | wc -l)\" = 2 ] && break; sleep 0.05; done\n" + "url=$(" + address +
                             " | head -n 1); admin=$(" + address + " | tail -n 1)\n" +
                             // One request by bash alone: get ADDRESS PATH.
                             "get() { exec 3<>/dev/tcp/${1%:*}/${1#*:}; "
                             "printf 'GET %s HTTP/1.0\\r\\n\\r\\n' \"$2\" >&3; cat <&3; exec 3>&-; }\n" +
                             "{ " + script + "\n} > " + quoted(path("said")) + " 2>&1\n" +
                             "kill -TERM $server; wait $server";
    return outcome(std::system(("bash " + quoted(file("script", text))).c_str()));
  }
  const std::string program_ = file("program.wat", R"((module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\0b\00\00\00") (data (i32.const 16) "A: b\n\nhello")
    (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))))");
};

TEST_F(Serve, AnswersUntilItIsToldToEnd) {
  const Outcome outcome = serve({program_}, "get $url '/a?b'; get $admin /healthz; get $admin /metrics");
  EXPECT_EQ(outcome.exit_code, 0);
  const std::string said = read(path("said"));
  EXPECT_TRUE(contains(said, "HTTP/1.1 200 OK\r\nA: b\r\n")) << said << outcome.err;
  EXPECT_TRUE(contains(said, "\r\n\r\nhello"));
  EXPECT_TRUE(contains(said, "\r\n\r\nok\n"));
  EXPECT_TRUE(contains(said, "anew_serve_pool_restored_total{file=\"program.wat\"} 1\n"));
  EXPECT_TRUE(contains(outcome.err, R"("target":"/a?b","status":200)")) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

TEST_F(Serve, LoadsAgainWhenItIsToldTo) {
  const Outcome outcome =
      serve({"--access-log", "", program_}, "kill -HUP $server; for i in $(seq 600); do grep -q 'loaded again' " +
                                                quoted(path("err")) + " && break; sleep 0.05; done; get $url /");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(contains(outcome.err, "anew: " + program_ + " loaded again\n"));
  EXPECT_TRUE(contains(read(path("said")), "\r\n\r\nhello"));
  EXPECT_FALSE(contains(outcome.err, "\"status\"")) << "there is no log";
}

TEST_F(Serve, ServesSeveralFilesOfOneConfiguration) {
  const std::string config = file("site.json", R"({"routes": [
    {"path": "/a", "file": "program.wat"},
    {"host": "other.test", "file": "echo.wasm", "warm-up": ["/"]}]})");
  std::filesystem::copy_file(ANEW_SOURCE_DIR "/tests/data/component/echo.wasm", path("echo.wasm"));
  const Outcome outcome =
      serve({config},
            "get $url /a/b; get $url '/a?c'; get $url /ab; get $url /; "
            "exec 3<>/dev/tcp/${url%:*}/${url#*:}; printf 'POST /a HTTP/1.0\\r\\nHost: other.test:80\\r\\n"
            "Content-Length: 6\\r\\n\\r\\nechoed' >&3; cat <&3; exec 3>&-; get $admin /metrics");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string said = read(path("said"));
  EXPECT_EQ(std::ranges::count(said, '\0'), 0);
  const auto count = [&](const std::string& text) {
    std::size_t number = 0;
    for (std::size_t at = said.find(text); at != said.npos; at = said.find(text, at + 1)) ++number;
    return number;
  };
  EXPECT_EQ(count("\r\n\r\nhello"), 2u) << said;
  EXPECT_EQ(count("HTTP/1.1 404 Not Found"), 2u) << said;
  EXPECT_EQ(count("\r\n\r\nechoed"), 1u) << said;
  EXPECT_TRUE(contains(said, "anew_serve_pool_restored_total{file=\"/a program.wat\"} 2\n")) << said;
  EXPECT_TRUE(contains(outcome.err, "anew: serving " + config + " on http://")) << outcome.err;
}

TEST_F(Serve, SaysWhatItCannotServe) {
  const auto refused = [&](const std::vector<std::string>& arguments, int code, const std::string& words) {
    std::vector<std::string> all = {"serve", "--addr", "127.0.0.1:0"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Outcome outcome = anew(all);
    EXPECT_EQ(outcome.exit_code, code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, words)) << outcome.err;
  };
  refused({file("none.wat", "(module)")}, 64, "exports no function _start");
  refused({file("link.wat", R"((module (import "a" "b" (func)) (func (export "_start"))))")}, 4, "a.b");
  refused({path("not there").string()}, 1, "not there");
  refused({"--admin-addr", "here", program_}, 64, R"("here" is no address to listen on: write 127.0.0.1:8080)");
  refused({"--max-in-flight", "0", program_}, 64, "no whole number from 1 to 65536");
  refused({"--access-log", path("no/log").string(), program_}, 1, "cannot be opened");
  refused({"--warm-up", "/", program_}, 64, "--warm-up is for components");
  refused({"--allow-host", "example.org", program_}, 64, "--allow-host is for components");
  refused({"--allow-address", "127.0.0.1:80", program_}, 64, "are for components");
  const auto config = [&](const std::string& text, int code, const std::string& words) {
    refused({file("site.json", text)}, code, words);
  };
  config("routes", 64, "site.json: it is no JSON");
  config("[]", 64, R"(site.json: it is to be {"routes": [...]})");
  config(R"({"routes": []})", 64, "it has no routes");
  config(R"({"routes": [{"path": "/"}]})", 64, R"(route 1: it has no "file")");
  config(R"({"routes": [{"file": "program.wat"}, 5]})", 64, "route 2: it is no object");
  config(R"({"routes": [{"file": "program.wat", "dirs": []}]})", 64,
         R"("dirs" is not known: there are file, host, path)");
  config(R"({"routes": [{"file": "program.wat", "dir": "x"}]})", 64, R"("dir" is no list)");
  config(R"({"routes": [{"file": "program.wat", "env": [5]}]})", 64, R"("env" has something that is no text)");
  config(R"({"routes": [{"file": "program.wat", "path": "a"}]})", 64,
         R"(the path "a" of a route does not begin with /)");
  config(R"({"routes": [{"file": "program.wat"}, {"file": "program.wat"}]})", 64, R"(two routes have the path "/")");
  config(R"({"routes": [{"file": "missing.wat"}]})", 1, "missing.wat");
}

}  // namespace
}  // namespace anew::testing
