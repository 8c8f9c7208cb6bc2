// SPDX-License-Identifier: Apache-2.0
// What a responder answers to each kind of right and wrong request, packet by packet (IBTA Volume 1, 9.7 and 9.9).
#include "net/roce/testing/responding.h"

namespace {

using namespace roce;
using namespace roce::testing;
using verbs::CompletionStatus;
using verbs::QpState;

TEST_F(Responding, DuplicatesAreAcknowledgedAgainAndChangeNothing) {
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  ASSERT_TRUE(end.post_receive(2, 8192, 8192));
  send(opcode::rc_send_only, 10);
  expect_answer(syndrome::acknowledge, psn, 1);
  const std::byte before = end.memory[0];
  const TransportHeaders again = headers(opcode::rc_send_only);
  next();
  send(opcode::rc_send_only, 10);
  expect_answer(syndrome::acknowledge, psn, 2);
  for (int i = 0; i < 3; ++i) {
    send(again, 20);
    expect_answer(syndrome::acknowledge, psn, 2);  // of all that is here
  }
  EXPECT_EQ(end.memory[0], before);
  EXPECT_EQ(end.completed(), 2u);
  EXPECT_EQ(counters().duplicate_requests, 3u);
}

TEST_F(Responding, SaysOnceWhatIsMissing) {
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  ASSERT_TRUE(end.post_receive(2, 0, 8192));
  const Psn missing = psn;
  next();
  send(opcode::rc_send_only, 10);
  expect_answer(syndrome::nak_sequence, missing, 0);
  next();
  send(opcode::rc_send_only, 10);
  EXPECT_TRUE(peer.silent());
  psn = missing;
  send(opcode::rc_send_only, 10);
  expect_answer(syndrome::acknowledge, missing, 1);
  // Synchronised again: the next gap is told again.
  psn = psn_add(missing, 3);
  send(opcode::rc_send_only, 10);
  expect_answer(syndrome::nak_sequence, psn_add(missing, 1), 1);
  EXPECT_EQ(counters().out_of_sequence, 3u);
  EXPECT_EQ(counters().nak_sequence_sent, 2u);
}

TEST_F(Responding, WithoutAReceiveItIsNotReady) {
  send(opcode::rc_send_only, 10);
  expect_answer(syndrome::rnr | 5, psn, 0);
  const Psn waiting = psn;
  next();
  send(opcode::rc_send_only, 10);
  EXPECT_TRUE(peer.silent());  // the peer knows
  psn = waiting;
  send(opcode::rc_send_only, 10);
  expect_answer(syndrome::rnr | 5, psn, 0);
  ASSERT_TRUE(end.post_receive(1, 0, 100));
  send(opcode::rc_send_only, 10);
  expect_answer(syndrome::acknowledge, psn, 1);
  EXPECT_EQ(counters().rnr_nak_sent, 2u);
}

// More messages than receives: those that fit are taken once each, the rest are held off, and nothing is lost.
TEST_F(Responding, AnOverflowingReceiveQueueHoldsTheSenderOff) {
  for (std::uint64_t id = 0; id < 3; ++id) ASSERT_TRUE(end.post_receive(id, id * 4096, 4096));
  const Psn begin = psn;
  for (std::uint32_t i = 0; i < 10; ++i, next()) send(opcode::rc_send_only, 10, i == 2);
  expect_answer_among(syndrome::acknowledge, psn_add(begin, 2), 3);
  expect_answer(syndrome::rnr | 5, psn_add(begin, 3), 3);
  EXPECT_EQ(end.completed(), 3u);
  EXPECT_EQ(counters().rnr_nak_sent, 1u);
  EXPECT_EQ(end.queue_pair->state(), QpState::ReadyToSend);
  for (std::uint64_t id = 3; id < 10; ++id) ASSERT_TRUE(end.post_receive(id, id * 4096, 4096));
  psn = psn_add(begin, 3);
  for (std::uint32_t i = 3; i < 10; ++i, next()) send(opcode::rc_send_only, 10, i == 9);
  expect_answer(syndrome::acknowledge, psn_add(begin, 9), 10);
  ASSERT_EQ(end.completed(), 10u);
  for (std::uint64_t id = 0; id < 10; ++id) EXPECT_EQ(end.done[id].wr_id, id);
}

TEST_F(Responding, AWriteWithImmediateNeedsAReceiveOnlyAtItsEnd) {
  TransportHeaders h = headers(opcode::rc_write_first, false);
  h.length = mtu + 3;
  send(h, mtu);
  next();
  TransportHeaders last = headers(opcode::rc_write_last_immediate);
  last.immediate = 9;
  send(last, 3);
  expect_answer(syndrome::rnr | 5, psn, 0);
  ASSERT_TRUE(end.post_receive(1, 0, 0));
  send(last, 3);
  expect_answer(syndrome::acknowledge, psn, 1);
  ASSERT_EQ(end.completed(), 1u);
  EXPECT_EQ(end.done[0].byte_len, mtu + 3);
  EXPECT_EQ(end.done[0].immediate, 9u);
}

TEST_F(Responding, RefusesMessagesOutOfOrder) {
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  send(opcode::rc_send_middle, mtu);
  expect_refused(syndrome::nak_invalid_request, &Counters::refused_opcode_order);
  ASSERT_EQ(end.completed(), 1u);
  EXPECT_EQ(end.done[0].status, CompletionStatus::WorkRequestFlushed);
}

TEST_F(Responding, RefusesAWriteInTheMiddleOfASend) {
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  send(opcode::rc_send_first, mtu);
  expect_answer(syndrome::acknowledge, psn, 0);
  next();
  send(opcode::rc_write_only, 0);
  expect_refused(syndrome::nak_invalid_request, &Counters::refused_opcode_order);
}

TEST_F(Responding, RefusesPacketsOfWrongLength) {
  for (const std::size_t bytes : {mtu - 4, mtu + 4}) {
    bring_up(every_access);
    ASSERT_TRUE(end.post_receive(1, 0, 8192));
    send(opcode::rc_send_first, bytes);
    expect_answer(syndrome::nak_invalid_request, psn, 0);
  }
  bring_up(every_access);
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  send(opcode::rc_send_only, mtu + 1);
  expect_answer(syndrome::nak_invalid_request, psn, 0);
  EXPECT_EQ(counters().refused_packet_length, 3u);
}

TEST_F(Responding, RefusesASendLongerThanItsReceive) {
  ASSERT_TRUE(end.post_receive(7, 0, mtu + 10));
  const std::byte beyond = end.memory[mtu + 10];
  send(opcode::rc_send_first, mtu, false);
  next();
  send(opcode::rc_send_last, 11);
  expect_refused(syndrome::nak_invalid_request, &Counters::refused_receive_length);
  ASSERT_EQ(end.completed(), 1u);
  EXPECT_EQ(end.done[0].wr_id, 7u);
  EXPECT_EQ(end.done[0].status, CompletionStatus::LocalLengthError);
  EXPECT_EQ(end.memory[mtu + 10], beyond);
}

TEST_F(Responding, RefusesAReceiveThatIsNotItsMemory) {
  const verbs::Sge list[] = {{end.address(0), 100, end.region->lkey() + 1}};
  ASSERT_TRUE(end.queue_pair->post_receive({7, list}));
  send(opcode::rc_send_only, 11);
  expect_refused(syndrome::nak_remote_operational, &Counters::refused_receive_memory);
  ASSERT_EQ(end.completed(), 1u);
  EXPECT_EQ(end.done[0].status, CompletionStatus::LocalProtectionError);
}

TEST_F(Responding, RefusesKeysBoundsAndRights) {
  struct Case {
    const char* what;
    std::uint64_t Counters::*counter;
    std::uint8_t syndrome;
    std::function<void(TransportHeaders&)> spoil;
  };
  auto read_only = end.domain->register_memory(end.address(0), 4096, verbs::Access::RemoteRead).value();
  auto gone = end.domain->register_memory(end.address(0), 4096, every_access).value();
  const std::uint32_t stale = gone->rkey();
  gone.reset();
  auto reused = end.domain->register_memory(end.address(0), 4096, every_access).value();  // in its place
  auto other_domain = end.node.engine().device().allocate_protection_domain().value();
  auto foreign = other_domain->register_memory(end.address(0), 4096, every_access).value();
  const Case cases[] = {
      {"a wrong key", &Counters::refused_key, syndrome::nak_remote_access,
       [&](TransportHeaders& h) { h.rkey ^= 0xff000; }},
      {"a stale key", &Counters::refused_key, syndrome::nak_remote_access,
       [&](TransportHeaders& h) { h.rkey = stale; }},
      {"one byte too far", &Counters::refused_bounds, syndrome::nak_remote_access,
       [&](TransportHeaders& h) { h.address = end.address(65536) - h.length + 1; }},
      {"before the region", &Counters::refused_bounds, syndrome::nak_remote_access,
       [&](TransportHeaders& h) { h.address -= 1; }},
      {"an address that wraps", &Counters::refused_bounds, syndrome::nak_remote_access,
       [&](TransportHeaders& h) { h.address = ~std::uint64_t{0} - 10; }},
      {"no right to write", &Counters::refused_access, syndrome::nak_remote_access,
       [&](TransportHeaders& h) { h.rkey = read_only->rkey(); }},
      {"another domain", &Counters::refused_domain, syndrome::nak_remote_access,
       [&](TransportHeaders& h) { h.rkey = foreign->rkey(); }},
      {"more bytes than it said", &Counters::refused_message_length, syndrome::nak_invalid_request,
       [&](TransportHeaders& h) { h.length -= 1; }},
      {"fewer bytes than it said", &Counters::refused_message_length, syndrome::nak_invalid_request,
       [&](TransportHeaders& h) { h.length += 1; }},
  };
  for (const Case& wrong : cases) {
    SCOPED_TRACE(wrong.what);
    bring_up(every_access);
    const std::vector<std::byte> before = end.memory;
    TransportHeaders h = headers(opcode::rc_write_only);
    h.length = 64;
    wrong.spoil(h);
    const std::uint64_t count = counters().*wrong.counter;
    send(h, 64);
    expect_answer(wrong.syndrome, psn, 0);
    EXPECT_EQ(counters().*wrong.counter, count + 1);
    EXPECT_EQ(end.queue_pair->state(), QpState::Error);
    EXPECT_EQ(end.memory, before);
  }
}

TEST_F(Responding, RefusesWhatTheQueuePairDoesNotAllow) {
  const struct {
    std::uint8_t opcode;
    verbs::Access missing;
  } cases[] = {{opcode::rc_write_only, verbs::Access::RemoteRead | verbs::Access::RemoteAtomic},
               {opcode::rc_read_request, verbs::Access::RemoteWrite | verbs::Access::RemoteAtomic},
               {opcode::rc_fetch_add, verbs::Access::RemoteWrite | verbs::Access::RemoteRead}};
  for (const auto& [code, access] : cases) {
    bring_up(access);
    send(code, 0);
    expect_answer(syndrome::nak_invalid_request, psn, 0);
  }
  EXPECT_EQ(counters().refused_not_enabled, 3u);
}

TEST_F(Responding, RefusesUnknownAndUnsupportedRequests) {
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  send(0x17, 4);  // SEND Only with invalidate
  expect_refused(syndrome::nak_invalid_request, &Counters::refused_unsupported);
  bring_up(every_access);
  send(0x1e, 4);  // no opcode at all
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(counters().rx_unknown_opcode, 1u);
  EXPECT_EQ(end.queue_pair->state(), QpState::ReadyToSend);
}

TEST_F(Responding, ZeroBytesNeedNoMemory) {
  TransportHeaders h = headers(opcode::rc_write_only);
  h.rkey = 0;
  h.address = 1;
  send(h, 0);
  expect_answer(syndrome::acknowledge, psn, 1);
  next();
  h = headers(opcode::rc_read_request);
  h.rkey = 0;
  send(h, 0);
  const auto answer = peer.take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.opcode, opcode::rc_read_response_only);
  EXPECT_EQ(answer->headers.msn, 2u);
  EXPECT_TRUE(answer->payload.empty());
}

TEST_F(Responding, AReadTakesAsManyPsnsAsItsAnswerAndIsExecutedAnew) {
  end.fill(9);
  TransportHeaders h = headers(opcode::rc_read_request);
  h.length = 3 * mtu + 1;
  send(h, 0);
  for (int i = 0; i < 4; ++i) {
    const auto answer = peer.take();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->headers.psn, psn_add(psn, static_cast<std::uint32_t>(i)));
    EXPECT_EQ(answer->info->part, i == 0 ? Part::First : i == 3 ? Part::Last : Part::Middle);
    EXPECT_EQ(answer->payload.size(), i == 3 ? 1u : mtu);
  }
  ASSERT_TRUE(peer.silent());

  // The second packet was lost: asked again from there, from memory as it is now.
  end.memory[mtu] = ~end.memory[mtu];
  TransportHeaders rest = h;
  rest.psn = psn_add(psn, 1);
  rest.address += mtu;
  rest.length -= mtu;
  send(rest, 0);
  for (int i = 1; i < 4; ++i) {
    const auto answer = peer.take();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->headers.psn, psn_add(psn, static_cast<std::uint32_t>(i)));
    EXPECT_EQ(answer->info->part, i == 1 ? Part::First : i == 3 ? Part::Last : Part::Middle);
    EXPECT_EQ(answer->headers.msn, i == 2 ? 0u : 1u);
    EXPECT_EQ(answer->payload[0], end.memory[mtu * static_cast<std::size_t>(i)]);
  }

  // Not what was asked for the first time.
  rest.length += 1;
  send(rest, 0);
  rest.length -= 1;
  rest.address += 8;
  send(rest, 0);
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(counters().duplicate_reads, 3u);
  EXPECT_EQ(counters().duplicates_refused, 2u);

  psn = psn_add(psn, 4);
  TransportHeaders write = headers(opcode::rc_write_only);
  send(write, 0);
  expect_answer(syndrome::acknowledge, psn, 2);
}

TEST_F(Responding, AnAtomicIsExecutedOnceAndItsAnswerKept) {
  std::uint64_t value = 5;
  std::memcpy(end.memory.data(), &value, 8);
  std::vector<TransportHeaders> sent;
  for (std::uint64_t i = 0; i < 4; ++i) {
    TransportHeaders h = headers(opcode::rc_fetch_add);
    h.swap_or_add = 10;
    send(h, 0);
    sent.push_back(h);
    const auto answer = peer.take();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->headers.opcode, opcode::rc_atomic_acknowledge);
    EXPECT_EQ(answer->headers.original, 5 + 10 * i);
    next();
  }
  for (std::uint64_t i = 4; i-- > 0;) {
    send(sent[i], 0);
    const auto answer = peer.take();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->headers.original, 5 + 10 * i);
    EXPECT_EQ(answer->headers.psn, sent[i].psn);
    EXPECT_EQ(answer->headers.msn, i + 1);
  }
  std::memcpy(&value, end.memory.data(), 8);
  EXPECT_EQ(value, 45u);
  EXPECT_EQ(counters().duplicate_atomics, 4u);
  // One more, and the oldest is forgotten: four were granted.
  TransportHeaders h = headers(opcode::rc_compare_swap);
  h.compare = 45;
  h.swap_or_add = 1;
  send(h, 0);
  EXPECT_EQ(peer.take()->headers.original, 45u);
  send(sent[0], 0);
  EXPECT_TRUE(peer.silent());
  EXPECT_EQ(counters().duplicates_refused, 1u);
  // A duplicate that is not the same is none.
  TransportHeaders changed = sent[3];
  changed.swap_or_add = 11;
  send(changed, 0);
  EXPECT_TRUE(peer.silent());
  std::memcpy(&value, end.memory.data(), 8);
  EXPECT_EQ(value, 1u);
}

TEST_F(Responding, AtomicsNeedAlignedAddressesAndRights) {
  TransportHeaders h = headers(opcode::rc_fetch_add);
  h.address += 4;
  send(h, 0);
  expect_refused(syndrome::nak_invalid_request, &Counters::refused_alignment);
}

TEST_F(Responding, ReadsBeyondTheGrantedNumberAreRefused) {
  end.node.sink.capacity = 0;  // nothing leaves
  TransportHeaders h = headers(opcode::rc_read_request);
  h.length = 1;
  for (int i = 0; i < 4; ++i) {
    h.psn = psn;
    send(h, 0);
    next();
  }
  h.psn = psn;
  send(h, 0);
  EXPECT_EQ(counters().refused_resources, 1u);
  end.node.sink.capacity = 256;
  world.run_for(1'000'000);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(peer.take()->headers.opcode, opcode::rc_read_response_only);
  expect_answer(syndrome::nak_invalid_request, psn, 4);
}

TEST_F(Responding, AReadWhoseRegionGoesAwayIsRefusedFromThere) {
  auto region = end.domain->register_memory(end.address(0), 65536, every_access).value();
  end.node.sink.capacity = 1;
  end.node.sink.hold_ns = 1000;
  TransportHeaders h = headers(opcode::rc_read_request);
  h.rkey = region->rkey();
  h.length = 4 * mtu;
  send(h, 0);  // one packet is in the sink
  region.reset();
  world.run_for(1'000'000);
  const auto answer = peer.take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.opcode, opcode::rc_read_response_first);
  expect_answer(syndrome::nak_remote_access, psn_add(psn, 1), 1);
}

TEST_F(Responding, WhatCameBeforeAFaultIsAnsweredBeforeIt) {
  TransportHeaders read = headers(opcode::rc_read_request);
  read.length = 2 * mtu;
  psn = psn_add(psn, 2);
  TransportHeaders write = headers(opcode::rc_write_only);
  write.length = 4;
  write.rkey ^= 0x1000;
  end.node.engine().receive(peer.frame(read), More::Yes);
  const std::byte four[4] = {};
  peer.send(write, four);
  EXPECT_EQ(peer.take()->headers.opcode, opcode::rc_read_response_first);
  EXPECT_EQ(peer.take()->headers.opcode, opcode::rc_read_response_last);
  expect_answer(syndrome::nak_remote_access, psn, 1);
  EXPECT_EQ(end.queue_pair->state(), QpState::Error);
}

TEST_F(Responding, DropsWhatIsNotForIt) {
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  const auto dropped = [&](std::uint64_t Counters::*counter, const std::function<void(TransportHeaders&)>& spoil) {
    TransportHeaders h = headers(opcode::rc_send_only);
    spoil(h);
    send(h, 8);
    EXPECT_TRUE(peer.silent());
    EXPECT_EQ(counters().*counter, 1u);
  };
  dropped(&Counters::rx_bad_pkey, [](TransportHeaders& h) { h.pkey = 0x1234; });
  dropped(&Counters::rx_bad_version, [](TransportHeaders& h) { h.version = 1; });
  dropped(&Counters::rx_unknown_qp, [](TransportHeaders& h) { h.qpn ^= 0x800000; });  // another generation
  dropped(&Counters::rx_wrong_qp_type, [](TransportHeaders& h) { h.opcode = opcode::ud_send_only; });
  const verbs::Gid own = peer.gid();
  peer.pose_as(verbs::Gid::from_ipv4(peer.ipv4() + 1));
  dropped(&Counters::rx_wrong_source, [](TransportHeaders&) {});
  peer.pose_as(own);
  auto frame = peer.frame(headers(opcode::rc_send_only), {});
  frame.back() ^= std::byte{1};
  peer.send_frame(frame);
  EXPECT_EQ(counters().rx_bad_icrc, 1u);
  peer.send_frame(peer.frame(headers(opcode::rc_send_only), std::vector<std::byte>(4100)));
  EXPECT_EQ(counters().rx_bad_length, 1u);
  frame = peer.frame(headers(opcode::rc_send_only), {});
  frame.resize(frame.size() - 1);
  peer.send_frame(frame);
  EXPECT_EQ(counters().rx_truncated, 1u);
  EXPECT_EQ(end.completed(), 0u);
}

// Linux's soft-RoCE sends MigReq 0; so does a peer that was told to change the path, which means nothing here.
TEST_F(Responding, TakesPacketsOfAPeerThatSaysItHasNotMigrated) {
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  for (std::uint32_t i = 0; i < 3; ++i) {
    TransportHeaders h = headers(opcode::rc_write_only);
    h.length = 8;
    h.migrated = i == 1;
    send(h, 8);
    expect_answer(syndrome::acknowledge, psn, i + 1);
    next();
  }
  EXPECT_EQ(counters().rx_not_migrated, 2u);
}

TEST_F(Responding, CongestionBitsAndALimitedPartitionKeyDoNotMatter) {
  ASSERT_TRUE(end.post_receive(1, 0, 8192));
  TransportHeaders h = headers(opcode::rc_send_only);
  h.ecn = 0xc0;
  h.pkey = 0x7fff;
  h.reserved7 = 0x55;
  send(h, 8);
  expect_answer(syndrome::acknowledge, psn, 1);
}

}  // namespace
