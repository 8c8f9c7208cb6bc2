// SPDX-License-Identifier: Apache-2.0
// What stands on the command lines of Linux programs of the rack.
#include <arpa/inet.h>

#include <charconv>
#include <fstream>
#include <iterator>

#include "net/linux_node/linux_node.h"

namespace linux_node {

base::Result<membership::RackKey> read_key_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::fail(base::Error::NotFound);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return membership::RackKey::from_file(std::as_bytes(std::span(text)));
}

base::Result<std::uint32_t> parse_ipv4(const std::string& text, std::uint8_t* prefix_length) {
  const auto slash = prefix_length == nullptr ? text.npos : text.find('/');
  in_addr address{};
  if (inet_pton(AF_INET, text.substr(0, slash).c_str(), &address) != 1) return base::fail(base::Error::InvalidArgument);
  if (slash != text.npos) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, *prefix_length);
    if (error != std::errc() || stop != end || *prefix_length > 32) return base::fail(base::Error::InvalidArgument);
  }
  return ntohl(address.s_addr);
}

base::Result<roce::MacAddress> parse_mac(const std::string& text) {
  roce::MacAddress mac;
  constexpr std::size_t characters = 3 * std::tuple_size_v<decltype(mac.bytes)> - 1;
  if (text.size() != characters) return base::fail(base::Error::InvalidArgument);
  for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
    const char* at = text.data() + 3 * i;
    const auto [stop, error] = std::from_chars(at, at + 2, mac.bytes[i], 16);
    if (error != std::errc() || stop != at + 2 || (i > 0 && at[-1] != ':')) {
      return base::fail(base::Error::InvalidArgument);
    }
  }
  return mac;
}

}  // namespace linux_node
