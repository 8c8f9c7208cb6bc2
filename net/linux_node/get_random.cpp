// SPDX-License-Identifier: Apache-2.0
#include "net/linux_node/get_random.h"

#include <sys/random.h>

namespace linux_node {

void GetRandom::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t GetRandom::number() {
  std::uint64_t number = 0;
  while (number == 0) fill(std::as_writable_bytes(std::span(&number, 1)));
  return number;
}

}  // namespace linux_node
