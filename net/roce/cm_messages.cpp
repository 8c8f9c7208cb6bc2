// SPDX-License-Identifier: Apache-2.0
#include "net/roce/cm_messages.h"

#include "net/roce/bit_fields.h"

namespace roce::cm {
namespace {

// Each layout() is both the parser and the encoder of its structure, in the order of the specification's tables.

template <typename Bits, typename Header>
void layout_header(Bits& bits, Header& header) {
  bits.field(header.base_version, 8);
  bits.field(header.management_class, 8);
  bits.field(header.class_version, 8);
  bits.field(header.method, 8);
  bits.field(header.status, 16);
  bits.field(header.class_specific, 16);
  bits.field(header.transaction, 64);
  bits.field(header.attribute, 16);
  bits.skip(16);
  bits.field(header.modifier, 32);
}

template <typename Bits, typename Path>
void layout_path(Bits& bits, Path& path) {
  bits.field(path.local_lid, 16);
  bits.field(path.remote_lid, 16);
  bits.array(path.local_gid.bytes);
  bits.array(path.remote_gid.bytes);
  bits.field(path.flow_label, 20);
  bits.skip(6);
  bits.field(path.packet_rate, 6);
  bits.field(path.traffic_class, 8);
  bits.field(path.hop_limit, 8);
  bits.field(path.service_level, 4);
  bits.field(path.subnet_local, 1);
  bits.skip(3);
  bits.field(path.local_ack_timeout, 5);
  bits.skip(3);
}

template <typename Bits, typename T>
requires std::is_same_v<std::remove_const_t<T>, Request>
void layout(Bits& bits, T& message) {
  bits.field(message.local_id, 32);
  bits.skip(32);
  bits.field(message.service_id, 64);
  bits.field(message.ca_guid, 64);
  bits.skip(32);
  bits.field(message.local_qkey, 32);
  bits.field(message.local_qpn, 24);
  bits.field(message.responder_resources, 8);
  bits.field(message.local_eecn, 24);
  bits.field(message.initiator_depth, 8);
  bits.field(message.remote_eecn, 24);
  bits.field(message.remote_response_timeout, 5);
  bits.field(message.transport, 2);
  bits.field(message.flow_control, 1);
  bits.field(message.starting_psn, 24);
  bits.field(message.local_response_timeout, 5);
  bits.field(message.retry_count, 3);
  bits.field(message.pkey, 16);
  bits.field(message.path_mtu, 4);
  bits.field(message.rdc_exists, 1);
  bits.field(message.rnr_retry_count, 3);
  bits.field(message.max_cm_retries, 4);
  bits.field(message.srq, 1);
  bits.field(message.extended_transport, 3);
  layout_path(bits, message.primary);
  layout_path(bits, message.alternate);
}

template <typename Bits, typename T>
requires std::is_same_v<std::remove_const_t<T>, MessageReceiptAcknowledgement>
void layout(Bits& bits, T& message) {
  bits.field(message.local_id, 32);
  bits.field(message.remote_id, 32);
  bits.field(message.message, 2);
  bits.skip(6);
  bits.field(message.service_timeout, 5);
  bits.skip(3);
}

template <typename Bits, typename T>
requires std::is_same_v<std::remove_const_t<T>, Reject>
void layout(Bits& bits, T& message) {
  bits.field(message.local_id, 32);
  bits.field(message.remote_id, 32);
  bits.field(message.message, 2);
  bits.skip(6);
  bits.field(message.info_bytes, 7);
  bits.skip(1);
  bits.field(message.reason, 16);
  bits.array(message.info);
}

template <typename Bits, typename T>
requires std::is_same_v<std::remove_const_t<T>, Reply>
void layout(Bits& bits, T& message) {
  bits.field(message.local_id, 32);
  bits.field(message.remote_id, 32);
  bits.field(message.local_qkey, 32);
  bits.field(message.local_qpn, 24);
  bits.skip(8);
  bits.field(message.local_eecn, 24);
  bits.skip(8);
  bits.field(message.starting_psn, 24);
  bits.skip(8);
  bits.field(message.responder_resources, 8);
  bits.field(message.initiator_depth, 8);
  bits.field(message.target_ack_delay, 5);
  bits.field(message.failover, 2);
  bits.field(message.flow_control, 1);
  bits.field(message.rnr_retry_count, 3);
  bits.field(message.srq, 1);
  bits.skip(4);
  bits.field(message.ca_guid, 64);
}

template <typename Bits, typename T>
requires std::is_same_v<std::remove_const_t<T>, DisconnectRequest>
void layout(Bits& bits, T& message) {
  bits.field(message.local_id, 32);
  bits.field(message.remote_id, 32);
  bits.field(message.remote_qpn, 24);
  bits.skip(8);
}

template <typename Bits, typename T>
requires(std::is_same_v<std::remove_const_t<T>, ReadyToUse> ||
         std::is_same_v<std::remove_const_t<T>, DisconnectReply>) void layout(Bits& bits, T& message) {
  bits.field(message.local_id, 32);
  bits.field(message.remote_id, 32);
}

// The same with the private data, which ends the datagram.
template <typename Bits, typename T>
void layout_all(Bits& bits, T& message) {
  layout(bits, message);
  bits.view(message.private_data, T::private_bytes);
  LEGO_ASSERT(bits.position() == mad_bytes * 8);
}

}  // namespace

std::string_view name(Attribute attribute) {
  switch (attribute) {
    case Attribute::Request:
      return "REQ";
    case Attribute::MessageReceiptAcknowledgement:
      return "MRA";
    case Attribute::Reject:
      return "REJ";
    case Attribute::Reply:
      return "REP";
    case Attribute::ReadyToUse:
      return "RTU";
    case Attribute::DisconnectRequest:
      return "DREQ";
    case Attribute::DisconnectReply:
      return "DREP";
    case Attribute::ServiceIdRequest:
      return "SIDR_REQ";
    case Attribute::ServiceIdReply:
      return "SIDR_REP";
    case Attribute::LoadAlternatePath:
      return "LAP";
    case Attribute::AlternatePathResponse:
      return "APR";
  }
  return "unknown";
}

Result<MadHeader> parse_header(std::span<const std::byte> mad) {
  if (mad.size() != mad_bytes) return base::fail(Error::Malformed);
  BitReader bits(mad);
  MadHeader header;
  layout_header(bits, header);
  return header;
}

template <typename T>
T parse(std::span<const std::byte, mad_bytes> mad) {
  BitReader bits(mad);
  bits.skip(mad_header_bytes * 8);
  T message;
  layout_all(bits, message);
  return message;
}

template <typename T>
void encode(const MadHeader& header, const T& message, std::span<std::byte, mad_bytes> mad) {
  BitWriter bits(mad);
  MadHeader filled = header;
  filled.attribute = static_cast<std::uint16_t>(T::attribute);
  layout_header(bits, filled);
  layout_all(bits, message);
}

#define LEGO_CM_MESSAGE(T)                                        \
  template T parse<T>(std::span<const std::byte, mad_bytes> mad); \
  template void encode<T>(const MadHeader& header, const T& message, std::span<std::byte, mad_bytes> mad)
LEGO_CM_MESSAGE(Request);
LEGO_CM_MESSAGE(MessageReceiptAcknowledgement);
LEGO_CM_MESSAGE(Reject);
LEGO_CM_MESSAGE(Reply);
LEGO_CM_MESSAGE(ReadyToUse);
LEGO_CM_MESSAGE(DisconnectRequest);
LEGO_CM_MESSAGE(DisconnectReply);
#undef LEGO_CM_MESSAGE

namespace {

// A GID stands for an IPv4 address; on the wire here it is bare, in the last four of sixteen bytes.
std::array<std::uint8_t, 16> bare(const verbs::Gid& gid, std::uint8_t ip_version) {
  std::array<std::uint8_t, 16> bytes = gid.bytes;
  if (ip_version == 4) bytes[10] = bytes[11] = 0;
  return bytes;
}

verbs::Gid mapped(std::array<std::uint8_t, 16> bytes, std::uint8_t ip_version) {
  if (ip_version == 4) bytes[10] = bytes[11] = 0xff;
  return {bytes};
}

}  // namespace

void encode(const IpAddresses& addresses, std::span<std::byte, ip_addresses_bytes> bytes) {
  BitWriter bits(bytes);
  bits.field(addresses.version, 8);
  bits.field(addresses.ip_version, 4);
  bits.skip(4);
  bits.field(addresses.source_port, 16);
  bits.array(bare(addresses.source, addresses.ip_version));
  bits.array(bare(addresses.destination, addresses.ip_version));
}

std::optional<IpAddresses> parse_ip_addresses(PrivateData private_data) {
  if (private_data.size() < ip_addresses_bytes) return std::nullopt;
  IpAddresses addresses;
  std::array<std::uint8_t, 16> source;
  std::array<std::uint8_t, 16> destination;
  BitReader bits(private_data);
  bits.field(addresses.version, 8);
  bits.field(addresses.ip_version, 4);
  bits.skip(4);
  bits.field(addresses.source_port, 16);
  bits.array(source);
  bits.array(destination);
  if (addresses.version != 0 || (addresses.ip_version != 4 && addresses.ip_version != 6)) return std::nullopt;
  addresses.source = mapped(source, addresses.ip_version);
  addresses.destination = mapped(destination, addresses.ip_version);
  return addresses;
}

}  // namespace roce::cm
