// SPDX-License-Identifier: Apache-2.0
// The block function on RFC 8439's vector (section 2.3.2), and the generator's properties that can be tested.
#include "kernel/core/chacha.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>

namespace kernel {
namespace {

TEST(ChaCha, Rfc8439Vector) {
  ChaChaKey key;
  for (std::uint32_t i = 0; i < 8; ++i) key[i] = 0x03020100u + i * 0x04040404u;
  const ChaChaBlock block = chacha20_block(key, 1, {0x09000000, 0x4a000000, 0x00000000});
  const ChaChaBlock expected{0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033,
                             0x9aaa2204, 0x4e6cd4c3, 0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
                             0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
  EXPECT_EQ(block, expected);
}

std::string take(ChaChaGenerator& generator, std::size_t bytes) {
  std::string text(bytes, '\0');
  generator.fill(std::as_writable_bytes(std::span(text)));
  return text;
}

TEST(ChaCha, GeneratorNeverRepeatsAndDependsOnAllInput) {
  std::set<std::string> seen;
  ChaChaGenerator generator;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(take(generator, 32)).second);
  const std::string seed = "some seed that is longer than one key of thirty-two bytes";
  for (std::size_t i = 0; i < seed.size(); ++i) {
    std::string changed = seed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    ChaChaGenerator other;
    other.absorb(std::as_bytes(std::span(changed)));
    EXPECT_TRUE(seen.insert(take(other, 32)).second) << i;
  }
  ChaChaGenerator first, second;
  EXPECT_EQ(take(first, 200), take(second, 200));
  const std::string more = take(first, 7) + take(first, 7), together = take(second, 14);
  EXPECT_NE(more, together) << "the key is replaced after each request";
}

}  // namespace
}  // namespace kernel
