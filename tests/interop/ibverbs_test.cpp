// SPDX-License-Identifier: Apache-2.0
// Runs ibverbs_on_rxe in a Linux guest.
#include <gtest/gtest.h>

#include "tools/machines/linux_peer.h"
#include "tools/machines/switch.h"

namespace interop {
namespace {

using machines::LinuxPeer;
using machines::Switch;

TEST(Ibverbs, KeepsWhatNetVerbsPromises) {
  const Switch rack({"linux"});
  LinuxPeer peer(
      {.switch_socket = rack.socket("linux"), .files = {{PROGRAM_IBVERBS_ON_RXE, "/usr/bin/ibverbs_on_rxe"}}});
  peer.start();
  const auto ended = peer.run("ibverbs_on_rxe");
  EXPECT_EQ(ended.status, 0) << ended.out << ended.error;
  EXPECT_NE(ended.out.find("[  PASSED  ] 10 tests."), ended.out.npos) << ended.out;
  printf("%s", ended.out.c_str());
}

}  // namespace
}  // namespace interop
