// SPDX-License-Identifier: Apache-2.0
// The handshake with well-behaved, old, stubborn and dead devices.
#include "kernel/virtio/transport.h"

#include <gtest/gtest.h>

#include "kernel/virtio/fake_device.h"

namespace virtio {
namespace {

using base::Error;

struct TransportTest : testing::Test {
  FakeDevice device;
  FakeTransport transport{device};
};

TEST_F(TransportTest, AgreesOnWhatBothKnow) {
  device.features |= feature(3) | feature(5) | feature(40);
  const auto agreed = negotiate(transport, feature(5) | feature(15));
  ASSERT_TRUE(agreed);
  EXPECT_EQ(*agreed, common_features | feature(5));
  EXPECT_EQ(device.accepted, *agreed);
  EXPECT_EQ(device.status_now, status_acknowledge | status_driver | status_features_ok);
  EXPECT_EQ(device.resets, 1u);
  ASSERT_TRUE(go_live(transport));
  EXPECT_NE(device.status_now & status_driver_ok, 0);
}

TEST_F(TransportTest, RefusesDeviceBeforeVersion1) {
  device.features = feature(5);
  EXPECT_EQ(negotiate(transport, feature(5)).error(), Error::NotSupported);
  EXPECT_NE(device.status_now & status_failed, 0);
  EXPECT_EQ(device.status_now & status_features_ok, 0);
}

TEST_F(TransportTest, SeesThatItsFeaturesWereRefused) {
  device.refuses_features = true;
  EXPECT_EQ(negotiate(transport, 0).error(), Error::NotSupported);
  EXPECT_NE(device.status_now & status_failed, 0);
}

TEST_F(TransportTest, DeviceThatDoesNotResetIsCutOff) {
  device.status_now = status_driver_ok;
  device.never_resets = true;
  EXPECT_EQ(negotiate(transport, 0).error(), Error::TimedOut);
  shut_down(transport);
  EXPECT_TRUE(device.cut_off);
}

TEST_F(TransportTest, ResetIsEnoughForOthers) {
  ASSERT_TRUE(negotiate(transport, 0));
  shut_down(transport);
  EXPECT_FALSE(device.cut_off);
  EXPECT_EQ(device.status_now, 0);
}

TEST_F(TransportTest, DeviceThatWantsAResetDoesNotGoLive) {
  ASSERT_TRUE(negotiate(transport, 0));
  device.status_now |= status_needs_reset;
  EXPECT_EQ(go_live(transport).error(), Error::IoError);
}

TEST_F(TransportTest, ConfigurationIsReadAgainUntilItIsStable) {
  device.set_config<std::uint64_t>(0, 42);
  device.unstable_reads = 3;
  EXPECT_EQ(*read_config_field<std::uint64_t>(transport, 0), 42u);
  EXPECT_EQ(device.unstable_reads, 0u);
  device.unstable_reads = 1000000;
  EXPECT_EQ(read_config_field<std::uint64_t>(transport, 0).error(), Error::Again);
  EXPECT_EQ(read_config_field<std::uint64_t>(transport, 1).error(), Error::OutOfRange);
}

}  // namespace
}  // namespace virtio
