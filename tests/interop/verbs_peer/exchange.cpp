// SPDX-License-Identifier: Apache-2.0
// The programs' messages over TCP: see exchange.h.
#include "tests/interop/verbs_peer/exchange.h"

#include <charconv>
#include <cstdio>
#include <vector>

namespace verbs_peer {
namespace {

using verbs_test::EndPoint;

// A number of so many digits, and what follows it.
void append(std::string& message, std::uint64_t value, int digits, const char* after) {
  char text[40];
  std::snprintf(text, sizeof text, "%0*llx%s", digits, static_cast<unsigned long long>(value), after);
  message += text;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The numbers between colons, up to the first zero.
std::optional<std::vector<std::uint64_t>> numbers(std::string_view message) {
  message = message.substr(0, message.find('\0'));
  std::vector<std::uint64_t> values;
  while (!message.empty()) {
    const std::size_t colon = message.find(':');
    const auto value = number(message.substr(0, colon));
    if (!value) return std::nullopt;
    values.push_back(*value);
    message.remove_prefix(colon == message.npos ? message.size() : colon + 1);
  }
  return values;
}

}  // namespace

std::string format_perftest_keys(const EndPoint& end) {
  std::string message;
  append(message, 0, 4, ":");
  append(message, end.reads, 4, ":");
  append(message, end.qpn, 6, ":");
  append(message, end.psn, 6, ":");
  append(message, end.rkey, 8, ":");
  append(message, end.address, 16, ":");
  for (const std::uint8_t byte : end.gid) append(message, byte, 2, ":");
  append(message, 0, 8, ":");
  message.resize(perftest_keys_bytes);
  return message;
}

std::optional<EndPoint> parse_perftest_keys(std::string_view message) {
  if (message.size() != perftest_keys_bytes) return std::nullopt;
  const auto values = numbers(message);
  if (!values || values->size() != 6 + 16 + 1) return std::nullopt;
  EndPoint end;
  end.reads = static_cast<std::uint32_t>((*values)[1]);
  end.qpn = static_cast<std::uint32_t>((*values)[2]);
  end.psn = static_cast<std::uint32_t>((*values)[3]);
  end.rkey = static_cast<std::uint32_t>((*values)[4]);
  end.address = (*values)[5];
  for (std::size_t i = 0; i < end.gid.size(); ++i) end.gid[i] = static_cast<std::uint8_t>((*values)[6 + i]);
  return end;
}

std::string format_pingpong_keys(const EndPoint& end) {
  std::string message;
  append(message, 0, 4, ":");
  append(message, end.qpn, 6, ":");
  append(message, end.psn, 6, ":");
  for (const std::uint8_t byte : end.gid) append(message, byte, 2, "");
  message.resize(pingpong_keys_bytes);
  return message;
}

std::optional<EndPoint> parse_pingpong_keys(std::string_view message) {
  constexpr std::size_t gid_place = 4 + 1 + 6 + 1 + 6 + 1;
  if (message.size() != pingpong_keys_bytes) return std::nullopt;
  const auto values = numbers(message.substr(0, gid_place - 1));
  if (!values || values->size() != 3) return std::nullopt;
  EndPoint end;
  end.qpn = static_cast<std::uint32_t>((*values)[1]);
  end.psn = static_cast<std::uint32_t>((*values)[2]);
  for (std::size_t i = 0; i < end.gid.size(); ++i) {
    const auto byte = number(message.substr(gid_place + 2 * i, 2));
    if (!byte) return std::nullopt;
    end.gid[i] = static_cast<std::uint8_t>(*byte);
  }
  return end;
}

std::string format_perftest_mtu(unsigned bytes) {
  unsigned code = 1;
  for (unsigned size = 256; size < bytes; size *= 2) ++code;
  std::string message = std::to_string(code);
  message.resize(perftest_mtu_bytes);
  return message;
}

}  // namespace verbs_peer
