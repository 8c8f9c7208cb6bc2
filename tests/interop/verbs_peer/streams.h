// SPDX-License-Identifier: Apache-2.0
// This side of long transfers that survive broken connections (net/verbs_test/control.h: StreamHello). Both throw if
// they do not come to an end in time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace verbs_peer {

struct StreamResult {
  std::uint64_t bytes = 0;
  std::uint64_t mismatches = 0;
  unsigned connections = 0;  // that were made, the one that confirms the end included
};

// Soft-RoCE takes 7 retries for retries without end.
StreamResult send_stream(const std::string& ip, std::uint32_t seed, std::uint64_t bytes, std::uint8_t retries,
                         std::chrono::seconds limit);
// Calls listening() when senders may come.
StreamResult receive_stream(std::uint32_t seed, std::uint64_t bytes, std::chrono::seconds limit,
                            const std::function<void()>& listening);

}  // namespace verbs_peer
