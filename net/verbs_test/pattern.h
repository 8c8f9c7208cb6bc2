// SPDX-License-Identifier: Apache-2.0
// Contents that both sides of a test can make and check: each 8 bytes depend on a seed and on where they are, so that
// neither a lost, repeated or moved piece nor that of another message goes unseen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace verbs_test {

// `offset` is where the bytes are in the whole; any number.
void fill_pattern(std::span<std::byte> bytes, std::uint32_t seed, std::uint64_t offset = 0);
// How many bytes are not what fill_pattern would have written.
std::uint64_t count_mismatches(std::span<const std::byte> bytes, std::uint32_t seed, std::uint64_t offset = 0);

}  // namespace verbs_test
