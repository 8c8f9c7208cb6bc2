// SPDX-License-Identifier: Apache-2.0
// Memory that a running mComponent exports, read and written by tools/examples/remote_memory in a Linux guest: what it
// was given a key for works, and everything else is refused by a NAK for a remote access error.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/rack/harness/qemu.h"
#include "tools/machines/linux_peer.h"
#include "tools/machines/switch.h"

namespace interop {
namespace {

using machines::LinuxPeer;
using machines::Process;
using machines::Switch;

TEST(RemoteMemory, IsReachedWithItsKeysAndNotOtherwise) {
  const Switch rack({"gmm", "m0", "linux"});
  const support::Folder folder;
  const std::filesystem::path key = folder.path() / "key";
  std::ofstream(key) << "0123456789abcdef0123456789abcdef";
  Process managers({PROGRAM_GMMD, "--fabric", "switch:" + rack.socket("gmm").string(), "--ip", "10.77.0.1/16", "--mac",
                    "52:54:4c:47:00:01", "--key", key},
                   folder.path() / "gmm.log");
  LinuxPeer peer({.switch_socket = rack.socket("linux"), .files = {{PROGRAM_REMOTE_MEMORY, "/usr/bin/remote_memory"}}});
  peer.boot();
  harness::Qemu memory(
      PROGRAM_MCOMPONENT,
      {"-M", "q35", "-smp", "1,maxcpus=2", "-append", "name=m0 ip=10.77.2.1/16 gmm=10.77.0.1 export=1M", "-fw_cfg",
       "name=opt/lego/rack-key,file=" + key.string(), "-netdev",
       "stream,id=net0,server=off,addr.type=unix,addr.path=" + rack.socket("m0").string(), "-device",
       "virtio-net-pci,netdev=net0,mac=52:54:4c:47:02:01,host_mtu=4200,disable-legacy=on,romfile="});
  ASSERT_TRUE(memory.wait_for("joined the rack")) << memory.console() << managers.last_words();
  EXPECT_TRUE(memory.said("1024 KiB of memory are open")) << memory.console();
  peer.wait_until_ready();

  const auto ended = peer.run("remote_memory 10.77.2.1");
  EXPECT_EQ(ended.error, "");
  EXPECT_EQ(ended.status, 0) << memory.console();
  EXPECT_EQ(ended.out,
            "write the last page: success\n"
            "read it back: success\n"
            "read beyond the end: remote access error\n"
            "write before the beginning: remote access error\n"
            "write with a stale key: remote access error\n"
            "write with a key for reading: remote access error\n");
  // More connections than it keeps at a time.
  const auto again = peer.run("for i in 1 2 3; do remote_memory 10.77.2.1 >/dev/null || exit 1; done");
  EXPECT_EQ(again.status, 0) << again.error << memory.console();
  EXPECT_FALSE(memory.said("panic")) << memory.console();
}

}  // namespace
}  // namespace interop
