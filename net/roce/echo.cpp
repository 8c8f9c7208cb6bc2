// SPDX-License-Identifier: Apache-2.0
// Echo replies: see echo.h.
#include "net/roce/echo.h"

#include <array>
#include <cstring>

namespace roce {
namespace {

constexpr std::size_t echo_header_bytes = 8;

struct EchoTypes {
  std::byte request;
  std::byte reply;
};
constexpr EchoTypes icmp{std::byte{8}, std::byte{0}};
constexpr EchoTypes icmpv6{std::byte{128}, std::byte{129}};

// ICMPv6 covers the addresses as well.
std::uint16_t checksum(const Ip& ip, std::span<const std::byte> message) {
  return ip.version == 6 ? transport_checksum(ip, message) : internet_checksum(message);
}

}  // namespace

void EchoResponder::receive(const Link& link, const Ip& ip, std::span<const std::byte> message) {
  Counters& counters = core_.counters;
  const EchoTypes& types = ip.version == 6 ? icmpv6 : icmp;
  if (message.size() < echo_header_bytes || message.size() > limits::datagram_bytes || message[0] != types.request ||
      message[1] != std::byte{0} || checksum(ip, message) != 0) {
    ++counters.icmp_ignored;
    return;
  }
  const std::span<std::byte> room = datagrams_.take();
  if (room.empty()) {
    ++counters.tx_no_slot;
    return;
  }
  Ip answer;
  answer.version = ip.version;
  answer.protocol = ip.protocol;
  answer.identification = core_.transmitter.next_identification();
  answer.source = ip.destination;
  answer.destination = ip.source;
  const std::span<std::byte> reply = room.first(message.size());
  std::memcpy(reply.data(), message.data(), message.size());
  reply[0] = types.reply;
  reply[2] = reply[3] = std::byte{0};
  const base::be16 sum = checksum(answer, reply);
  std::memcpy(&reply[2], &sum, sizeof(sum));

  std::array<std::byte, Transmitter::head_bytes> head;
  Writer writer(head);
  encode_link(writer, Link{link.source, core_.config.mac, std::nullopt, link.ethertype});
  encode_ip(writer, answer, message.size());
  if (datagrams_.send_frame(writer.bytes(), message.size())) ++counters.icmp_echo_answered;
}

}  // namespace roce
