// SPDX-License-Identifier: Apache-2.0
// What needs no RDMA device: addresses, MTUs, errors, and that a device that is not there is said so. The rest runs on
// soft-RoCE in a Linux guest (tests/interop).
#include <gtest/gtest.h>

#include <cerrno>

#include "net/ibverbs/ib_port.h"

namespace ibverbs {
namespace {

TEST(Ibverbs, SaysThatADeviceIsMissing) {
  const auto device = IbDevice::open("no_such_device0", verbs::Gid::from_ipv4(0x0a4d0001));
  ASSERT_FALSE(device);
  EXPECT_EQ(device.error(), Error::NoDevice);
  const auto port = IbDevice::open("no_such_device0:0", verbs::Gid::from_ipv4(0x0a4d0001));
  ASSERT_FALSE(port);
  EXPECT_EQ(port.error(), Error::InvalidArgument);
}

TEST(Ibverbs, TranslatesAddresses) {
  const verbs::Gid ipv4 = verbs::Gid::from_ipv4(0x0a4d0102);
  SocketAddress four(ipv4, 4791, 3);
  EXPECT_EQ(four.get()->sa_family, AF_INET);
  EXPECT_EQ(ntohs(reinterpret_cast<sockaddr_in*>(four.get())->sin_port), 4791);
  EXPECT_EQ(gid_of(*four.get()), ipv4);
  verbs::Gid link_local;
  link_local.bytes = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x50, 0x54, 0x4c, 0xff, 0xfe, 0x47, 8, 1};
  EXPECT_FALSE(is_ipv4(link_local));
  SocketAddress six(link_local, 1, 3);
  EXPECT_EQ(reinterpret_cast<sockaddr_in6*>(six.get())->sin6_scope_id, 3u);
  EXPECT_EQ(gid_of(*six.get()), link_local);
}

TEST(Ibverbs, TranslatesNumbers) {
  EXPECT_EQ(mtu_bytes(IBV_MTU_4096), 4096u);
  EXPECT_EQ(mtu_code(1024).value(), IBV_MTU_1024);
  EXPECT_FALSE(mtu_code(1500));
  EXPECT_EQ(error_of(ENODEV), Error::NoDevice);
  EXPECT_EQ(error_of(12345), Error::IoError);
}

}  // namespace
}  // namespace ibverbs
