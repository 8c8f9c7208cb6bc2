// SPDX-License-Identifier: Apache-2.0
// The drivers against QEMU's devices: several machines and variants of the devices, disks checked on the host
// afterwards, frames of all sizes both ways, a ring that fills up, and a machine that sleeps when nothing happens.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "kernel/base/random.h"
#include "tests/rack/drivers/test_protocol.h"
#include "tests/rack/harness/qemu.h"
#include "tests/rack/harness/wire.h"
#include "tools/support/folder.h"

namespace drivers_test {
namespace {

using harness::Frame;

constexpr std::uint8_t image_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
constexpr std::uint8_t our_mac[6] = {0x52, 0x54, 0, 0xaa, 0xbb, 0xcc};

std::string make_disk(const std::filesystem::path& path, bool filled) {
  std::ofstream file(path, std::ios::binary);
  if (filled) {
    std::string content(disk_bytes, 0);
    for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(disk_byte(i));
    file << content;
  }
  file.close();
  std::filesystem::resize_file(path, 8 << 20);
  return path;
}

void expect_disk_written(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content(disk_bytes + 4096, 'x');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  for (std::size_t i = 0; i < disk_bytes; ++i) {
    ASSERT_EQ(static_cast<std::uint8_t>(content[i]), disk_byte(i)) << "at " << i;
  }
  for (std::size_t i = disk_bytes; i < content.size(); ++i) ASSERT_EQ(content[i], 0) << "at " << i;
}

Head head_of(std::span<const std::byte> frame) {
  Head head{};
  std::memcpy(&head, frame.data(), std::min(frame.size(), sizeof head));
  return head;
}

Frame make_frame(Command command, std::uint32_t count, std::size_t size = 60) {
  Frame frame(size);
  base::Random random(count + 1);
  for (auto& byte : frame) byte = static_cast<std::byte>(random.next());
  Head head{};
  std::memcpy(head.destination, image_mac, 6);
  std::memcpy(head.source, our_mac, 6);
  head.type = ethertype;
  head.command = static_cast<std::uint8_t>(command);
  head.count = count;
  std::memcpy(frame.data(), &head, sizeof head);
  return frame;
}

struct Variant {
  const char* name;
  const char* machine;
  const char* net;
  unsigned mtu;
  unsigned cores;
  bool datagrams;
  const char* disk;
};
void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

class DriversTest : public testing::TestWithParam<Variant> {
 protected:
  void start(std::vector<std::string> more = {}) {
    wire = GetParam().datagrams ? harness::make_datagram_wire(folder.path()) : harness::make_stream_wire(folder.path());
    std::vector<std::string> options = {
        "-M",      GetParam().machine,
        "-smp",    std::to_string(GetParam().cores) + ",maxcpus=4",
        "-netdev", wire->netdev(),
        "-device", std::string("virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56,") + GetParam().net};
    options.insert(options.end(), more.begin(), more.end());
    qemu.emplace(DRIVERS_IMAGE, options);
    ASSERT_TRUE(qemu->wait_for("test: ready")) << qemu->console();
    wire->connect();
  }
  Report report() {
    wire->send(make_frame(Command::Report, 0));
    Report answer{};
    const auto frame = wire->receive();
    if (!frame || frame->size() < sizeof answer) {
      ADD_FAILURE() << "no report: " << qemu->console();
      return answer;
    }
    std::memcpy(&answer, frame->data(), sizeof answer);
    return answer;
  }
  void expect_echo(const Frame& sent) {
    const auto frame = wire->receive();
    ASSERT_TRUE(frame) << qemu->console();
    ASSERT_EQ(frame->size(), sent.size());
    Frame expected = sent;
    std::memcpy(expected.data(), our_mac, 6);
    std::memcpy(expected.data() + 6, image_mac, 6);
    ASSERT_TRUE(*frame == expected) << "frame " << head_of(sent).count << " of " << sent.size() << " bytes";
  }
  std::string drive(const std::string& id, const std::string& path, const std::string& more = "") {
    return "file=" + path + ",format=raw,if=none,id=" + id + more;
  }

  support::Folder folder;
  std::unique_ptr<harness::Wire> wire;
  std::optional<harness::Qemu> qemu;
};

TEST_P(DriversTest, FramesOfAllSizesComeBack) {
  start();
  const std::size_t longest = GetParam().mtu + 14;
  const std::size_t sizes[] = {60, 64, 333, 1514, std::min<std::size_t>(4116, longest), longest};
  constexpr std::uint32_t total = 600, window = 32;
  const auto frame_of = [&](std::uint32_t i) { return make_frame(Command::Echo, i, sizes[i % std::size(sizes)]); };
  for (std::uint32_t i = 0; i < total + window; ++i) {
    if (i >= window) {
      ASSERT_NO_FATAL_FAILURE(expect_echo(frame_of(i - window)));
    }
    if (i < total) wire->send(frame_of(i));
  }
  const Report counted = report();
  EXPECT_EQ(counted.rx_packets, total + 1u);
  EXPECT_EQ(counted.tx_packets, total);
  EXPECT_EQ(counted.lent, total);
  EXPECT_LE(counted.told, counted.lent);
  EXPECT_GT(counted.told, total / 2);
  EXPECT_EQ(counted.device_errors, 0u);
  EXPECT_EQ(counted.rx_dropped, 0u);
  EXPECT_GT(counted.halts, 0u);
}

TEST_P(DriversTest, FramesBeyondTheMtuAreSurvived) {
  if (GetParam().mtu > 8000) return;  // neither socket carries more
  start();
  for (std::uint32_t i = 0; i < 300; ++i) wire->send(make_frame(Command::Echo, i, GetParam().mtu + 14 + 700));
  const Frame good = make_frame(Command::Echo, 1, 1000);
  wire->send(good);
  expect_echo(good);
  EXPECT_EQ(report().device_errors, 0u);
}

TEST_P(DriversTest, FullRingLosesNothing) {
  start();
  constexpr std::uint32_t total = 3000;
  wire->send(make_frame(Command::Flood, total));
  ASSERT_TRUE(qemu->wait_for("flood: try again")) << qemu->console();
  for (std::uint32_t i = 0; i < total; ++i) {
    const auto frame = wire->receive();
    ASSERT_TRUE(frame) << "after " << i << " frames: " << qemu->console();
    ASSERT_EQ(frame->size(), std::min<std::size_t>(sizeof(Head) + 4096, GetParam().mtu + 14));
    ASSERT_EQ(head_of(*frame).count, i);
    for (std::size_t at = sizeof(Head); at < frame->size(); ++at) {
      ASSERT_EQ((*frame)[at], static_cast<std::byte>((at - sizeof(Head)) * 13));
    }
  }
  const auto last = wire->receive();
  ASSERT_TRUE(last) << qemu->console();
  EXPECT_EQ(head_of(*last).command, static_cast<std::uint8_t>(Command::Done));
  const Report counted = report();
  EXPECT_EQ(counted.lent, total);
  EXPECT_EQ(counted.told, total);
  EXPECT_GT(counted.tx_full, 0u);
  EXPECT_GT(counted.spaces, 0u);
  EXPECT_EQ(counted.tx_packets, total + 1u);
}

TEST_P(DriversTest, DiskKeepsWhatWasWritten) {
  const std::string disk = make_disk(folder.path() / "disk", false);
  start({"-drive", drive("d0", disk), "-device", std::string("virtio-blk-pci,drive=d0,") + GetParam().disk});
  ASSERT_TRUE(qemu->wait_for("disk 0: all is well")) << qemu->console();
  EXPECT_TRUE(qemu->said("read beyond the end: out of range")) << qemu->console();
  EXPECT_TRUE(qemu->said("64 writes, 1 flushes, queue was full")) << qemu->console();
  EXPECT_EQ(qemu->said("cache off"), GetParam().disk == std::string("write-cache=off")) << qemu->console();
  expect_disk_written(disk);
}

TEST_P(DriversTest, IdleMachineSleeps) {
  start();
  const Frame frame = make_frame(Command::Echo, 1, 1000);
  wire->send(frame);
  expect_echo(frame);
  const double before = qemu->cpu_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  EXPECT_LT(qemu->cpu_seconds() - before, 0.5);
  wire->send(frame);
  expect_echo(frame);
}

constexpr const char* modern = "disable-legacy=on,host_mtu=4200";
const Variant variants[] = {
    {"q35_modern", "q35", modern, 4200, 2, false, "disable-legacy=on"},
    {"pc_transitional", "pc", "disable-legacy=off,disable-modern=off,host_mtu=4200", 4200, 1, true,
     "disable-legacy=off,disable-modern=off"},
    {"q35_single_buffers_jumbo", "q35", "mrg_rxbuf=off,host_mtu=9000", 9000, 2, false,
     "logical_block_size=4096,physical_block_size=4096"},
    {"pc_no_options", "pc",
     "disable-legacy=on,mrg_rxbuf=off,event_idx=off,indirect_desc=off,host_mtu=4200,rx_queue_size=256", 4200, 2, true,
     "event_idx=off,indirect_desc=off,queue-size=64"},
    {"q35_default_mtu", "q35", "disable-legacy=on,vectors=1", 1500, 1, false, "write-cache=off"},
};
INSTANTIATE_TEST_SUITE_P(All, DriversTest, testing::ValuesIn(variants),
                         [](const auto& each) { return std::string(each.param.name); });

class OneMachine : public DriversTest {};
INSTANTIATE_TEST_SUITE_P(Modern, OneMachine, testing::Values(variants[0]));

TEST_P(OneMachine, DevicesBehindABridgeAreFound) {
  const std::string first = make_disk(folder.path() / "first", false);
  const std::string second = make_disk(folder.path() / "second", true);
  start({"-device", "pcie-root-port,id=bridge,chassis=1,slot=1", "-drive", drive("d0", first), "-device",
         "virtio-blk-pci,drive=d0,bus=bridge", "-drive", drive("d1", second, ",readonly=on"), "-device",
         "virtio-blk-pci,drive=d1"});
  ASSERT_TRUE(qemu->wait_for("disk 0: all is well")) << qemu->console();
  ASSERT_TRUE(qemu->wait_for("disk 1: all is well")) << qemu->console();
  EXPECT_TRUE(qemu->said("write: read-only")) << qemu->console();
  EXPECT_TRUE(qemu->said("pci 1:0.0: 1af4:1042 class 10000")) << qemu->console();
  expect_disk_written(first);
}

TEST_P(OneMachine, DevicesThatCannotBeUsedAreLeftOut) {
  const std::string disk = make_disk(folder.path() / "disk", false);
  start({"-device", "virtio-net-pci,disable-modern=on,disable-legacy=off", "-device", "virtio-net-pci,vectors=0",
         "-drive", drive("d0", disk), "-device", "virtio-blk-pci,drive=d0,vectors=0"});
  EXPECT_TRUE(qemu->said("network device at 0:0:2.0: not supported")) << qemu->console();
  EXPECT_TRUE(qemu->said("network device at 0:0:3.0: not supported")) << qemu->console();
  EXPECT_TRUE(qemu->said("disk at 0:0:4.0: not supported")) << qemu->console();
  EXPECT_TRUE(qemu->said("0 disks")) << qemu->console();
  const Frame frame = make_frame(Command::Echo, 1, 1000);
  wire->send(frame);
  expect_echo(frame);
}

}  // namespace
}  // namespace drivers_test
