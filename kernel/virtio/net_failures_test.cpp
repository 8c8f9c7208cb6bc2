// SPDX-License-Identifier: Apache-2.0
// The network driver when its device does not do as it should: it is drained, fails, asks for a reset, cannot be used,
// or there is no memory for it.
#include "kernel/virtio/net_rig.h"

namespace virtio {
namespace {

class NetFailures : public NetRig {};
INSTANTIATE_TEST_SUITE_P(All, NetFailures, all_shapes, name_of);

TEST_P(NetFailures, DrainWaitsForTheDeviceOnly) {
  start();
  const Bytes payload = pattern(1000);
  ASSERT_TRUE(send(payload, &done));
  Bytes frame;
  const auto chain = take_sent(frame);
  fake.queues[tx].push(chain->id, 0);
  net->drain();
  EXPECT_EQ(done.told, 0u);
  (void)net->poll(10);
  EXPECT_EQ(done.told, 1u);
  EXPECT_NE(fake.status_now & status_driver_ok, 0);
}

TEST_P(NetFailures, DrainOfAStuckDeviceFailsIt) {
  start();
  const Bytes payload = pattern(1000);
  ASSERT_TRUE(send(payload, &done));
  net->drain();
  EXPECT_EQ(fake.status_now, 0);
  EXPECT_EQ(send(payload, &done).error(), Error::NoDevice);
  EXPECT_FALSE(net->arm());
  (void)net->poll(10);
  EXPECT_EQ(done.told, 1u);
}

TEST_P(NetFailures, BrokenReceiveQueueEndsTheDevice) {
  start();
  const Bytes payload = pattern(1000);
  ASSERT_TRUE(send(payload, &done));
  fake.queues[rx].push_raw({12345, 60});
  EXPECT_FALSE(net->arm());
  (void)net->poll(100);
  EXPECT_EQ(net->counters().device_errors, 1u);
  EXPECT_EQ(fake.status_now, 0) << "reset before memory is given back";
  EXPECT_EQ(done.told, 1u);
  EXPECT_EQ(send(payload, &done).error(), Error::NoDevice);
  EXPECT_TRUE(net->arm()) << "nothing will ever come";
  EXPECT_EQ(net->poll(10), 0u);
}

TEST_P(NetFailures, BrokenTransmitQueueEndsTheDevice) {
  start();
  const Bytes payload = pattern(1000);
  ASSERT_TRUE(send(payload, &done));
  fake.queues[tx].push_raw({63, 0});
  (void)net->poll(100);
  EXPECT_EQ(fake.status_now, 0);
  EXPECT_EQ(done.told, 1u);
}

TEST_P(NetFailures, DeviceMayAskForAReset) {
  start();
  const Bytes payload = pattern(1000);
  ASSERT_TRUE(send(payload, &done));
  EXPECT_TRUE(net->arm());
  fake.status_now |= status_needs_reset;
  fake.config_interrupt->interrupt();
  EXPECT_EQ(sink.interrupts, 1u);
  EXPECT_FALSE(net->arm());
  (void)net->poll(100);
  EXPECT_EQ(done.told, 1u);
  EXPECT_EQ(send(payload, &done).error(), Error::NoDevice);
}

TEST_P(NetFailures, UnusableDevicesAreErrors) {
  fake.set_config<std::uint16_t>(10, 60);
  EXPECT_EQ(create().error(), Error::Malformed) << "an MTU below IPv4's";
  fake.set_config<std::uint16_t>(10, 65535);
  EXPECT_EQ((*create())->mtu(), 9000u);
  fake.refuses_vectors = true;
  EXPECT_EQ(create().error(), Error::IoError);
  fake.refuses_vectors = false;
  fake.queue_sizes = {64};
  EXPECT_EQ(create().error(), Error::NotSupported);
  fake.queue_sizes = {64, 0};
  EXPECT_EQ(create().error(), Error::NotSupported);
  fake.queue_sizes = {64, 64};
  fake.config.resize(3);
  EXPECT_EQ(create().error(), Error::OutOfRange);
  fake.features &= ~feature(5);
  EXPECT_EQ(create().error(), Error::NotSupported) << "no address";
}

TEST_P(NetFailures, RunningOutOfMemoryIsAnError) {
  for (unsigned enough = 0;; ++enough) {
    ASSERT_LT(enough, 50u);
    memory.allocations_left = enough;
    const auto made = create();
    if (made) break;
    EXPECT_EQ(made.error(), Error::NoMemory);
    EXPECT_EQ(fake.status_now, 0);
  }
}

}  // namespace
}  // namespace virtio
