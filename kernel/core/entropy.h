// SPDX-License-Identifier: Apache-2.0
// Unpredictable bytes, good enough for keys: ChaCha20 seeded at boot from RDSEED, RDRAND, the jitter of port accesses
// and the date, with the time of each request mixed in. Any context, any core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kernel {

void start_entropy();
void fill_random(std::span<std::byte> bytes);
std::uint64_t random_u64();

}  // namespace kernel
