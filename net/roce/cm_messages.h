// SPDX-License-Identifier: Apache-2.0
// The connection manager's datagrams (IBTA Volume 1, 13.4 and 12.6): the MAD header, and the messages with which RC
// connections are made and ended, as fields; parsed from and encoded to the 256 bytes on the wire. Private data is a
// view into the parsed bytes. Also the header that librdmacm puts before a request's private data (annex A11).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/base/error.h"
#include "net/verbs/verbs.h"

namespace roce::cm {

using base::Error;
using base::Result;

inline constexpr std::size_t mad_bytes = 256;
inline constexpr std::size_t mad_header_bytes = 24;
inline constexpr std::uint32_t qkey = 0x80010000;  // of QP 1
inline constexpr std::uint8_t management_class = 7;

enum class Attribute : std::uint16_t {
  Request = 0x10,
  MessageReceiptAcknowledgement = 0x11,
  Reject = 0x12,
  Reply = 0x13,
  ReadyToUse = 0x14,
  DisconnectRequest = 0x15,
  DisconnectReply = 0x16,
  ServiceIdRequest = 0x17,
  ServiceIdReply = 0x18,
  LoadAlternatePath = 0x19,
  AlternatePathResponse = 0x1a,
};
std::string_view name(Attribute attribute);

struct MadHeader {
  std::uint8_t base_version = 1;
  std::uint8_t management_class = cm::management_class;
  std::uint8_t class_version = 2;
  std::uint8_t method = 3;  // Send
  std::uint16_t status = 0;
  std::uint16_t class_specific = 0;
  std::uint64_t transaction = 0;
  std::uint16_t attribute = 0;
  std::uint32_t modifier = 0;
};

using PrivateData = std::span<const std::byte>;

// One of the two paths of a request.
struct PathRecord {
  std::uint16_t local_lid = 0;
  std::uint16_t remote_lid = 0;
  verbs::Gid local_gid;
  verbs::Gid remote_gid;
  std::uint32_t flow_label = 0;  // 20 bits
  std::uint8_t packet_rate = 0;  // 6
  std::uint8_t traffic_class = 0;
  std::uint8_t hop_limit = 0;
  std::uint8_t service_level = 0;  // 4
  bool subnet_local = false;
  std::uint8_t local_ack_timeout = 0;  // 5
};

struct Request {
  static constexpr Attribute attribute = Attribute::Request;
  static constexpr std::size_t private_bytes = 92;
  std::uint32_t local_id = 0;
  std::uint64_t service_id = 0;
  std::uint64_t ca_guid = 0;
  std::uint32_t local_qkey = 0;
  std::uint32_t local_qpn = 0;
  std::uint8_t responder_resources = 0;
  std::uint32_t local_eecn = 0;
  std::uint8_t initiator_depth = 0;
  std::uint32_t remote_eecn = 0;
  std::uint8_t remote_response_timeout = 0;  // 5 bits
  std::uint8_t transport = 0;                // 2: 0 is RC
  bool flow_control = false;
  std::uint32_t starting_psn = 0;  // the one that the other side shall begin to send with
  std::uint8_t local_response_timeout = 0;
  std::uint8_t retry_count = 0;  // 3
  std::uint16_t pkey = 0xffff;
  std::uint8_t path_mtu = 0;  // 4: 1 is 256 bytes, 5 is 4096
  bool rdc_exists = false;
  std::uint8_t rnr_retry_count = 0;  // 3
  std::uint8_t max_cm_retries = 0;   // 4
  bool srq = false;
  std::uint8_t extended_transport = 0;  // 3
  PathRecord primary;
  PathRecord alternate;
  PrivateData private_data;
};

struct MessageReceiptAcknowledgement {
  static constexpr Attribute attribute = Attribute::MessageReceiptAcknowledgement;
  static constexpr std::size_t private_bytes = 222;
  std::uint32_t local_id = 0;
  std::uint32_t remote_id = 0;
  std::uint8_t message = 0;          // 2: 0 request, 1 reply, 2 load alternate path
  std::uint8_t service_timeout = 0;  // 5
  PrivateData private_data;
};

struct Reject {
  static constexpr Attribute attribute = Attribute::Reject;
  static constexpr std::size_t private_bytes = 148;
  std::uint32_t local_id = 0;
  std::uint32_t remote_id = 0;
  std::uint8_t message = 0;     // 2: 0 request, 1 reply, 2 none
  std::uint8_t info_bytes = 0;  // 7
  std::uint16_t reason = 0;
  std::array<std::byte, 72> info{};
  PrivateData private_data;
};

struct Reply {
  static constexpr Attribute attribute = Attribute::Reply;
  static constexpr std::size_t private_bytes = 196;
  std::uint32_t local_id = 0;
  std::uint32_t remote_id = 0;
  std::uint32_t local_qkey = 0;
  std::uint32_t local_qpn = 0;
  std::uint32_t local_eecn = 0;
  std::uint32_t starting_psn = 0;
  std::uint8_t responder_resources = 0;
  std::uint8_t initiator_depth = 0;
  std::uint8_t target_ack_delay = 0;  // 5
  std::uint8_t failover = 0;          // 2
  bool flow_control = false;
  std::uint8_t rnr_retry_count = 0;  // 3
  bool srq = false;
  std::uint64_t ca_guid = 0;
  PrivateData private_data;
};

struct ReadyToUse {
  static constexpr Attribute attribute = Attribute::ReadyToUse;
  static constexpr std::size_t private_bytes = 224;
  std::uint32_t local_id = 0;
  std::uint32_t remote_id = 0;
  PrivateData private_data;
};

struct DisconnectRequest {
  static constexpr Attribute attribute = Attribute::DisconnectRequest;
  static constexpr std::size_t private_bytes = 220;
  std::uint32_t local_id = 0;
  std::uint32_t remote_id = 0;
  std::uint32_t remote_qpn = 0;
  PrivateData private_data;
};

struct DisconnectReply {
  static constexpr Attribute attribute = Attribute::DisconnectReply;
  static constexpr std::size_t private_bytes = 224;
  std::uint32_t local_id = 0;
  std::uint32_t remote_id = 0;
  PrivateData private_data;
};

// The header of any MAD. Malformed: not 256 bytes.
Result<MadHeader> parse_header(std::span<const std::byte> mad);
// For each message type above. parse() of 256 bytes whose header names this message; encode() writes all 256, private
// data that is too short followed by zeros, and fills in the header's attribute.
template <typename T>
T parse(std::span<const std::byte, mad_bytes> mad);
template <typename T>
void encode(const MadHeader& header, const T& message, std::span<std::byte, mad_bytes> mad);

// Service ids and the private data's first bytes, as librdmacm uses them for RDMA_PS_TCP.
inline constexpr std::uint64_t tcp_service_base = 0x0000000001060000;
struct IpAddresses {
  std::uint8_t version = 0;
  std::uint8_t ip_version = 4;
  std::uint16_t source_port = 0;
  verbs::Gid source;  // an IPv4 address is in the last four bytes, the others are zero on the wire
  verbs::Gid destination;
};
inline constexpr std::size_t ip_addresses_bytes = 36;
void encode(const IpAddresses& addresses, std::span<std::byte, ip_addresses_bytes> bytes);
std::optional<IpAddresses> parse_ip_addresses(PrivateData private_data);

}  // namespace roce::cm
