// SPDX-License-Identifier: Apache-2.0
// Unmodified programs of rdma-core and perftest against an mComponent's verbs, each program with several sizes of
// messages, both path MTUs, and both directions. Each cell that is asked for must say that it passed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tools/machines/image.h"
#include "tools/machines/linux_peer.h"
#include "tools/machines/switch.h"

namespace interop {
namespace {

using machines::Image;
using machines::ImageConfig;
using machines::LinuxPeer;
using machines::PeerConfig;
using machines::Switch;

// perftest takes no less than five; long messages take long.
unsigned iterations(const std::string& program, unsigned size) {
  return program.starts_with("ib_") || size < 65536 ? 6 : 2;
}

using Sizes = std::vector<unsigned>;

struct Row {
  std::string program;
  Sizes sizes;
  Sizes ipv6_sizes = {4096};
};

std::vector<Row> rows() {
  const Sizes all = {1, 64, 4096, 65536, 1 << 20}, few = {4096, 1 << 20}, datagrams = {1, 64, 1024, 4096};
  const Sizes with_none = {0, 1, 4096, 65537, 1 << 20}, some = {0, 4096, 65537};
  const Sizes number = {8};
  return {{"rping", {64, 4096, 65535}},
          {"ibv_rc_pingpong", all},
          {"ibv_ud_pingpong", datagrams},
          {"ib_send_lat", all},
          {"ib_send_lat_ud", datagrams, {1024}},
          {"ib_write_lat", all},
          {"ib_read_lat", all},
          {"ib_write_bw", few},
          {"ib_read_bw", few},
          {"ib_atomic_lat_fa", number, number},
          {"ib_atomic_lat_cs", number, number},
          {"send", with_none, some},
          {"send_imm", with_none, some},
          {"write", with_none, some},
          {"write_imm", with_none, some},
          {"read", with_none, some},
          {"fetch_add", number, number},
          {"compare_swap", number, number},
          {"datagram", {0, 1, 1024, 4096}, {0, 1024, 4096}},
          {"datagram_imm", {0, 1, 1024, 4096}, {0, 1024, 4096}}};
}

// Datagrams are one packet.
bool possible(const std::string& program, unsigned size, unsigned path_mtu) {
  const bool datagram = program.find("datagram") != program.npos || program.find("ud") != program.npos;
  return !datagram || size <= path_mtu;
}
// No option of these makes their path MTU smaller than the port's: it is 4096.
bool has_path_mtu(const std::string& program, unsigned path_mtu) {
  return path_mtu == 4096 || (program != "rping" && program != "ibv_ud_pingpong");
}

class VerbsMatrix : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    rack_ = std::make_unique<Switch>(std::vector<std::string>{"linux", "image"});
    image_ = std::make_unique<Image>(
        ImageConfig{.file = IMAGE_MCOMPONENT, .switch_socket = rack_->socket("image"), .options = "verbs_test=1"});
    peer_ = std::make_unique<LinuxPeer>(
        PeerConfig{.switch_socket = rack_->socket("linux"), .files = {{PROGRAM_VERBS_PEER, "/usr/bin/verbs_peer"}}});
    image_->start();
    peer_->start();
    image_->wait_for_line("verbs_test: listening");
  }
  static void TearDownTestSuite() {
    peer_.reset();
    image_.reset();
    rack_.reset();
  }

  static void run_line(const Row& row, const std::string& family, const std::string& direction, unsigned path_mtu) {
    std::vector<std::pair<unsigned, std::string>> cells;
    std::string input;
    for (const unsigned size : family == "ipv4" ? row.sizes : row.ipv6_sizes) {
      if (!possible(row.program, size, path_mtu)) continue;
      cells.emplace_back(size, fmt::format("{} {} {} {} {} {}", row.program, direction, family, size, path_mtu,
                                           iterations(row.program, size)));
      input += cells.back().second + "\n";
    }
    if (cells.empty()) return;
    const auto done = peer_->run(fmt::format("verbs_peer matrix {} <<END\n{}END\n", image_->ip(), input), 300);
    std::string line = fmt::format("{:16} {:10} {:7} {:8}  ", row.program, direction, family, path_mtu);
    for (const auto& [size, cell] : cells) {
      const bool passed = done.out.find("PASS " + cell + " ") != done.out.npos;
      EXPECT_TRUE(passed) << cell << "\n" << done.out << done.error;
      line += fmt::format("{} {}  ", size, passed ? "pass" : "FAIL");
    }
    EXPECT_EQ(done.status, 0) << done.error;
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }

  static inline std::unique_ptr<Switch> rack_;
  static inline std::unique_ptr<Image> image_;
  static inline std::unique_ptr<LinuxPeer> peer_;
};

// Runs the cells of one line of the table in one go, and prints the line.
TEST_F(VerbsMatrix, Passes) {
  fmt::print("program          direction  address path MTU  bytes of a message\n");
  for (const Row& row : rows()) {
    for (const std::string family : {"ipv4", "ipv6"}) {
      for (const std::string direction : {"to-image", "from-image"}) {
        for (const unsigned path_mtu : {1024u, 4096u}) {
          if (has_path_mtu(row.program, path_mtu)) run_line(row, family, direction, path_mtu);
        }
      }
    }
  }
  EXPECT_TRUE(image_->running()) << image_->console();
}

}  // namespace
}  // namespace interop
