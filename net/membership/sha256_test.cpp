// SPDX-License-Identifier: Apache-2.0
// SHA-256 against the examples of FIPS 180-4 (NIST) and HMAC against RFC 4231; proofs and keys.
#include "net/membership/sha256.h"

#include <gtest/gtest.h>

#include <string>

#include "net/membership/proofs.h"

namespace membership {
namespace {

std::string hex(const Digest& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string sha256(const std::string& text) {
  Sha256 hash;
  hash.update(bytes(text));
  return hex(hash.finish());
}

std::string hmac(const std::string& key, const std::string& text) {
  HmacSha256 mac(bytes(key));
  mac.update(bytes(text));
  return hex(mac.finish());
}

TEST(Sha256, NistExamples) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmno"
                   "pqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesMakeNoDifference) {
  const std::string text(1000, 'x');
  for (const std::size_t step : {1u, 3u, 55u, 56u, 63u, 64u, 65u, 128u}) {
    Sha256 hash;
    for (std::size_t at = 0; at < text.size(); at += step) hash.update(bytes(text.substr(at, step)));
    EXPECT_EQ(hex(hash.finish()), sha256(text)) << step;
  }
  for (std::size_t length = 50; length < 70; ++length) EXPECT_NE(sha256(text.substr(0, length)), sha256(text));
}

TEST(Hmac, Rfc4231) {
  EXPECT_EQ(hmac(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hmac("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac(std::string(20, '\xaa'), std::string(50, '\xdd')),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(hmac(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Proofs, DependOnEverythingTheyCover) {
  const RackKey key = *RackKey::from_file(bytes("0123456789abcdef\n"));
  const RackKey other = *RackKey::from_file(bytes("0123456789abcdeg\n"));
  messages::Nonce a{};
  messages::Nonce b{};
  b[31] = 1;
  const base::BootId boot(7);
  const auto proof = managers_proof(key, a, b, boot);
  EXPECT_NE(proof, managers_proof(other, a, b, boot));
  EXPECT_NE(proof, managers_proof(key, b, a, boot));
  EXPECT_NE(proof, managers_proof(key, a, b, base::BootId(8)));
  const auto component = component_proof(key, b, a, boot, messages::ComponentKind::Memory);
  EXPECT_NE(component, proof);
  EXPECT_NE(component, component_proof(key, b, a, boot, messages::ComponentKind::Processor));
  messages::PeerHello hello;
  hello.node = 3;
  hello.boot_id = 7;
  hello.peer_boot_id = 9;
  const auto peer = hello_proof(key, hello);
  hello.slots = 5;
  EXPECT_EQ(peer, hello_proof(key, hello));
  hello.peer_boot_id = 10;
  EXPECT_NE(peer, hello_proof(key, hello));
}

TEST(RackKey, HasAReasonableLength) {
  EXPECT_FALSE(RackKey::from_file(bytes("")).has_value());
  EXPECT_FALSE(RackKey::from_file(bytes("0123456789abcde\n\n")).has_value());
  EXPECT_TRUE(RackKey::from_file(bytes("0123456789abcdef")).has_value());
  EXPECT_FALSE(RackKey::from_file(bytes(std::string(257, 'x'))).has_value());
  EXPECT_EQ(RackKey::from_file(bytes("0123456789abcdef\r\n"))->bytes().size(), 16u);
}

TEST(EqualDigests, ComparesAll) {
  const Digest a{};
  Digest b{};
  EXPECT_TRUE(equal_digests(a, b));
  b[31] = 1;
  EXPECT_FALSE(equal_digests(a, b));
  EXPECT_FALSE(equal_digests(std::span(a).first(31), a));
}

}  // namespace
}  // namespace membership
