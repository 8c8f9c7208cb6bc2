// SPDX-License-Identifier: Apache-2.0
// When a responder acknowledges: at once whoever only sends, later and for several messages whom it talks with.
#include <algorithm>

#include "net/roce/limits.h"
#include "net/roce/testing/responding.h"

namespace {

using namespace roce;
using namespace roce::testing;

TEST_F(Responding, AcknowledgesOnlyWhenAsked) {
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  send(opcode::rc_send_first, mtu, false);
  next();
  send(opcode::rc_send_middle, mtu, false);
  next();
  EXPECT_TRUE(peer.silent());
  send(opcode::rc_send_last, 5);
  expect_answer(syndrome::acknowledge, psn, 1);
  ASSERT_EQ(end.completed(), 1u);
  EXPECT_EQ(end.done[0].byte_len, 2 * mtu + 5);
  EXPECT_EQ(end.memory[mtu], static_cast<std::byte>((psn - 1) & psn_mask));
}

TEST_F(Responding, AcknowledgementsThatWaitTogetherAreOne) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(end.post_receive(1, 0, 8192));
  for (int i = 0; i < 10; ++i) {
    const auto frame = peer.frame(headers(opcode::rc_send_only), {});
    end.node.engine().receive(frame, i < 9 ? More::Yes : More::No);
    next();
  }
  expect_answer(syndrome::acknowledge, psn - 1, 10);
  EXPECT_EQ(counters().acks_coalesced, 9u);
}

// Messages both ways: the peer is answered by messages, as a caller is.
struct Conversation : Responding {
  void SetUp() override {
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(end.post_receive(1, 0, 8192));
  }
  void ask(bool solicited = false) {
    TransportHeaders h = headers(opcode::rc_send_only);
    h.solicited = solicited;
    send(h, 8);
    next();
    ++asked;
  }
  void say() { ASSERT_TRUE(end.post(++said, verbs::Opcode::Send, 100, 8)); }
  void expect_message() {
    const auto packet = peer.take();
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->headers.opcode, opcode::rc_send_only);
    TransportHeaders h = headers(opcode::rc_acknowledge);
    h.psn = packet->headers.psn;
    h.syndrome = syndrome::acknowledge;
    peer.send(h);
  }
  // One exchange, after which this is a conversation.
  void begin() {
    ask();
    expect_answer(syndrome::acknowledge, psn - 1, 1);
    say();
    expect_message();
    EXPECT_TRUE(peer.silent());
  }
  std::uint32_t asked = 0;
  std::uint64_t said = 0;
};

TEST_F(Conversation, WhoOnlySendsIsAcknowledgedAtOnce) {
  for (std::uint32_t i = 1; i <= 10; ++i) {
    ask();
    expect_answer(syndrome::acknowledge, psn - 1, i);
  }
}

TEST_F(Conversation, TheAcknowledgementGoesWithTheAnswer) {
  begin();
  for (int i = 0; i < 3; ++i) {
    ask();
    EXPECT_TRUE(peer.silent());
    say();
    expect_message();
    expect_answer(syndrome::acknowledge, psn - 1, asked);
  }
  EXPECT_EQ(counters().acks_late, 0u);
}

TEST_F(Conversation, WithoutAnAnswerItGoesAlone) {
  begin();
  ask();
  world.run_for(limits::acknowledge_within_ns - 1);
  EXPECT_TRUE(peer.silent());
  world.run_for(1);
  expect_answer(syndrome::acknowledge, psn - 1, 2);
  // And the next one does not wait for somebody who said nothing.
  ask();
  expect_answer(syndrome::acknowledge, psn - 1, 3);
}

TEST_F(Conversation, SeveralMessagesAreNotMadeToWait) {
  begin();
  for (std::uint32_t i = 0; i < limits::acknowledge_every; ++i) {
    EXPECT_TRUE(peer.silent());
    ask();
  }
  expect_answer(syndrome::acknowledge, psn - 1, 1 + limits::acknowledge_every);
}

TEST_F(Conversation, WhatAsksForAttentionOrIsLongIsAcknowledgedAtOnce) {
  begin();
  ask(true);
  expect_answer(syndrome::acknowledge, psn - 1, 2);
  send(opcode::rc_send_first, mtu, false);
  next();
  send(opcode::rc_send_last, 5);
  expect_answer(syndrome::acknowledge, psn, 3);
  next();
  ask();
  EXPECT_TRUE(peer.silent());
  ask(true);
  expect_answer(syndrome::acknowledge, psn - 1, 5);
}

TEST_F(Conversation, ARepetitionMeansThatItWasMissed) {
  begin();
  const TransportHeaders again = headers(opcode::rc_send_only);
  ask();
  EXPECT_TRUE(peer.silent());
  send(again, 8);
  expect_answer(syndrome::acknowledge, psn - 1, 2);
}

TEST_F(Conversation, AGapIsToldAtOnce) {
  begin();
  ask();
  const Psn missing = psn;
  next();
  ask();
  expect_answer(syndrome::nak_sequence, missing, 2);
  world.run_for(base::millisecond_ns);
  EXPECT_TRUE(peer.silent());
}

TEST_F(Conversation, DataAcknowledgesWhatCameBeforeIt) {
  begin();
  ask();
  TransportHeaders read = headers(opcode::rc_read_request);
  read.length = 16;
  send(read, 0);
  const auto data = peer.take();
  ASSERT_TRUE(data);
  EXPECT_EQ(data->headers.opcode, opcode::rc_read_response_only);
  EXPECT_EQ(data->headers.msn, 3u);
  world.run_for(base::millisecond_ns);
  EXPECT_TRUE(peer.silent());
}

TEST_F(Conversation, NothingIsSentAfterAnError) {
  begin();
  ask();
  verbs::QpAttributes error;
  error.state = verbs::QpState::Error;
  ASSERT_TRUE(end.queue_pair->modify(error));
  world.run_for(base::second_ns);
  EXPECT_TRUE(peer.silent());
}

// Between our own components.
struct OwnConversation : Conversation {
  void SetUp() override {
    bring_up(every_access, 4, true);
    Conversation::SetUp();
  }
};

TEST_F(OwnConversation, OneAcknowledgementStandsForSeveralExchanges) {
  begin();
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < limits::acknowledge_own_every; ++i) {
      EXPECT_TRUE(peer.silent());
      ask();
      EXPECT_TRUE(peer.silent()) << "the answer goes first";
      say();
      expect_message();
    }
    expect_answer(syndrome::acknowledge, psn - 1, asked);
  }
  EXPECT_EQ(counters().acks_sent, 4u);
  EXPECT_EQ(counters().acks_late, 0u);
}

TEST_F(OwnConversation, ManyThatAreNotAnsweredAreAcknowledgedSoon) {
  begin();
  for (std::uint32_t i = 0; i < limits::acknowledge_own_every; ++i) ask();
  EXPECT_TRUE(peer.silent());
  world.run_for(limits::acknowledge_within_ns);
  expect_answer(syndrome::acknowledge, psn - 1, asked);
}

TEST_F(OwnConversation, TwiceAsManyAreAcknowledgedAtOnce) {
  begin();
  for (std::uint32_t i = 0; i < 2 * limits::acknowledge_own_every; ++i) {
    EXPECT_TRUE(peer.silent());
    ask();
  }
  expect_answer(syndrome::acknowledge, psn - 1, asked);
}

TEST_F(OwnConversation, ItsEndIsAcknowledgedBeforeItIsMissed) {
  static_assert(limits::acknowledge_own_within_ns < limits::adaptive_least_ns / 2);
  begin();
  ask();
  say();
  expect_message();
  world.run_for(limits::acknowledge_own_within_ns);
  expect_answer(syndrome::acknowledge, psn - 1, 2);
  EXPECT_EQ(counters().acks_late, 1u);
}

// Two engines: calls one after the other cost little more than two frames each, and nothing is sent twice.
TEST(Frames, OfACallAndItsAnswer) {
  World world{1};
  Endpoint caller(world.add(), 65536);
  Endpoint server(world.add(), 65536);
  verbs::QpAttributes attributes;
  attributes.adaptive_timeout = true;
  join(caller, server, attributes);
  std::size_t frames = 0;
  for (Endpoint* end : {&caller, &server}) {
    end->node.on_transmit = [&](const std::vector<std::byte>&) { ++frames; };
  }
  constexpr std::size_t calls = 400;
  for (std::size_t i = 0; i < calls; ++i) {
    ASSERT_TRUE(server.post_receive(1, 0, 4096));
    ASSERT_TRUE(caller.post_receive(1, 0, 4096));
    caller.done.clear();
    server.done.clear();
    const auto received = [](Endpoint& end) {
      end.poll();
      return std::ranges::any_of(end.done, [](const auto& completion) { return completion.wr_id == 1; });
    };
    ASSERT_TRUE(caller.post(2, verbs::Opcode::Send, 0, 100));
    ASSERT_TRUE(world.run([&] { return received(server); }));
    world.run_for(30'000);  // it thinks
    ASSERT_TRUE(server.post(2, verbs::Opcode::Send, 0, 4096));
    ASSERT_TRUE(world.run([&] { return received(caller); }));
    world.run_for(20'000);
  }
  world.run_for(base::second_ns);
  EXPECT_LT(frames, calls * 27 / 10);
  for (Endpoint* end : {&caller, &server}) {
    EXPECT_EQ(end->node.counters().retransmits, 0u);
    EXPECT_EQ(end->node.counters().duplicate_requests, 0u);
  }
}

}  // namespace
