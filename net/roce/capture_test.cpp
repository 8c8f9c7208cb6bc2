// SPDX-License-Identifier: Apache-2.0
// Linux's own packets, decoded and encoded again bit for bit.
#include "net/roce/capture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "kernel/base/random.h"

namespace {

using namespace roce;

std::vector<std::string> captures() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA)) {
    if (entry.path().extension() == ".pcap") paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  return paths;
}

std::vector<CapturedFrame> frames_of(const std::string& path) {
  PcapReader reader(path);
  std::vector<CapturedFrame> frames;
  while (auto frame = reader.next()) frames.push_back(std::move(*frame));
  EXPECT_EQ(reader.error(), "");
  return frames;
}

TEST(Captures, EveryPacketOfLinuxVerifiesAndEncodesBitForBit) {
  const std::map<std::string, std::size_t> expected = {
      {"01-cm-connect-send.pcap", 25},
      {"02-write.pcap", 26},
      {"03-read.pcap", 25},
      {"04-atomic.pcap", 11},
      {"05-rnr-nak.pcap", 11},
      {"06-nak-access-write.pcap", 7},
      {"08-nak-invalid-len.pcap", 75},
      {"09-cm-reject.pcap", 2},
      {"10-ud-pingpong.pcap", 6},
      {"12-rping.pcap", 29},
      {"14-rc-pingpong-tcpboot.pcap", 12},
      {"20-uc.pcap", 44},
      {"21-ipv6.pcap", 30},
      {"22-loss.pcap", 46},
  };
  std::map<std::string, std::size_t> found;
  for (const std::string& path : captures()) {
    for (const CapturedFrame& frame : frames_of(path)) {
      const FrameReport report = examine(frame);
      EXPECT_EQ(report.verdict, Verdict::Sound) << path << " frame " << frame.number << ": " << report.text;
      ++found[std::filesystem::path(path).filename().string()];
    }
  }
  EXPECT_EQ(found, expected);
}

TEST(Captures, TheListingSaysWhatIsInAFile) {
  std::ostringstream out;
  EXPECT_EQ(print_capture(std::string(TEST_DATA) + "/09-cm-reject.pcap", out), 0);
  const std::string text = out.str();
  EXPECT_NE(text.find("10.9.0.2 > 10.9.0.1 UD SEND Only qpn=0x000001"), std::string::npos) << text;
  EXPECT_NE(text.find("CM REQ id=0xbc4938ff"), std::string::npos) << text;
  EXPECT_NE(text.find("CM REJ id=0x00000000 to=0xbc4938ff reason=8"), std::string::npos) << text;
  EXPECT_NE(text.find("2 frames: 2 RoCEv2 packets verify"), std::string::npos) << text;
}

TEST(Captures, AnyChangedBitIsFoundExceptWhereRoutersMayChangeIt) {
  const CapturedFrame frame = frames_of(std::string(TEST_DATA) + "/04-atomic.pcap")[3];
  ASSERT_EQ(examine(frame).verdict, Verdict::Sound);
  for (std::size_t bit = 14 * 8; bit < frame.bytes.size() * 8; ++bit) {
    CapturedFrame changed = frame;
    changed.bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    // The IP checksum fails first; past it, FECN and BECN are a router's, and so is the UDP checksum.
    const std::size_t byte = bit / 8;
    const bool variable = byte == 14 + 20 + 8 + 4;
    EXPECT_EQ(examine(changed).verdict == Verdict::Sound, variable) << "byte " << byte;
  }
}

TEST(Captures, WhatIsCutOffOrForeignIsNamed) {
  CapturedFrame frame = frames_of(std::string(TEST_DATA) + "/02-write.pcap")[5];
  frame.original_bytes = frame.bytes.size();
  frame.bytes.resize(96);
  EXPECT_EQ(examine(frame).verdict, Verdict::Fault);
  EXPECT_NE(examine(frame).text.find("RoCEv2, cut off"), std::string::npos) << examine(frame).text;

  CapturedFrame arp;
  arp.bytes.resize(60);
  arp.original_bytes = 60;
  arp.bytes[12] = std::byte{8};
  arp.bytes[13] = std::byte{6};
  EXPECT_EQ(examine(arp).verdict, Verdict::Other);
  EXPECT_EQ(examine(arp).text.substr(0, 3), "ARP");
}

TEST(Captures, DamagedFilesAreErrorsAndNeverMore) {
  std::ostringstream out;
  EXPECT_EQ(print_capture("/nonexistent", out), 1);
  base::Random random(1);
  std::vector<std::byte> whole;
  {
    PcapReader reader(std::string(TEST_DATA) + "/12-rping.pcap");
    ASSERT_EQ(reader.error(), "");
  }
  std::FILE* file = std::fopen((std::string(TEST_DATA) + "/12-rping.pcap").c_str(), "rb");
  ASSERT_NE(file, nullptr);
  for (int c; (c = std::fgetc(file)) != EOF;) whole.push_back(static_cast<std::byte>(c));
  std::fclose(file);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> damaged(whole.begin(),
                                   whole.begin() + static_cast<std::ptrdiff_t>(random.below(whole.size())));
    for (int i = 0; i < 8 && !damaged.empty(); ++i)
      damaged[random.below(damaged.size())] = static_cast<std::byte>(random.next());
    PcapReader reader(std::move(damaged));
    while (const auto frame = reader.next()) (void)examine(*frame);
  }
}

}  // namespace
