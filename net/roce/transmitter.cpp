// SPDX-License-Identifier: Apache-2.0
#include "net/roce/transmitter.h"

namespace roce {

Result<> Transmitter::initialize(std::uint32_t slots, const MacAddress& mac) {
  mac_ = mac;
  TRY(slots_.resize(slots));
  for (std::uint32_t i = 0; i < slots; ++i) slots_[i].next_free = i + 1;
  return {};
}

Sent Transmitter::send_packet(const Path& path, TransportHeaders& headers, std::span<const Segment> payload,
                              FrameOwner& owner, std::uint64_t cookie) {
  if (blocked()) return Sent::No;
  const std::uint32_t index = free_;
  Slot& slot = slots_[index];
  const OpcodeInfo* info = find_opcode(headers.opcode);
  std::size_t payload_bytes = 0;
  for (const Segment& piece : payload) payload_bytes += piece.size();
  headers.pad = static_cast<std::uint8_t>(-payload_bytes & 3);
  const std::size_t udp_payload = header_bytes(info) + payload_bytes + headers.pad + wire::icrc_bytes;

  const bool ipv4 = is_ipv4(path.destination);
  Writer writer(slot.head);
  encode_link(writer, Link{path.mac, mac_, std::nullopt, ipv4 ? wire::ethertype_ipv4 : wire::ethertype_ipv6});
  Ip ip;
  ip.version = ipv4 ? 4 : 6;
  ip.identification = next_identification();
  ip.source = path.source;
  ip.destination = path.destination;
  encode_ip(writer, ip, sizeof(wire::Udp) + udp_payload);
  encode_udp(writer, Udp{path.source_port, wire::roce_port, false}, udp_payload);
  encode_headers(writer, headers, info);

  std::array<Segment, max_segments> segments;
  std::size_t count = 0;
  segments[count++] = writer.bytes();
  std::uint32_t crc = icrc_headers(crc_, writer.bytes().subspan(sizeof(wire::Ethernet)));
  for (const Segment& piece : payload) {
    if (piece.empty()) continue;
    LEGO_ASSERT(count + 1 < segments.size());
    segments[count++] = piece;
    crc = crc_.update(crc, piece.data(), piece.size());
  }
  Writer trailer(slot.trailer);
  trailer.put_zeros(headers.pad);
  crc = crc_.update(crc, trailer.bytes().data(), headers.pad);
  trailer.put(base::le32(~crc));
  segments[count++] = trailer.bytes();
  return submit(index, std::span(segments).first(count), &owner, cookie);
}

Sent Transmitter::send_frame(std::span<const std::byte> head, Segment payload, FrameOwner* owner,
                             std::uint64_t cookie) {
  LEGO_ASSERT(head.size() <= head_bytes && (payload.empty() || owner != nullptr));
  if (blocked()) return Sent::No;
  const std::uint32_t index = free_;
  Slot& slot = slots_[index];
  std::memcpy(slot.head.data(), head.data(), head.size());
  const std::array<Segment, 2> segments = {std::span(slot.head).first(head.size()), payload};
  return submit(index, std::span(segments).first(payload.empty() ? 1 : 2), owner, cookie);
}

Sent Transmitter::submit(std::uint32_t index, std::span<const Segment> segments, FrameOwner* owner,
                         std::uint64_t cookie) {
  Slot& slot = slots_[index];
  free_ = slot.next_free;
  slot.owner = owner;
  slot.cookie = cookie;
  slot.held = true;
  ++held_;
  std::size_t bytes = 0;
  for (const Segment& segment : segments) bytes += segment.size();
  const Result<> taken = sink_.transmit(segments, index);
  if (taken) {
    ++counters_.tx_packets;
    counters_.tx_bytes += bytes;
    return Sent::Yes;
  }
  if (taken.error() != Error::Again) {
    ++counters_.tx_errors;
    done(index);
    return Sent::Yes;
  }
  ++counters_.tx_full;
  sink_full_ = true;
  slot.held = false;
  slot.next_free = free_;
  free_ = index;
  --held_;
  return Sent::No;
}

void Transmitter::done(TransmitToken token) {
  LEGO_ASSERT(token < slots_.size() && slots_[token].held);
  Slot& slot = slots_[token];
  slot.held = false;
  slot.next_free = free_;
  free_ = token;
  --held_;
  if (FrameOwner* owner = std::exchange(slot.owner, nullptr)) owner->frame_released(slot.cookie);
}

}  // namespace roce
