// SPDX-License-Identifier: Apache-2.0
// Proofs over the rack key: see proofs.h.
#include "net/membership/proofs.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "net/membership/sha256.h"

namespace membership {

namespace {

class Prover {
 public:
  Prover(const RackKey& key, std::string_view purpose) : hmac_(key.bytes()) {
    hmac_.update(std::as_bytes(std::span(purpose)));
  }
  template <messages::Body T>
  Prover& add(const T& value) {
    hmac_.update(std::as_bytes(std::span(&value, 1)));
    return *this;
  }
  Digest proof() { return hmac_.finish(); }

 private:
  HmacSha256 hmac_;
};

}  // namespace

Result<RackKey> RackKey::from_file(std::span<const std::byte> content) {
  while (!content.empty() && (content.back() == std::byte{'\n'} || content.back() == std::byte{'\r'})) {
    content = content.first(content.size() - 1);
  }
  if (content.size() < min_bytes || content.size() > max_bytes) return base::fail(Error::InvalidArgument);
  RackKey key;
  key.size_ = content.size();
  std::copy(content.begin(), content.end(), key.bytes_.begin());
  return key;
}

messages::Proof managers_proof(const RackKey& key, const messages::Nonce& component_nonce,
                               const messages::Nonce& managers_nonce, base::BootId component) {
  return Prover(key, "lego managers")
      .add(component_nonce)
      .add(managers_nonce)
      .add(messages::le64(component.value()))
      .proof();
}

messages::Proof component_proof(const RackKey& key, const messages::Nonce& managers_nonce,
                                const messages::Nonce& component_nonce, base::BootId component,
                                messages::ComponentKind kind) {
  return Prover(key, "lego component")
      .add(managers_nonce)
      .add(component_nonce)
      .add(messages::le64(component.value()))
      .add(static_cast<std::uint8_t>(kind))
      .proof();
}

std::array<std::uint8_t, 24> hello_proof(const RackKey& key, const messages::PeerHello& hello) {
  const Digest digest = Prover(key, "lego peer").add(hello.node).add(hello.boot_id).add(hello.peer_boot_id).proof();
  std::array<std::uint8_t, 24> proof;
  std::copy_n(digest.begin(), proof.size(), proof.begin());
  return proof;
}

}  // namespace membership
