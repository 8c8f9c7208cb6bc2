// SPDX-License-Identifier: Apache-2.0
// libFuzzer's door to the services: the first byte chooses the target, the rest is a row of requests, each preceded by
// its length. Built by clang in the preset of its own; the seeded test goes through the same code in every run.
#include "tests/fuzz/targets.h"

namespace fuzz {

void fuzz_target(Target& target, std::span<const std::byte> input);

void fuzz_target(Target& target, std::span<const std::byte> input) {
  while (input.size() > 1) {
    const std::size_t length = std::min(input.size() - 1, std::to_integer<std::size_t>(input[0]));
    target.attack(input.subspan(1, length));
    input = input.subspan(1 + length);
  }
  target.check();
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto target = data[0] % 2 == 0 ? fuzz::make_components_target(1) : fuzz::make_managers_target(1);
  fuzz::fuzz_target(*target, std::as_bytes(std::span(data, size)).subspan(1));
  return 0;
}
