// SPDX-License-Identifier: Apache-2.0
// Long streams between an mComponent and a Linux program of ours, each way, over a switch that loses or reorders
// frames, or cuts the connection for five seconds. ACK timeout 14 (67 ms) and seven retries: a partition breaks the
// image's connections, and the stream goes on where it was acknowledged. Linux's soft-RoCE never gives up with seven:
// where its connection is to break it is told six. LEGO_STREAMS=full: as long as they are in the goal;
// otherwise about a tenth.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

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

constexpr unsigned long long mb = 1'000'000;
constexpr unsigned limit_seconds = 600;

bool full() {
  const char* wanted = std::getenv("LEGO_STREAMS");
  return wanted != nullptr && std::string(wanted) == "full";
}

class VerbsStream : public testing::Test {
 protected:
  struct Outcome {
    bool intact = false;
    unsigned connections = 0;
  };

  void start(const std::string& faults) {
    rack_ = std::make_unique<Switch>(std::vector<std::string>{"linux", "image"}, Switch::Options{.faults = faults});
    image_ = std::make_unique<Image>(
        ImageConfig{.file = IMAGE_MCOMPONENT, .switch_socket = rack_->socket("image"), .options = "verbs_test=1"});
    peer_ = std::make_unique<LinuxPeer>(
        PeerConfig{.switch_socket = rack_->socket("linux"), .files = {{PROGRAM_VERBS_PEER, "/usr/bin/verbs_peer"}}});
    image_->start();
    peer_->start();
    image_->wait_for_line("verbs_test: listening");
  }
  void TearDown() override {
    EXPECT_TRUE(!image_ || image_->running()) << image_->console();
    peer_.reset();
    image_.reset();
    if (rack_) fmt::print("{}\n", rack_->stop());
  }

  // `what`: send or receive, as the guest sees it.
  Outcome stream(const std::string& what, unsigned long long bytes, unsigned retries = 7) {
    const auto done = peer_->run(fmt::format("verbs_peer {} {} {} {} {}", what, image_->ip(), ++seed_, bytes,
                                             what == "send" ? std::to_string(retries) : ""),
                                 limit_seconds);
    fmt::print("{}", done.out);
    std::fflush(stdout);
    const std::string expected = fmt::format("{} {} bytes, 0 wrong, ", what == "send" ? "sent" : "received", bytes);
    const auto found = done.out.find(expected);
    Outcome outcome;
    outcome.intact = done.ok() && found != done.out.npos;
    if (outcome.intact) std::istringstream(done.out.substr(found + expected.size())) >> outcome.connections;
    EXPECT_TRUE(outcome.intact) << done.out << done.error << image_->console();
    return outcome;
  }
  void both_ways(const std::string& faults, unsigned long long bytes) {
    start(faults);
    stream("send", bytes);
    stream("receive", bytes);
  }

  std::unique_ptr<Switch> rack_;
  std::unique_ptr<Image> image_;
  std::unique_ptr<LinuxPeer> peer_;
  unsigned seed_ = 0;
};

TEST_F(VerbsStream, ArriveWithOnePercentLost) { both_ways("drop=1%,seed=11", full() ? 100 * mb : 10 * mb); }
TEST_F(VerbsStream, ArriveWithFivePercentLost) { both_ways("drop=5%,seed=12", full() ? 10 * mb : 2 * mb); }
TEST_F(VerbsStream, ArriveWithTwentyPercentLost) { both_ways("drop=20%,seed=13", full() ? 2 * mb : mb / 2); }
TEST_F(VerbsStream, ArriveWithFivePercentReordered) { both_ways("reorder=5%,seed=14", full() ? 100 * mb : 10 * mb); }

// The switch cuts the guest off for five seconds in every twelve: streams follow each other until one is met by that.
TEST_F(VerbsStream, GoOnAfterAPartition) {
  std::string faults = "seed=15";
  for (unsigned second = 8; second < 300; second += 12) faults += fmt::format(",partition=linux@{}s/5s", second);
  start(faults);
  for (const std::string what : {"send", "receive"}) {
    bool broken = false;
    for (unsigned tries = 0; tries < 40 && !broken; ++tries) {
      const Outcome outcome = stream(what, 30 * mb, 6);
      ASSERT_TRUE(outcome.intact);
      broken = outcome.connections > 2;  // one that carries, one that confirms
    }
    EXPECT_TRUE(broken) << "no partition met a stream";
  }
}

}  // namespace
}  // namespace interop
