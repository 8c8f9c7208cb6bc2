// SPDX-License-Identifier: Apache-2.0
// libFuzzer's door to the engine: each input is a row of frames, each preceded by its length. Built by clang in the
// preset of its own; the seeded test goes through the same code in every run.
#include <cstddef>
#include <cstdint>
#include <span>

#include "net/roce/testing/hostile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::byte> rest(reinterpret_cast<const std::byte*>(data), size);
  roce::testing::HostileTarget target(1);
  while (rest.size() > 1) {
    const std::size_t length = std::min(rest.size() - 1, std::to_integer<std::size_t>(rest[0]));
    target.attack(rest.subspan(1, length));
    rest = rest.subspan(1 + length);
  }
  target.check();
  return 0;
}
