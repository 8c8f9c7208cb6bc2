// SPDX-License-Identifier: Apache-2.0
// An engine that is sent anything at all: random bytes, damaged frames of every kind, half of them with a right ICRC
// and for a queue pair that is there. Everything is counted; nothing but the memory that a request may reach is
// changed.
#include "net/roce/testing/hostile.h"

#include <gtest/gtest.h>

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace roce;
using namespace roce::testing;

TEST(Hostile, AnyFrameIsCountedOrTakenAndNothingElseHappens) {
  std::map<std::string_view, std::uint64_t> totals;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    HostileTarget target(seed);
    base::Random random(seed);
    for (int i = 0; i < 3000; ++i) {
      std::vector<std::byte> choices(16 + random.below(200));
      for (auto& byte : choices) byte = static_cast<std::byte>(random.next());
      target.attack(choices);
      if (i % 100 == 0) target.check();
    }
    target.check();
    target.collect(totals);
  }
  if (std::getenv("LEGO_COUNTERS") != nullptr) {
    for (const auto& [name, value] : totals) {
      std::printf("%.*s %llu\n", static_cast<int>(name.size()), name.data(), static_cast<unsigned long long>(value));
    }
  }
  // So that "nothing happened" means something: all of these doors were tried.
  for (const std::string_view name : {"rx_truncated",
                                      "rx_bad_icrc",
                                      "rx_bad_transport_header",
                                      "rx_bad_version",
                                      "rx_unknown_opcode",
                                      "rx_bad_pkey",
                                      "rx_unknown_qp",
                                      "rx_wrong_qp_type",
                                      "rx_wrong_qp_state",
                                      "rx_wrong_source",
                                      "rx_ip_bad_header",
                                      "rx_ip_bad_checksum",
                                      "rx_udp_bad_length",
                                      "rx_udp_other_port",
                                      "rx_other_ethertype",
                                      "rx_arp_malformed",
                                      "icmp_ignored",
                                      "icmp_echo_answered",
                                      "neighbor_solicitations_answered",
                                      "rx_icmpv6_malformed",
                                      "rx_ip_bad_source",
                                      "duplicate_requests",
                                      "out_of_sequence",
                                      "refused_opcode_order",
                                      "refused_packet_length",
                                      "refused_unsupported",
                                      "refused_key",
                                      "refused_bounds",
                                      "refused_message_length",
                                      "acks_stale",
                                      "acks_unexpected",
                                      "responses_unexpected",
                                      "ud_bad_qkey",
                                      "cm_bad_class",
                                      "cm_unknown_attribute",
                                      "cm_unknown_connection",
                                      "cm_no_listener",
                                      "cm_requests"}) {
    EXPECT_GT(totals[name], 0u) << name << " was never reached";
  }
}

TEST(Hostile, TheFuzzersDoorIsOpen) {
  base::Random random(1);
  for (int i = 0; i < 100; ++i) {
    std::vector<std::uint8_t> bytes(random.below(4000));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    EXPECT_EQ(LLVMFuzzerTestOneInput(bytes.data(), bytes.size()), 0);
  }
}

}  // namespace
