// SPDX-License-Identifier: Apache-2.0
// The rack key and what is proved with it (net/messages/membership.h says in which message). Whoever knows the key can
// make every proof; a proof is worth nothing with other nonces or boot ids.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "net/messages/membership.h"

namespace membership {

using base::Error;
using base::Result;

// The bytes of the key file without a newline at the end: 16 to 256 of them.
class RackKey {
 public:
  static constexpr std::size_t min_bytes = 16;
  static constexpr std::size_t max_bytes = 256;
  static Result<RackKey> from_file(std::span<const std::byte> content);
  std::span<const std::byte> bytes() const { return std::span(bytes_).first(size_); }

 private:
  std::array<std::byte, max_bytes> bytes_{};
  std::size_t size_ = 0;
};

// Of the managers to a joining component.
messages::Proof managers_proof(const RackKey& key, const messages::Nonce& component_nonce,
                               const messages::Nonce& managers_nonce, base::BootId component);
// Of the component to the managers.
messages::Proof component_proof(const RackKey& key, const messages::Nonce& managers_nonce,
                                const messages::Nonce& component_nonce, base::BootId component,
                                messages::ComponentKind kind);
// Of a caller to whom it connects to: over the hello's node, boot_id and peer_boot_id.
std::array<std::uint8_t, 24> hello_proof(const RackKey& key, const messages::PeerHello& hello);

// Unpredictable bytes: rdrand and interrupt times in an image, getrandom in a Linux program, a seed in tests.
class Entropy {
 public:
  virtual void fill(std::span<std::byte> bytes) = 0;

 protected:
  ~Entropy() = default;
};

}  // namespace membership
