// SPDX-License-Identifier: Apache-2.0
// Reading addresses: see options.h.
#include "gmm/options.h"

#include <charconv>

namespace gmm {

namespace {

// Takes a number from the front of `text`.
template <typename Integer>
bool take_number(std::string_view& text, int base, std::size_t most_digits, Integer& value) {
  const std::string_view front = text.substr(0, most_digits);
  const auto [end, error] = std::from_chars(front.data(), front.data() + front.size(), value, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - front.data()));
  return true;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<Ipv4Network> parse_address(std::string_view text) {
  Ipv4Network network{0, 24};
  for (int i = 0; i < 4; ++i) {
    std::uint8_t part = 0;
    if ((i > 0 && !take(text, '.')) || !take_number(text, 10, 3, part)) return std::nullopt;
    network.address = network.address << 8 | part;
  }
  if (take(text, '/') && (!take_number(text, 10, 2, network.prefix_length) || network.prefix_length > 32)) {
    return std::nullopt;
  }
  if (!text.empty() || network.address == 0) return std::nullopt;
  return network;
}

std::optional<roce::MacAddress> parse_mac(std::string_view text) {
  roce::MacAddress mac;
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    const std::size_t before = text.size();
    if (i > 0 && !take(text, ':')) return std::nullopt;
    const std::size_t digits = i > 0 ? before - 1 - 2 : before - 2;
    if (!take_number(text, 16, 2, mac.bytes[i]) || text.size() != digits) return std::nullopt;
  }
  if (!text.empty() || mac.is_multicast()) return std::nullopt;
  return mac;
}

}  // namespace gmm
