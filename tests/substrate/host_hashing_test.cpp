// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ext_hashing_*, called by a guest. The functions themselves have their own tests, hashing_test.cpp.
#include <gtest/gtest.h>

#include "substrate/host_guest.hpp"

namespace anew::substrate {
namespace {

class HostHashing : public HostTest {
 protected:
  Bytes hash(std::string_view name, const Bytes& data) const {
    return guest.ask({"hashing_" + std::string(name) + "_version_1", {data}});
  }
};

TEST_F(HostHashing, EachFunctionIsTheOneOfItsName) {
  struct Vector {
    const char* name;
    const char* data;
    const char* hash;
  };
  for (const auto& [name, data, expected] :
       {Vector{"blake2_128", "", "cae66941d9efbd404e4d88758ea67670"},
        Vector{"blake2_128", "abc", "cf4ab791c62b8d2b2109c90275287816"},
        Vector{"blake2_256", "", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
        Vector{"blake2_256", "abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"},
        Vector{"twox_64", "", "99e9d85137db46ef"}, Vector{"twox_64", "abc", "990977adf52cbc44"},
        Vector{"twox_128", "System", "26aa394eea5630e07c48ae0c9558cef7"},
        Vector{"twox_256", "abc", "990977adf52cbc440889329981caa9bef7da5770b2b8a05303b75d95360dd62b"},
        Vector{"sha2_256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        Vector{"keccak_256", "", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
        Vector{"keccak_256", "test value", "2d07364b5c231c56ce63d49430e085ea3033c750688ba532b24029124c26ca5e"},
        Vector{"keccak_512", "",
               "0eab42de4c3ceb9235fc91acffe746b29c29a8c366b7c60e4e67c466f36a4304"
               "c00fa9caf9d87976ba469bcbe06713b435f091ef2769fb160cdab33d3670680e"}}) {
    EXPECT_EQ(hash(name, from_text(data)), from_hex(expected)) << name << " of \"" << data << '"';
  }
}

}  // namespace
}  // namespace anew::substrate
