// SPDX-License-Identifier: Apache-2.0
// What a requester does with each kind of answer, or with none, packet by packet (IBTA Volume 1, 9.7 and 9.9).
#include "net/roce/testing/requesting.h"

namespace {

using namespace roce;
using namespace roce::testing;
using verbs::CompletionStatus;
using verbs::Opcode;
using verbs::QpState;

TEST_F(Requesting, CutsMessagesIntoPackets) {
  verbs::SendWorkRequest request;
  const verbs::Sge list[] = {end.sge(3, 2 * mtu + 5)};
  request.opcode = Opcode::RdmaWriteWithImmediate;
  request.sg_list = list;
  request.remote_address = 0x123456789;
  request.rkey = 0xabcd;
  request.immediate = 0xcafe;
  request.solicited = true;
  ASSERT_TRUE(end.queue_pair->post_send(request));
  const auto first = expect(opcode::rc_write_first, at(0));
  EXPECT_EQ(first.headers.address, 0x123456789u);
  EXPECT_EQ(first.headers.rkey, 0xabcdu);
  EXPECT_EQ(first.headers.length, 2 * mtu + 5);
  EXPECT_FALSE(first.headers.acknowledge);
  EXPECT_FALSE(first.headers.solicited);
  EXPECT_TRUE(first.headers.migrated);
  EXPECT_EQ(first.headers.qpn, 0x77u);
  EXPECT_EQ(first.headers.pkey, 0xffff);
  expect(opcode::rc_write_middle, at(1));
  const auto last = expect(opcode::rc_write_last_immediate, at(2));
  EXPECT_TRUE(last.headers.acknowledge);
  EXPECT_TRUE(last.headers.solicited);
  EXPECT_EQ(last.headers.immediate, 0xcafeu);
  EXPECT_EQ(last.payload, std::vector<std::byte>(end.memory.begin() + 3 + 2 * mtu, end.memory.begin() + 8 + 2 * mtu));
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(end.completed(), 0u);
  answer(syndrome::acknowledge, at(2));
  EXPECT_EQ(end.completed(), 1u);
}

TEST_F(Requesting, OneAcknowledgementStandsForAllBefore) {
  for (std::uint64_t i = 0; i < 5; ++i) post(i, Opcode::Send, 10);
  answer(syndrome::acknowledge, at(3));
  expect_completions(
      {CompletionStatus::Success, CompletionStatus::Success, CompletionStatus::Success, CompletionStatus::Success});
  answer(syndrome::acknowledge, at(1));  // late
  EXPECT_EQ(counters().acks_stale, 1u);
  answer(syndrome::acknowledge, at(5));  // of what was never sent
  EXPECT_EQ(counters().acks_unexpected, 1u);
  EXPECT_EQ(end.completed(), 4u);
}

TEST_F(Requesting, ASequenceNakSendsAgainFromThere) {
  post(0, Opcode::Send, 10);
  post(1, Opcode::Send, 3 * mtu);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(peer.take()->headers.psn, at(i));
  answer(syndrome::nak_sequence, at(2));
  expect_completions({CompletionStatus::Success});
  expect(opcode::rc_send_middle, at(2));
  expect(opcode::rc_send_last, at(3));
  EXPECT_EQ(counters().retransmits, 2u);
  answer(syndrome::nak_sequence, at(2));  // the same again, at once: the wire repeated it
  EXPECT_TRUE(peer.silent());
  answer(syndrome::acknowledge, at(3));
  expect_completions({CompletionStatus::Success, CompletionStatus::Success});
}

TEST_F(Requesting, ErrorsOfThePeerBecomeCompletions) {
  const struct {
    std::uint8_t syndrome;
    CompletionStatus status;
    std::uint64_t Counters::*counter;
  } cases[] = {
      {syndrome::nak_invalid_request, CompletionStatus::RemoteInvalidRequest, &Counters::nak_invalid_request_received},
      {syndrome::nak_remote_access, CompletionStatus::RemoteAccessError, &Counters::nak_access_received},
      {syndrome::nak_remote_operational, CompletionStatus::RemoteOperationError, &Counters::nak_operational_received}};
  for (const auto& [code, status, counter] : cases) {
    bring_up({});
    end.done.clear();
    for (std::uint64_t i = 0; i < 4; ++i) post(i, Opcode::RdmaWrite, 10);
    ASSERT_TRUE(end.post_receive(4, 0, 10));
    answer(code, at(1));
    expect_completions({CompletionStatus::Success, status, CompletionStatus::WorkRequestFlushed,
                        CompletionStatus::WorkRequestFlushed, CompletionStatus::WorkRequestFlushed});
    EXPECT_EQ(end.queue_pair->state(), QpState::Error);
    EXPECT_EQ(counters().*counter, 1u);
    // In Error everything that is posted comes back at once.
    ASSERT_TRUE(end.post(5, Opcode::Send, 0, 10));
    ASSERT_TRUE(end.post_receive(6, 0, 10));
    EXPECT_EQ(end.completed(), 7u);
    EXPECT_EQ(end.done.back().status, CompletionStatus::WorkRequestFlushed);
    while (peer.take()) {
    }
  }
}

TEST_F(Requesting, AReadIsAskedForAgainFromWhereItBroke) {
  post(0, Opcode::RdmaRead, 4 * mtu + 1);
  auto request = expect(opcode::rc_read_request, at(0));
  EXPECT_EQ(request.headers.length, 4 * mtu + 1);
  respond(opcode::rc_read_response_first, at(0), mtu, std::byte{1});
  respond(opcode::rc_read_response_middle, at(2), mtu, std::byte{3});  // 1 is missing
  request = expect(opcode::rc_read_request, at(1));
  EXPECT_EQ(request.headers.address, 0x1000 + mtu);
  EXPECT_EQ(request.headers.length, 3 * mtu + 1);
  respond(opcode::rc_read_response_middle, at(3), mtu, std::byte{4});  // of the first answer
  EXPECT_TRUE(peer.silent());
  respond(opcode::rc_read_response_first, at(1), mtu, std::byte{2});
  respond(opcode::rc_read_response_first, at(1), mtu, std::byte{9});  // again
  respond(opcode::rc_read_response_middle, at(2), mtu, std::byte{3});
  respond(opcode::rc_read_response_middle, at(3), mtu, std::byte{4});
  EXPECT_EQ(end.completed(), 0u);
  const std::byte beyond = end.memory[4 * mtu + 1];
  respond(opcode::rc_read_response_last, at(4), 1, std::byte{5});
  expect_completions({CompletionStatus::Success});
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(end.memory[i * mtu + 7], static_cast<std::byte>(i + 1));
  EXPECT_EQ(end.memory[4 * mtu], std::byte{5});
  EXPECT_EQ(end.memory[4 * mtu + 1], beyond);
  EXPECT_EQ(counters().responses_gap, 2u);
  EXPECT_EQ(counters().responses_duplicate, 1u);
}

TEST_F(Requesting, AnAcknowledgementBehindAReadMeansThatItsDataWasLost) {
  post(0, Opcode::Send, 1);
  post(1, Opcode::RdmaRead, 10);
  post(2, Opcode::Send, 1);
  while (peer.take()) {
  }
  answer(syndrome::acknowledge, at(2));
  expect_completions({CompletionStatus::Success});  // the first only
  expect(opcode::rc_read_request, at(1));
  expect(opcode::rc_send_only, at(2));
  respond(opcode::rc_read_response_only, at(1), 10, std::byte{1});
  answer(syndrome::acknowledge, at(2));
  expect_completions({CompletionStatus::Success, CompletionStatus::Success, CompletionStatus::Success});
}

TEST_F(Requesting, DataAcknowledgesWhatWasBeforeIt) {
  post(0, Opcode::Send, 1);
  post(1, Opcode::RdmaWrite, 3 * mtu);
  post(2, Opcode::RdmaRead, 10);
  respond(opcode::rc_read_response_only, at(4), 10, std::byte{1});
  expect_completions({CompletionStatus::Success, CompletionStatus::Success, CompletionStatus::Success});
}

TEST_F(Requesting, AsksForNoMoreReadsThanGranted) {
  verbs::QpAttributes attributes;
  attributes.max_reads = 2;
  bring_up(attributes);
  for (std::uint64_t i = 0; i < 3; ++i) post(i, Opcode::RdmaRead, 10);
  expect(opcode::rc_read_request, at(0));
  expect(opcode::rc_read_request, at(1));
  EXPECT_TRUE(peer.silent());
  respond(opcode::rc_read_response_only, at(0), 10);
  expect(opcode::rc_read_request, at(2));

  attributes.max_reads = 0;
  bring_up(attributes);
  EXPECT_FALSE(end.post(0, Opcode::RdmaRead, 0, 10));
}

TEST_F(Requesting, UnfittingAnswersAreDropped) {
  post(0, Opcode::RdmaRead, 10);
  respond(opcode::rc_read_response_only, at(0), 9);
  respond(opcode::rc_read_response_only, at(0), 11);
  respond(opcode::rc_read_response_first, at(0), mtu);
  EXPECT_EQ(counters().responses_bad, 3u);
  respond(opcode::rc_atomic_acknowledge, at(0), 0);
  respond(opcode::rc_read_response_only, at(1), 10);
  EXPECT_EQ(counters().responses_unexpected, 2u);
  answer(0x7f, at(0));  // a NAK that does not exist
  answer(0x5f, at(0));  // a reserved syndrome
  EXPECT_EQ(counters().nak_unknown_received, 2u);
  EXPECT_EQ(end.completed(), 0u);
  respond(opcode::rc_read_response_only, at(0), 10);
  expect_completions({CompletionStatus::Success});
}

TEST_F(Requesting, KeepsABoundedNumberOfPacketsOnTheirWay) {
  ASSERT_TRUE(end.post(0, Opcode::Send, 0, 1 << 20));
  std::uint32_t sent = 0;
  Psn asked = 0;
  while (const auto packet = peer.take()) {
    ++sent;
    if (packet->headers.acknowledge) asked = packet->headers.psn;
  }
  EXPECT_LE(sent, limits::window_most);
  EXPECT_EQ(asked, at(sent - 1));  // or it would wait for its timer
  answer(syndrome::acknowledge, at(sent - 1));
  EXPECT_FALSE(peer.silent());
}

TEST_F(Requesting, BadLocalMemoryFailsThatRequestAfterThoseBefore) {
  post(0, Opcode::Send, 10);
  const verbs::Sge list[] = {{end.address(0), 10, end.region->lkey() ^ 0x40000}};
  verbs::SendWorkRequest request;
  request.wr_id = 1;
  request.sg_list = list;
  ASSERT_TRUE(end.queue_pair->post_send(request));
  post(2, Opcode::Send, 10);
  EXPECT_EQ(end.completed(), 0u);
  answer(syndrome::acknowledge, at(0));
  expect_completions(
      {CompletionStatus::Success, CompletionStatus::LocalProtectionError, CompletionStatus::WorkRequestFlushed});
}

TEST_F(Requesting, RefusesRequestsThatMakeNoSense) {
  const auto refused = [&](const std::function<void(verbs::SendWorkRequest&)>& spoil) {
    const verbs::Sge list[] = {end.sge(0, 8)};
    verbs::SendWorkRequest request;
    request.sg_list = list;
    spoil(request);
    const auto posted = end.queue_pair->post_send(request);
    return !posted && posted.error() == Error::InvalidArgument;
  };
  const std::vector<verbs::Sge> many(5, end.sge(0, 1));
  EXPECT_TRUE(refused([&](auto& r) { r.sg_list = many; }));
  const verbs::Sge long_inline[] = {end.sge(0, 129)};
  EXPECT_TRUE(refused([&](auto& r) { r.sg_list = long_inline, r.inline_data = true; }));
  EXPECT_TRUE(refused([&](auto& r) { r.opcode = Opcode::RdmaRead, r.inline_data = true; }));
  EXPECT_TRUE(refused([&](auto& r) { r.opcode = Opcode::FetchAndAdd, r.sg_list = long_inline; }));
  const verbs::Sge huge[] = {{0, 0x80000000u, 0}};
  EXPECT_TRUE(refused([&](auto& r) { r.sg_list = huge; }));
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(end.post(0, Opcode::Send, 0, 1));
  EXPECT_EQ(end.post(0, Opcode::Send, 0, 1).error(), Error::Exhausted);
}

// ---- The fencing rule

TEST_F(Requesting, ACompletionWaitsUntilTheSinkGivesTheFrameBack) {
  end.node.sink.hold_ns = 5 * ms;
  post(0, Opcode::Send, 10);
  answer(syndrome::acknowledge, at(0));
  EXPECT_EQ(end.completed(), 0u);
  world.run_for(6 * ms);
  expect_completions({CompletionStatus::Success});
}

TEST_F(Requesting, AFlushedRequestHasNoFrameLeft) {
  end.node.sink.hold_ns = 5 * ms;
  post(0, Opcode::Send, 10);
  post(1, Opcode::Send, 10);
  verbs::QpAttributes error;
  error.state = QpState::Error;
  ASSERT_TRUE(end.queue_pair->modify(error));
  EXPECT_EQ(end.completed(), 0u);
  world.run_for(6 * ms);
  expect_completions({CompletionStatus::WorkRequestFlushed, CompletionStatus::WorkRequestFlushed});
}

TEST_F(Requesting, DestructionWaitsForTheSink) {
  end.node.sink.hold_ns = 5 * ms;
  post(0, Opcode::Send, 10);
  EXPECT_TRUE(peer.silent());
  end.queue_pair.reset();
  EXPECT_FALSE(peer.silent());  // it is out
  end.region.reset();
  end.memory = std::vector<std::byte>(10);  // a frame that referred to it would be noticed by the sanitizer
  world.run_for(50 * ms);
}

TEST_F(Requesting, AFullSinkOnlyDelays) {
  end.node.sink.capacity = 0;
  for (std::uint64_t i = 0; i < 5; ++i) post(i, Opcode::Send, 10);
  world.run_for(500 * ms);
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(counters().timeouts, 0u);
  end.node.sink.capacity = 256;
  world.run_for(1);
  for (std::uint32_t i = 0; i < 5; ++i) expect(opcode::rc_send_only, at(i));
  EXPECT_EQ(counters().retransmits, 0u);
}

TEST_F(Requesting, AFullCompletionQueueIsAnError) {
  auto small = end.node.engine().device().create_completion_queue(2).value();
  verbs::QpInitAttributes attributes;
  attributes.send_cq = attributes.recv_cq = small.get();
  auto queue_pair = end.node.engine().device().create_queue_pair(*end.domain, attributes).value();
  std::swap(queue_pair, end.queue_pair);
  bring_up({});
  for (std::uint64_t i = 0; i < 3; ++i) post(i, Opcode::Send, 10);
  answer(syndrome::acknowledge, at(2));
  EXPECT_EQ(counters().cq_overflows, 1u);
  EXPECT_EQ(end.queue_pair->state(), QpState::Error);
  end.queue_pair = std::move(queue_pair);
}

TEST_F(Requesting, NotifiesOnceWhenSomethingCompletes) {
  int notified = 0;
  const auto notify = [](void* context) { ++*static_cast<int*>(context); };
  end.completions->request_notify(notify, &notified);
  post(0, Opcode::Send, 10);
  post(1, Opcode::Send, 10);
  EXPECT_EQ(notified, 0);
  answer(syndrome::acknowledge, at(1));
  EXPECT_EQ(notified, 1);
  end.completions->request_notify(notify, &notified);  // there is something already
  EXPECT_EQ(notified, 2);
  end.completed();
  end.completions->request_notify(notify, &notified);
  EXPECT_EQ(notified, 2);
}

}  // namespace
