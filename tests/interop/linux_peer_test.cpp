// SPDX-License-Identifier: Apache-2.0
// The Linux peer itself: what its device looks like, that commands and their outputs come through, and that two peers
// reach each other and our own engine over the rack's switch.
#include "tools/machines/linux_peer.h"

#include <gtest/gtest.h>

#include "tools/machines/switch.h"

namespace interop {
namespace {

using machines::LinuxPeer;
using machines::PeerConfig;
using machines::Switch;

class TwoPeers : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    rack_ = std::make_unique<Switch>(std::vector<std::string>{"a", "b"});
    one_ = std::make_unique<LinuxPeer>(PeerConfig{.name = "one", .switch_socket = rack_->socket("a")});
    two_ = std::make_unique<LinuxPeer>(PeerConfig{
        .name = "two", .switch_socket = rack_->socket("b"), .ip = "10.77.8.2/16", .mac = "52:54:4c:47:08:02"});
    one_->boot();
    two_->boot();
    one_->wait_until_ready();
    two_->wait_until_ready();
  }
  static void TearDownTestSuite() {
    two_.reset();
    one_.reset();
    rack_.reset();
  }
  static inline std::unique_ptr<Switch> rack_;
  static inline std::unique_ptr<LinuxPeer> one_, two_;
};

TEST_F(TwoPeers, HaveADeviceWithPageSizedPackets) {
  const auto info = one_->run("ibv_devinfo -v");
  EXPECT_EQ(info.status, 0) << info.error;
  for (const char* expected : {"PORT_ACTIVE", "active_mtu:\t\t4096", "GID[  0]:\t\tfe80::5054:4cff:fe47:801",
                               "GID[  1]:\t\t::ffff:10.77.8.1"}) {
    EXPECT_NE(info.out.find(expected), info.out.npos) << expected << " is not in\n" << info.out;
  }
}

TEST_F(TwoPeers, CarryOutputAndStatusOfCommands) {
  const auto both = one_->run("echo to stdout; echo to stderr >&2; exit 7");
  EXPECT_EQ(both.status, 7);
  EXPECT_EQ(both.out, "to stdout\n");
  EXPECT_EQ(both.error, "to stderr\n");
  const auto bytes = one_->run("dd if=/dev/zero bs=1000 count=1000 2>/dev/null");
  EXPECT_EQ(bytes.out, std::string(1'000'000, '\0'));
  EXPECT_EQ(one_->run("kill -KILL $$").status, 137);

  const auto slow = one_->start_in_background("echo begun; sleep 1000");
  EXPECT_TRUE(one_->wait_for_output(slow, "begun"));
  EXPECT_EQ(one_->output_so_far(slow), "begun\n");
  EXPECT_FALSE(one_->ended(slow));
  one_->signal(slow);
  EXPECT_EQ(one_->wait(slow).status, 143);
  const auto quick = one_->start_in_background("true");
  EXPECT_FALSE(one_->wait_for_output(quick, "never said"));
}

TEST_F(TwoPeers, ReachEachOther) {
  const auto ping = two_->run("ping -c 3 -W 10 " + one_->ip());
  EXPECT_EQ(ping.status, 0) << ping.out << ping.error;
  const auto server = one_->start_in_background("rping -s -a 0.0.0.0 -v -C 5 -S 4096");
  one_->wait_for_listener(7174);
  const auto client = two_->run("rping -c -a " + one_->ip() + " -v -C 5 -S 4096");
  EXPECT_EQ(client.status, 0) << client.out << client.error;
  EXPECT_NE(client.out.find("rdma-ping-4"), client.out.npos) << client.out;
  const auto served = one_->wait(server);
  EXPECT_EQ(served.status, 0) << served.out << served.error;
}

}  // namespace
}  // namespace interop
