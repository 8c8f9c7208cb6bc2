// SPDX-License-Identifier: Apache-2.0
// What an Engine counts. Every frame or request that it refuses is counted by a name of its own; the list is the only
// place to add one. Plain integers under the engine's serialisation.
#pragma once

#include <cstdint>
#include <string_view>

namespace roce {

#define LEGO_ROCE_COUNTERS(X)                                                                                          \
  /* Traffic */                                                                                                        \
  X(tx_packets)                                                                                                        \
  X(tx_bytes)                                                                                                          \
  X(rx_packets)                                                                                                        \
  X(rx_bytes)                                                                                                          \
  X(tx_full)                                                                                                           \
  X(tx_errors)                                                                                                         \
  X(tx_no_slot) /* Link and network layer */                                                                           \
  X(rx_other_destination)                                                                                              \
  X(rx_other_ethertype)                                                                                                \
  X(rx_truncated)                                                                                                      \
  X(rx_ip_bad_header)                                                                                                  \
  X(rx_ip_bad_checksum) X(rx_ip_fragment) X(rx_ip_other_destination) X(rx_ip_other_protocol) X(rx_udp_bad_length)      \
      X(rx_udp_other_port) X(rx_arp_malformed) X(arp_requests_sent) X(arp_requests_answered) X(arp_unanswered)         \
          X(neighbor_solicitations_sent) X(neighbor_solicitations_answered) X(neighbor_solicitations_unanswered)       \
              X(rx_icmpv6_malformed) X(rx_ip_bad_source) X(icmp_echo_answered) X(icmp_ignored)                         \
                  X(neighbor_table_full) /* Transport: packets that are dropped */                                     \
      X(rx_bad_icrc) X(rx_bad_transport_header) X(rx_bad_version) X(rx_unknown_opcode) X(rx_bad_length) X(rx_bad_pkey) \
          X(rx_unknown_qp) X(rx_wrong_qp_type) X(rx_wrong_qp_state) X(rx_wrong_source) X(rx_congestion_notifications)  \
              X(rx_not_migrated) /* Responder */                                                                       \
      X(duplicate_requests) X(duplicate_reads) X(duplicate_atomics) X(duplicates_refused) X(out_of_sequence)           \
          X(nak_sequence_sent) X(nak_invalid_request_sent) X(nak_access_sent) X(nak_operational_sent) X(rnr_nak_sent)  \
              X(acks_sent) X(acks_coalesced) X(acks_late) X(refused_opcode_order) X(refused_packet_length)             \
                  X(refused_message_length) X(refused_unsupported) X(refused_not_enabled) X(refused_key)               \
                      X(refused_bounds) X(refused_access) X(refused_domain) X(refused_alignment) X(refused_resources)  \
                          X(refused_receive_length) X(refused_receive_memory) /* Requester */                          \
      X(retransmits) X(timeouts) X(timeouts_postponed) X(rewinds) X(acks_received) X(acks_stale) X(acks_unexpected)    \
          X(nak_sequence_received) X(nak_invalid_request_received) X(nak_access_received) X(nak_operational_received)  \
              X(nak_unknown_received) X(rnr_nak_received) X(responses_duplicate) X(responses_gap)                      \
                  X(responses_unexpected) X(responses_bad) X(retries_exceeded) X(rnr_retries_exceeded)                 \
                      X(local_protection_errors)                                     /* Completion queues */           \
      X(cq_overflows) X(work_requests_flushed)                                       /* Unreliable datagrams */        \
      X(ud_bad_qkey) X(ud_no_receive) X(ud_too_long) X(ud_bad_memory) X(ud_no_route) /* Connection manager */          \
      X(cm_malformed) X(cm_bad_class) X(cm_unknown_attribute) X(cm_unknown_connection) X(cm_wrong_state)               \
          X(cm_duplicates) X(cm_retransmits) X(cm_timeouts) X(cm_rejects_sent) X(cm_rejects_received)                  \
              X(cm_no_listener) X(cm_table_full) X(cm_stale) X(cm_no_slot) X(cm_requests) X(cm_established)            \
                  X(cm_disconnected)

struct Counters {
#define LEGO_ROCE_COUNTER(name) std::uint64_t name = 0;
  LEGO_ROCE_COUNTERS(LEGO_ROCE_COUNTER)
#undef LEGO_ROCE_COUNTER
};

// Calls visit(std::string_view name, std::uint64_t value) for each.
template <typename Visitor>
void for_each_counter(const Counters& counters, Visitor&& visit) {
#define LEGO_ROCE_COUNTER(name) visit(std::string_view(#name), counters.name);
  LEGO_ROCE_COUNTERS(LEGO_ROCE_COUNTER)
#undef LEGO_ROCE_COUNTER
}

// The same under the names that a component reports: "roce.acks_sent".
template <typename Visitor>
void for_each_reported_counter(const Counters& counters, Visitor&& visit) {
#define LEGO_ROCE_COUNTER(name) visit(std::string_view("roce." #name), counters.name);
  LEGO_ROCE_COUNTERS(LEGO_ROCE_COUNTER)
#undef LEGO_ROCE_COUNTER
}

}  // namespace roce
