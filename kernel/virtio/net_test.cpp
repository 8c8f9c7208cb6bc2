// SPDX-License-Identifier: Apache-2.0
// The network driver against a fake device: both directions, back-pressure, sleeping. What goes wrong with the device
// is in net_failures_test.cpp.
#include "kernel/virtio/net_rig.h"

namespace virtio {
namespace {

class NetTest : public NetRig {};
INSTANTIATE_TEST_SUITE_P(All, NetTest, all_shapes, name_of);

TEST_P(NetTest, ComesUpWithTheDevicesWords) {
  start();
  EXPECT_EQ(net->mac(), mac);
  EXPECT_EQ(net->mtu(), 4200u);
  EXPECT_NE(fake.status_now & status_driver_ok, 0);
  EXPECT_EQ(fake.notifications[rx], 1u) << "buffers were posted before DRIVER_OK, notified after";
}

TEST_P(NetTest, FramesOfAllSizesArriveInPlace) {
  start();
  for (std::size_t size : {14u, 60u, 1514u, 4214u}) {
    deliver(pattern(size));
    EXPECT_EQ(net->poll(100), 1u);
    ASSERT_FALSE(sink.frames.empty());
    EXPECT_EQ(sink.frames.back(), pattern(size));
  }
  EXPECT_EQ(net->counters().rx_packets, 4u);
  EXPECT_EQ(net->counters().rx_bytes, 14u + 60 + 1514 + 4214);
}

TEST_P(NetTest, BuffersComeBackForEver) {
  start();
  for (unsigned i = 0; i < 1000; ++i) {
    deliver(pattern(100, i));
    deliver(pattern(200, i));
    EXPECT_EQ(net->poll(100), 2u);
  }
  ASSERT_EQ(sink.frames.size(), 2000u);
  for (unsigned i = 0; i < 1000; ++i) {
    EXPECT_EQ(sink.frames[2 * i], pattern(100, i));
    EXPECT_EQ(sink.frames[2 * i + 1], pattern(200, i));
    EXPECT_TRUE(sink.more[2 * i]);
    EXPECT_FALSE(sink.more[2 * i + 1]);
  }
}

TEST_P(NetTest, BudgetIsKept) {
  start();
  for (unsigned i = 0; i < 50; ++i) deliver(pattern(60, i));
  EXPECT_EQ(net->poll(20), 20u);
  EXPECT_EQ(sink.frames.size(), 20u);
  EXPECT_EQ(net->poll(100), 30u);
  EXPECT_EQ(net->poll(100), 0u);
  EXPECT_EQ(net->poll(0), 0u);
}

TEST_P(NetTest, SplitFrameIsPutTogether) {
  if (!GetParam().merge) return;
  start();
  deliver(pattern(4000), 3);
  deliver(pattern(64, 2), 1);
  EXPECT_EQ(net->poll(100), 4u);
  ASSERT_EQ(sink.frames.size(), 2u);
  EXPECT_EQ(sink.frames[0], pattern(4000));
  EXPECT_EQ(sink.frames[1], pattern(64, 2));
}

TEST_P(NetTest, SplitFrameAcrossPolls) {
  if (!GetParam().merge) return;
  start();
  deliver(pattern(3000), 3);
  EXPECT_EQ(net->poll(2), 2u);
  EXPECT_TRUE(sink.frames.empty());
  EXPECT_EQ(net->poll(2), 1u);
  EXPECT_EQ(sink.frames.at(0), pattern(3000));
}

TEST_P(NetTest, TooLongAndTooShortFramesAreDropped) {
  start();
  deliver(pattern(13));
  if (GetParam().merge) deliver(pattern(4215 + 8), 2);
  deliver(pattern(60));
  (void)net->poll(100);
  EXPECT_EQ(sink.frames.size(), 1u);
  EXPECT_EQ(net->counters().rx_dropped, GetParam().merge ? 2u : 1u);
}

TEST_P(NetTest, SenselessHeadersAreCountedAndSurvived) {
  start();
  auto chain = fake.queues[rx].pop();
  fake.queues[rx].push(chain->id, 5);  // shorter than the virtio header
  if (GetParam().merge) {
    chain = fake.queues[rx].pop();
    Bytes bytes(60);
    std::memset(bytes.data() + 10, 0xff, 2);  // 65535 parts
    fake.queues[rx].push(chain->id, chain->write(bytes));
    chain = fake.queues[rx].pop();
    std::memset(bytes.data() + 10, 0, 2);
    fake.queues[rx].push(chain->id, chain->write(bytes));
  }
  deliver(pattern(60));
  (void)net->poll(100);
  EXPECT_EQ(net->counters().device_errors, GetParam().merge ? 3u : 1u);
  EXPECT_EQ(sink.frames.size(), 1u);
}

TEST_P(NetTest, FrameIsGatheredFromWhereItLies) {
  start();
  const Bytes payload = pattern(4096, 5);
  ASSERT_TRUE(send(payload, &done));
  EXPECT_EQ(fake.notifications[tx], 1u);
  Bytes frame;
  const auto chain = take_sent(frame);
  ASSERT_TRUE(chain);
  Bytes expected = pattern(66, 3);
  expected.insert(expected.end(), payload.begin(), payload.end());
  const Bytes tail = pattern(4, 9);
  expected.insert(expected.end(), tail.begin(), tail.end());
  EXPECT_EQ(frame, expected);
  ASSERT_EQ(chain->reads.size(), 3u);
  EXPECT_EQ(chain->reads[1].data(), payload.data()) << "no copy";
  (void)net->poll(10);
  EXPECT_EQ(done.told, 0u) << "the device still reads it";
  fake.queues[tx].push(chain->id, 0);
  EXPECT_EQ(net->poll(10), 1u);
  EXPECT_EQ(done.told, 1u);
  EXPECT_EQ(net->counters().tx_packets, 1u);
  EXPECT_EQ(net->counters().tx_bytes, expected.size());
}

TEST_P(NetTest, SmallCopiedFrameTakesOneDescriptor) {
  start();
  const Bytes head = pattern(42), rest = pattern(30, 4);
  const Segment segments[] = {{head, Segment::Storage::Copied}, {{}}, {rest, Segment::Storage::Copied}};
  EXPECT_EQ(net->transmit(segments, nullptr).error(), Error::InvalidArgument)
      << "borrowed, though empty: whom to tell?";
  const Segment copied[] = {{head, Segment::Storage::Copied}, {rest, Segment::Storage::Copied}};
  ASSERT_TRUE(net->transmit(copied, nullptr));
  Bytes frame;
  const auto chain = take_sent(frame);
  EXPECT_EQ(chain->reads.size(), 1u);
  EXPECT_EQ(frame.size(), 72u);
}

TEST_P(NetTest, FramesBeyondTheLimitsAreRefused) {
  start();
  EXPECT_EQ(send(pattern(5000), &done).error(), Error::TooBig);
  const Bytes piece = pattern(16);
  std::vector<Segment> many(netdev::max_frame_segments + 1, Segment{piece});
  EXPECT_EQ(net->transmit(many, &done).error(), Error::TooBig);
  many.pop_back();
  EXPECT_TRUE(net->transmit(many, &done));
  const Bytes head = pattern(netdev::max_copied_bytes + 1);
  const Segment long_head[] = {{head, Segment::Storage::Copied}};
  EXPECT_EQ(net->transmit(long_head, &done).error(), Error::TooBig);
  const Bytes small = pattern(13);
  const Segment tiny[] = {{small, Segment::Storage::Copied}};
  EXPECT_EQ(net->transmit(tiny, &done).error(), Error::InvalidArgument);
}

TEST_P(NetTest, FullRingPushesBackAndTells) {
  start();
  const Bytes payload = pattern(1000);
  unsigned sent = 0;
  while (send(payload, &done)) ++sent;
  EXPECT_EQ(send(payload, &done).error(), Error::Again);
  EXPECT_EQ(sent, GetParam().indirect ? 42u : 21u);  // 3 descriptors each; with tables, 1 each in the second half
  EXPECT_EQ(net->counters().tx_full, 2u);
  (void)net->poll(100);
  EXPECT_EQ(sink.spaces, 0u);
  Bytes frame;
  for (unsigned i = 0; i < 21; ++i) {
    const auto chain = take_sent(frame);
    ASSERT_TRUE(chain);
    fake.queues[tx].push(chain->id, 0);
  }
  (void)net->poll(100);
  EXPECT_EQ(sink.spaces, 1u);
  EXPECT_EQ(done.told, 21u);
  EXPECT_TRUE(send(payload, &done));
}

// The device is through with everything before anybody polls: transmit() helps itself, and nobody is forgotten.
TEST_P(NetTest, TransmitRecyclesWithoutPolling) {
  start();
  const Bytes payload = pattern(1000);
  Bytes frame;
  for (unsigned i = 0; i < 100; ++i) {
    ASSERT_TRUE(send(payload, &done));
    const auto chain = take_sent(frame);
    fake.queues[tx].push(chain->id, 0);
  }
  EXPECT_EQ(done.told, 0u) << "callbacks only in poll()";
  while (net->poll(7) > 0) {
  }
  EXPECT_EQ(done.told, 100u);
}

TEST_P(NetTest, NobodySleepsThroughAFrame) {
  start();
  EXPECT_TRUE(net->arm());
  deliver(pattern(60));
  EXPECT_TRUE(fake.signal(rx));
  EXPECT_EQ(sink.interrupts, 1u);
  deliver(pattern(60));
  EXPECT_FALSE(fake.signal(rx)) << "disarmed by the interrupt";
  EXPECT_FALSE(net->arm()) << "two frames are there";
  EXPECT_EQ(net->poll(10), 2u);
  EXPECT_TRUE(net->arm());
}

TEST_P(NetTest, CompletionsInterruptOnlyOnRequest) {
  start();
  const Bytes payload = pattern(1000);
  Bytes frame;
  const auto send_one = [&] {
    EXPECT_TRUE(send(payload, &done));
    const auto chain = take_sent(frame);
    fake.queues[tx].push(chain->id, 0);
    return fake.signal(tx);
  };
  EXPECT_TRUE(net->arm());
  EXPECT_FALSE(send_one());
  EXPECT_TRUE(net->arm()) << "a completion that nobody waits for";
  net->set_prompt_completions(true);
  EXPECT_FALSE(net->arm()) << "now it is waited for";
  (void)net->poll(10);
  EXPECT_EQ(done.told, 1u);
  EXPECT_TRUE(net->arm());
  EXPECT_TRUE(send_one());
}

TEST_P(NetTest, SleeperIsWokenForSpace) {
  start();
  const Bytes payload = pattern(1000);
  EXPECT_TRUE(net->arm());
  while (send(payload, &done)) {
  }
  Bytes frame;
  unsigned before_interrupt = 0;
  while (sink.interrupts == 0) {
    const auto chain = take_sent(frame);
    ASSERT_TRUE(chain);
    fake.queues[tx].push(chain->id, 0);
    ++before_interrupt;
    fake.signal(tx);
  }
  EXPECT_LE(before_interrupt, 22u);
  (void)net->poll(100);
  EXPECT_EQ(sink.spaces, 1u);
  EXPECT_EQ(done.told, before_interrupt);
}

// A sleeper that sends for ever from an interrupt, say, without polling is woken in time to tell what is through.
TEST_P(NetTest, UntoldCompletionsWakeTheSleeper) {
  start();
  const Bytes payload = pattern(1000);
  EXPECT_TRUE(net->arm());
  Bytes frame;
  unsigned sent = 0;
  while (sink.interrupts == 0) {
    ASSERT_LT(sent, 500u);
    ASSERT_TRUE(send(payload, &done));
    ++sent;
    const auto chain = take_sent(frame);
    fake.queues[tx].push(chain->id, 0);
    fake.signal(tx);
  }
  while (net->poll(100) > 0) {
  }
  EXPECT_EQ(done.told, sent);
}

TEST_P(NetTest, PollInsideACallbackIsHarmless) {
  start();
  std::uint32_t inner = 99;
  sink.on_frame = [&] {
    inner = net->poll(10);
    if (sink.frames.size() == 1) deliver(pattern(60, 2));
  };
  deliver(pattern(60));
  EXPECT_EQ(net->poll(10), 2u) << "looks again, because it was asked to";
  EXPECT_EQ(inner, 0u);
}

}  // namespace
}  // namespace virtio
