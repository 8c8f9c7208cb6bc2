// SPDX-License-Identifier: Apache-2.0
#include "net/roce/packet.h"

#include <array>

namespace roce {
namespace {

constexpr std::uint8_t solicited_bit = 0x80;
constexpr std::uint8_t migrated_bit = 0x40;
constexpr std::uint32_t acknowledge_bit = std::uint32_t{1} << 31;

void take_bth(TransportHeaders& headers, const wire::Bth& bth) {
  headers.opcode = bth.opcode;
  headers.solicited = (bth.flags & solicited_bit) != 0;
  headers.migrated = (bth.flags & migrated_bit) != 0;
  headers.pad = (bth.flags >> 4) & 3;
  headers.version = bth.flags & 0xf;
  headers.pkey = bth.pkey;
  headers.ecn = static_cast<std::uint8_t>(bth.ecn_and_qpn >> 24);
  headers.qpn = bth.ecn_and_qpn & 0xffffff;
  headers.acknowledge = (bth.ack_and_psn & acknowledge_bit) != 0;
  headers.reserved7 = static_cast<std::uint8_t>((bth.ack_and_psn >> 24) & 0x7f);
  headers.psn = bth.ack_and_psn & psn_mask;
}

bool take_word(Reader& reader, std::uint32_t& word) {
  wire::be32 value;
  if (!reader.take(value)) return false;
  word = value;
  return true;
}

bool take_deth(Reader& reader, TransportHeaders& headers) {
  wire::Deth deth;
  if (!reader.take(deth)) return false;
  headers.qkey = deth.qkey;
  headers.source_qpn = deth.source_qpn;
  return true;
}

bool take_reth(Reader& reader, TransportHeaders& headers) {
  wire::Reth reth;
  if (!reader.take(reth)) return false;
  headers.address = reth.address;
  headers.rkey = reth.rkey;
  headers.length = reth.length;
  return true;
}

bool take_atomic(Reader& reader, TransportHeaders& headers) {
  wire::AtomicEth atomic;
  if (!reader.take(atomic)) return false;
  headers.address = atomic.address;
  headers.rkey = atomic.rkey;
  headers.swap_or_add = atomic.swap_or_add;
  headers.compare = atomic.compare;
  return true;
}

bool take_aeth(Reader& reader, TransportHeaders& headers) {
  std::uint32_t word;
  if (!take_word(reader, word)) return false;
  headers.syndrome = static_cast<std::uint8_t>(word >> 24);
  headers.msn = word & 0xffffff;
  return true;
}

bool take_atomic_ack(Reader& reader, TransportHeaders& headers) {
  wire::AtomicAckEth atomic_ack;
  if (!reader.take(atomic_ack)) return false;
  headers.original = atomic_ack.original;
  return true;
}

bool take_extensions(Reader& reader, TransportHeaders& headers, const OpcodeInfo& info) {
  return (!info.has(header::rdeth) || take_word(reader, headers.rdeth)) &&
         (!info.has(header::xrceth) || take_word(reader, headers.xrceth)) &&
         (!info.has(header::deth) || take_deth(reader, headers)) &&
         (!info.has(header::feth) || take_word(reader, headers.feth)) &&
         (!info.has(header::reth) || take_reth(reader, headers)) &&
         (!info.has(header::atomic) || take_atomic(reader, headers)) &&
         (!info.has(header::aeth) || take_aeth(reader, headers)) &&
         (!info.has(header::atomic_ack) || take_atomic_ack(reader, headers)) &&
         (!info.has(header::immediate) || take_word(reader, headers.immediate)) &&
         (!info.has(header::invalidate) || take_word(reader, headers.invalidate));
}

}  // namespace

Result<Packet> parse_packet(std::span<const std::byte> bytes) {
  Packet packet;
  if (bytes.size() < sizeof(wire::Bth) + wire::icrc_bytes) return base::fail(Error::Malformed);
  base::le32 icrc;
  std::memcpy(&icrc, bytes.last(wire::icrc_bytes).data(), sizeof(icrc));
  packet.icrc = icrc;
  Reader reader(bytes.first(bytes.size() - wire::icrc_bytes));
  wire::Bth bth;
  if (!reader.take(bth)) return base::fail(Error::Malformed);
  take_bth(packet.headers, bth);
  packet.info = find_opcode(bth.opcode);
  if (packet.info != nullptr && !take_extensions(reader, packet.headers, *packet.info)) {
    return base::fail(Error::Malformed);
  }
  const auto rest = reader.rest();
  if (rest.size() < packet.headers.pad || rest.size() % 4 != 0) return base::fail(Error::Malformed);
  packet.payload = rest.first(rest.size() - packet.headers.pad);
  packet.padding = rest.last(packet.headers.pad);
  return packet;
}

std::size_t header_bytes(const OpcodeInfo* info) {
  std::size_t bytes = sizeof(wire::Bth);
  if (info == nullptr) return bytes;
  constexpr std::array<std::uint8_t, 10> sizes = {4, 4, 8, 4, 16, 28, 4, 8, 4, 4};  // in the order of the header bits
  for (std::size_t bit = 0; bit < sizes.size(); ++bit) {
    if (info->has(static_cast<std::uint16_t>(1u << bit))) bytes += sizes[bit];
  }
  return bytes;
}

void encode_headers(Writer& writer, const TransportHeaders& headers, const OpcodeInfo* info) {
  wire::Bth bth;
  bth.opcode = headers.opcode;
  bth.flags =
      static_cast<std::uint8_t>((headers.solicited ? solicited_bit : 0) | (headers.migrated ? migrated_bit : 0) |
                                (headers.pad & 3) << 4 | (headers.version & 0xf));
  bth.pkey = headers.pkey;
  bth.ecn_and_qpn = static_cast<std::uint32_t>(headers.ecn) << 24 | (headers.qpn & 0xffffff);
  bth.ack_and_psn = (headers.acknowledge ? acknowledge_bit : 0) |
                    static_cast<std::uint32_t>(headers.reserved7 & 0x7f) << 24 | (headers.psn & psn_mask);
  writer.put(bth);
  if (info == nullptr) return;
  if (info->has(header::rdeth)) writer.put(wire::be32(headers.rdeth));
  if (info->has(header::xrceth)) writer.put(wire::be32(headers.xrceth));
  if (info->has(header::deth)) writer.put(wire::Deth{headers.qkey, headers.source_qpn});
  if (info->has(header::feth)) writer.put(wire::be32(headers.feth));
  if (info->has(header::reth)) writer.put(wire::Reth{headers.address, headers.rkey, headers.length});
  if (info->has(header::atomic)) {
    writer.put(wire::AtomicEth{headers.address, headers.rkey, headers.swap_or_add, headers.compare});
  }
  if (info->has(header::aeth)) {
    writer.put(wire::be32(static_cast<std::uint32_t>(headers.syndrome) << 24 | (headers.msn & 0xffffff)));
  }
  if (info->has(header::atomic_ack)) writer.put(wire::AtomicAckEth{headers.original});
  if (info->has(header::immediate)) writer.put(wire::be32(headers.immediate));
  if (info->has(header::invalidate)) writer.put(wire::be32(headers.invalidate));
}

std::uint32_t icrc_of(const CrcMethodInfo& crc, std::span<const std::byte> ip_packet) {
  return ~icrc_headers(crc, ip_packet.first(ip_packet.size() - wire::icrc_bytes));
}

}  // namespace roce
