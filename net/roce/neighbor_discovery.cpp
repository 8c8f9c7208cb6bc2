// SPDX-License-Identifier: Apache-2.0
// Neighbour discovery's messages: see neighbor_discovery.h.
#include "net/roce/neighbor_discovery.h"

#include <algorithm>

namespace roce::discovery {
namespace {

constexpr std::uint8_t source_link_option = 1;
constexpr std::uint8_t target_link_option = 2;
constexpr std::uint32_t solicited_flag = std::uint32_t{1} << 30;
constexpr std::uint32_t override_flag = std::uint32_t{1} << 29;

struct Header {
  std::uint8_t type;
  std::uint8_t code;
  wire::be16 checksum;
  wire::be32 flags;
  std::array<std::uint8_t, 16> target;
};
static_assert(sizeof(Header) == 24);

struct LinkOption {
  std::uint8_t type;
  std::uint8_t units;  // of eight bytes
  MacAddress mac;
};
static_assert(sizeof(LinkOption) == 8);
static_assert(sizeof(Header) + sizeof(LinkOption) == message_bytes);

constexpr std::uint8_t link_option_of(std::uint8_t type) {
  return type == solicitation_type ? source_link_option : target_link_option;
}

// False: an option has no length, or ends beyond the message.
bool take_options(Reader& reader, Message& message) {
  while (reader.left() > 0) {
    const auto option = reader.rest();
    if (option.size() < 2) return false;
    const std::size_t bytes = std::to_integer<std::size_t>(option[1]) * 8;
    if (bytes == 0 || !reader.skip(bytes)) return false;
    if (option[0] != std::byte{link_option_of(message.type)} || bytes != sizeof(LinkOption)) continue;
    MacAddress mac;
    std::memcpy(&mac, option.data() + 2, sizeof(mac));
    if (mac.is_multicast()) return false;
    message.mac = mac;
  }
  return true;
}

// Who asks before it has an address (duplicate detection) asks the group, and does not say where it is.
bool addresses_fit(const Ip& ip, const Message& message) {
  if (!is_unicast(message.target)) return false;
  if (ip.source == verbs::Gid{}) {
    return message.type == solicitation_type && !message.mac && ip.destination == solicited_node(message.target);
  }
  if (!is_unicast(ip.source)) return false;
  return message.type == solicitation_type || !message.solicited || is_unicast(ip.destination);
}

}  // namespace

verbs::Gid link_local(const MacAddress& mac) {
  verbs::Gid gid;
  gid.bytes[0] = 0xfe;
  gid.bytes[1] = 0x80;
  const std::uint64_t id = mac.eui64();
  for (unsigned i = 0; i < 8; ++i) gid.bytes[8 + i] = static_cast<std::uint8_t>(id >> (56 - 8 * i));
  return gid;
}

verbs::Gid solicited_node(const verbs::Gid& address) {
  verbs::Gid group{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff}};
  std::copy(address.bytes.begin() + 13, address.bytes.end(), group.bytes.begin() + 13);
  return group;
}

verbs::Gid all_nodes() { return {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01}}; }

MacAddress group_mac(const verbs::Gid& group) {
  const auto& b = group.bytes;
  return {{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

std::optional<Message> parse(const Ip& ip, std::span<const std::byte> bytes) {
  Reader reader(bytes);
  Header header;
  if (!reader.take(header) || ip.hop_limit != hop_limit || header.code != 0 ||
      (header.type != solicitation_type && header.type != advertisement_type) || transport_checksum(ip, bytes) != 0) {
    return std::nullopt;
  }
  Message message;
  message.type = header.type;
  message.target.bytes = header.target;
  if (header.type == advertisement_type) {
    message.solicited = (header.flags & solicited_flag) != 0;
    message.overriding = (header.flags & override_flag) != 0;
  }
  if (!take_options(reader, message) || !addresses_fit(ip, message)) return std::nullopt;
  return message;
}

void encode(Writer& writer, const Ip& ip, const Message& message) {
  LEGO_ASSERT(message.mac);
  struct {
    Header header;
    LinkOption option;
  } sent{};
  sent.header.type = message.type;
  sent.header.flags = (message.solicited ? solicited_flag : 0) | (message.overriding ? override_flag : 0);
  sent.header.target = message.target.bytes;
  sent.option = {link_option_of(message.type), 1, *message.mac};
  sent.header.checksum = transport_checksum(ip, std::as_bytes(std::span(&sent, 1)));
  writer.put(sent);
}

}  // namespace roce::discovery
