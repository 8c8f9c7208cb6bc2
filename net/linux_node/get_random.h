// SPDX-License-Identifier: Apache-2.0
// Unpredictable bytes of the kernel.
#pragma once

#include "net/membership/proofs.h"

namespace linux_node {

class GetRandom final : public membership::Entropy {
 public:
  void fill(std::span<std::byte> bytes) override;
  std::uint64_t number();  // never 0
};

}  // namespace linux_node
