// SPDX-License-Identifier: Apache-2.0
// How long a requester waits, for whom, and when it gives up (IBTA Volume 1, 9.7.6).
#include "net/roce/testing/requesting.h"

namespace {

using namespace roce;
using namespace roce::testing;
using verbs::CompletionStatus;
using verbs::Opcode;
using verbs::QpState;

TEST_F(Requesting, WaitsWhenThePeerIsNotReady) {
  post(0, Opcode::Send, 10);
  post(1, Opcode::Send, 10);
  while (peer.take()) {
  }
  answer(syndrome::rnr | 12, at(0));  // 640 us
  world.run_for(600'000);
  EXPECT_TRUE(peer.silent());
  world.run_for(100'000);
  expect(opcode::rc_send_only, at(0));
  expect(opcode::rc_send_only, at(1));
  for (int i = 0; i < 50; ++i) {  // for ever: the default is 7
    answer(syndrome::rnr | 1, at(0));
    world.run_for(20'000);
  }
  EXPECT_EQ(end.queue_pair->state(), QpState::ReadyToSend);
  EXPECT_EQ(counters().rnr_nak_received, 51u);
  answer(syndrome::acknowledge, at(1));
  expect_completions({CompletionStatus::Success, CompletionStatus::Success});
}

// 0.01 ms times 1, 2, 3, 4, 6, 8, 12... and code 0 is the longest (IBTA Volume 1, table 46).
TEST_F(Requesting, WaitsAsLongAsThePeerAsks) {
  for (unsigned code = 0; code < 32; ++code) {
    SCOPED_TRACE(code);
    const unsigned power = code == 0 ? 32 : code;
    const std::uint64_t units = power == 1       ? 1
                                : power % 2 == 0 ? std::uint64_t{1} << (power / 2)
                                                 : std::uint64_t{3} << ((power - 3) / 2);
    bring_up({});
    post(0, Opcode::Send, 10);
    expect(opcode::rc_send_only, at(0));
    answer(static_cast<std::uint8_t>(syndrome::rnr | code), at(0));
    world.run_for(units * 10'000 - 1'000);
    EXPECT_TRUE(peer.silent());
    world.run_for(2'000);
    expect(opcode::rc_send_only, at(0));
    answer(syndrome::acknowledge, at(0));
  }
  EXPECT_EQ(counters().rnr_nak_received, 32u);
  EXPECT_EQ(counters().timeouts, 0u);
}

TEST_F(Requesting, GivesUpAPeerThatIsNeverReady) {
  verbs::QpAttributes attributes;
  attributes.rnr_retry = 2;
  bring_up(attributes);
  post(0, Opcode::Send, 10);
  post(1, Opcode::Send, 10);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(end.completed(), 0u);
    answer(syndrome::rnr | 1, at(0));
    world.run_for(20'000);
  }
  expect_completions({CompletionStatus::RnrRetryExceeded, CompletionStatus::WorkRequestFlushed});
  EXPECT_EQ(counters().rnr_retries_exceeded, 1u);
}

TEST_F(Requesting, GivesUpASilentPeerAfterTheNegotiatedTries) {
  verbs::QpAttributes attributes;
  attributes.timeout = 12;  // 16.8 ms
  attributes.retry_count = 3;
  bring_up(attributes);
  post(0, Opcode::Send, 10);
  post(1, Opcode::RdmaRead, 10);
  world.run_for(66 * ms);
  EXPECT_EQ(end.completed(), 0u);
  int sent = 0;
  while (const auto packet = peer.take()) sent += packet->headers.psn == at(0) ? 1 : 0;
  EXPECT_EQ(sent, 4);  // and three times again
  world.run_for(3 * ms);
  expect_completions({CompletionStatus::RetryExceeded, CompletionStatus::WorkRequestFlushed});
  EXPECT_EQ(counters().timeouts, 4u);
  EXPECT_EQ(counters().retries_exceeded, 1u);
  EXPECT_EQ(counters().work_requests_flushed, 1u);
}

TEST_F(Requesting, BetweenOurOwnTriesForHalfAMinute) {
  verbs::QpAttributes attributes;
  attributes.adaptive_timeout = true;
  attributes.retry_count = 1;
  bring_up(attributes);
  post(0, Opcode::Send, 10);
  world.run_for(29 * base::second_ns);
  EXPECT_EQ(end.completed(), 0u);
  std::size_t tries = 0;
  while (peer.take()) ++tries;
  EXPECT_GT(tries, 400u);  // every 67 ms
  world.run_for(2 * base::second_ns);
  expect_completions({CompletionStatus::RetryExceeded});
}

TEST_F(Requesting, TheTimerFollowsTheRoundTrip) {
  verbs::QpAttributes attributes;
  attributes.adaptive_timeout = true;
  bring_up(attributes);
  for (std::uint64_t i = 0; i < 30; ++i) {
    post(i, Opcode::Send, 10);
    world.run_for(100'000);
    answer(syndrome::acknowledge, at(static_cast<std::uint32_t>(i)));
  }
  while (peer.take()) {
  }
  post(30, Opcode::Send, 10);
  expect(opcode::rc_send_only, at(30));
  world.run_for(limits::adaptive_least_ns - 100'000);
  EXPECT_TRUE(peer.silent());
  world.run_for(200'000);
  expect(opcode::rc_send_only, at(30));
}

// Between our own components: whoever talks lives, and its acknowledgement comes late, not never.
TEST_F(Requesting, ATalkingPeerIsNotHurried) {
  verbs::QpAttributes attributes;
  attributes.adaptive_timeout = true;
  bring_up(attributes);
  post(0, Opcode::Send, 10);
  expect(opcode::rc_send_only, at(0));
  TransportHeaders h;
  h.opcode = opcode::rc_write_only;
  h.qpn = end.queue_pair->qp_num();
  for (std::uint32_t i = 0; i < limits::postponements; ++i) {
    h.psn = i;
    peer.send(h);
    world.run_for(limits::adaptive_first_ns);
    EXPECT_EQ(counters().retransmits, 0u) << i;
  }
  EXPECT_EQ(counters().timeouts_postponed, limits::postponements);
  h.psn = limits::postponements;
  peer.send(h);
  world.run_for(limits::adaptive_first_ns);
  EXPECT_EQ(counters().timeouts, 1u) << "talking does not help for ever";
}

TEST_F(Requesting, AnUnreachablePeerCountsAsSilent) {
  verbs::QpAttributes attributes;
  attributes.path_mtu = mtu;
  attributes.destination = verbs::Gid::from_ipv4(0x0a0900c8);  // nobody
  attributes.timeout = 14;
  ASSERT_TRUE(end.queue_pair->modify({}));
  for (const auto state : {QpState::Init, QpState::ReadyToReceive, QpState::ReadyToSend}) {
    attributes.state = state;
    ASSERT_TRUE(end.queue_pair->modify(attributes));
  }
  post(0, Opcode::Send, 10);
  ASSERT_TRUE(world.run([&] { return end.completed() == 1; }, 2 * base::second_ns));
  expect_completions({CompletionStatus::RetryExceeded});
  EXPECT_GT(counters().arp_requests_sent, 3u);
}

TEST_F(Requesting, TheTimerDoesNotRunWhileTheSinkIsSlow) {
  verbs::QpAttributes attributes;
  attributes.timeout = 8;  // 1 ms
  attributes.retry_count = 1;
  bring_up(attributes);
  end.node.sink.hold_ns = 100 * ms;
  post(0, Opcode::Send, 10);
  world.run_for(99 * ms);
  EXPECT_EQ(counters().timeouts, 0u);
  end.node.sink.hold_ns = 0;
  world.run_for(10 * ms);
  expect_completions({CompletionStatus::RetryExceeded});
}

}  // namespace
