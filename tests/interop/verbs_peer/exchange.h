// SPDX-License-Identifier: Apache-2.0
// What the programs tell each other over TCP before they use their queue pairs, as they write it (perftest 6.06 of
// Debian 12; rdma-core 44): numbers in hexadecimal between colons, at fixed places, and a zero at the end.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "net/verbs_test/control.h"

namespace verbs_peer {

// perftest: lid:reads:qpn:psn:rkey:address:gid0:...:gid15:srqn:
inline constexpr std::size_t perftest_keys_bytes = 108;
std::string format_perftest_keys(const verbs_test::EndPoint& end);
std::optional<verbs_test::EndPoint> parse_perftest_keys(std::string_view message);

// ibv_*_pingpong: lid:qpn:psn:gid
inline constexpr std::size_t pingpong_keys_bytes = 52;
std::string format_pingpong_keys(const verbs_test::EndPoint& end);
std::optional<verbs_test::EndPoint> parse_pingpong_keys(std::string_view message);

// What perftest's client says first: its version, numbers about its machine, its path MTU.
inline constexpr std::size_t perftest_version_bytes = 16;
inline constexpr std::string_view perftest_version = "6.06";
inline constexpr std::size_t perftest_mtu_bytes = 2;
// IB's code as a decimal digit: 3 is 1024 bytes, 5 is 4096.
std::string format_perftest_mtu(unsigned bytes);

// At the end of either exchange, with its final zero.
inline constexpr std::array<char, 5> done_message = {'d', 'o', 'n', 'e', '\0'};

}  // namespace verbs_peer
