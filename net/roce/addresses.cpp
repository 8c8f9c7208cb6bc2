// SPDX-License-Identifier: Apache-2.0
// Addresses as they stand on command lines: see addresses.h.
#include "net/roce/addresses.h"

namespace roce {
namespace {

using base::Error;
using base::fail;
using base::Result;

constexpr unsigned no_digit = 16;

unsigned digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return no_digit;
}

// Takes `least` to `most` digits from the front of the text.
Result<std::uint32_t> take_number(std::string_view& text, unsigned base, std::size_t least, std::size_t most) {
  std::uint32_t number = 0;
  std::size_t digits = 0;
  while (digits < text.size() && digits < most && digit(text[digits]) < base)
    number = number * base + digit(text[digits++]);
  if (digits < least) return fail(Error::InvalidArgument);
  text.remove_prefix(digits);
  return number;
}

Result<> take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return fail(Error::InvalidArgument);
  text.remove_prefix(1);
  return {};
}

Result<std::uint32_t> take_ipv4(std::string_view& text) {
  std::uint32_t address = 0;
  for (unsigned part = 0; part < 4; ++part) {
    if (part > 0) TRY(take(text, '.'));
    const std::uint32_t number = TRY(take_number(text, 10, 1, 3));
    if (number > 255) return fail(Error::InvalidArgument);
    address = address << 8 | number;
  }
  if (address == 0) return fail(Error::InvalidArgument);
  return address;
}

}  // namespace

Result<std::uint32_t> parse_ipv4(std::string_view text) {
  const std::uint32_t address = TRY(take_ipv4(text));
  if (!text.empty()) return fail(Error::InvalidArgument);
  return address;
}

Result<Ipv4Network> parse_network(std::string_view text) {
  Ipv4Network network{.address = TRY(take_ipv4(text))};
  if (text.empty()) return network;
  TRY(take(text, '/'));
  const std::uint32_t length = TRY(take_number(text, 10, 1, 2));
  if (!text.empty() || length > 32) return fail(Error::InvalidArgument);
  network.prefix_length = static_cast<std::uint8_t>(length);
  return network;
}

Result<MacAddress> parse_mac(std::string_view text) {
  MacAddress mac;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    if (i > 0) TRY(take(text, ':'));
    mac.bytes[i] = static_cast<std::uint8_t>(TRY(take_number(text, 16, 2, 2)));
  }
  if (!text.empty() || mac.is_multicast()) return fail(Error::InvalidArgument);
  return mac;
}

}  // namespace roce
