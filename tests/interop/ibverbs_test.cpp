// SPDX-License-Identifier: Apache-2.0
// Runs ibverbs_on_rxe in a Linux guest.
#include <gtest/gtest.h>

#include "tests/interop/linux_peer.h"
#include "tests/interop/switch.h"

namespace interop {
namespace {

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
