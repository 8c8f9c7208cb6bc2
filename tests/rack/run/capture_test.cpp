// SPDX-License-Identifier: Apache-2.0
// What a rack says on its wire, as others read it: tshark has nothing to complain about, with and without our
// dissector, and with it names the messages; `lego pcap` re-encodes every packet.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "tests/rack/run/rack_run.h"

namespace {

using harness::Ended;
using harness::RackRun;
using harness::run_here;
using harness::Words;
namespace fs = std::filesystem;

struct Capture : ::testing::Test {
  static void SetUpTestSuite() {
    RackRun rack({"--excache", "1M", "--pcap", file(), "--file", std::string(GUEST_PROGRAMS) + "/memory_walk=/walk"},
                 {"busybox", "sh", "-c", "/walk 2 1; busybox ls /; echo kept >/note; busybox cat /note"});
    ran = rack.wait().status;
  }
  static std::string file() { return ::testing::TempDir() + "lego_capture_test.pcap"; }
  static void TearDownTestSuite() { fs::remove(file()); }

  // Lines of what tshark prints, and how often each comes.
  static std::map<std::string, int> tshark(Words options) {
    Words command = {"tshark", "-n", "-r", file()};
    command.insert(command.end(), options.begin(), options.end());
    const Ended ended = run_here(command);
    EXPECT_EQ(ended.status, 0) << ended.error;
    std::map<std::string, int> lines;
    std::istringstream out(ended.out);
    for (std::string line; std::getline(out, line);) ++lines[line];
    return lines;
  }
  // Wireshark 4.0 takes SENDs of up to three bytes for damaged: their padding is as long as they are.
  static constexpr const char* complaints =
      "(_ws.malformed or _ws.expert.severity >= 6291456) and not (infiniband.bth.opcode in {4, 5} and frame.len <= 66)";

  static int ran;
};
int Capture::ran = -1;

TEST_F(Capture, EveryPacketIsReencoded) {
  ASSERT_EQ(ran, 0);
  const Ended ended = run_here({LEGO_COMMAND, "pcap", file()});
  EXPECT_EQ(ended.status, 0) << ended.out.substr(ended.out.size() - std::min<std::size_t>(ended.out.size(), 300));
  EXPECT_NE(ended.out.find(", 0 faults"), std::string::npos);
}

// What follows the transport's headers is nobody's business but ours: tshark is told not to guess.
TEST_F(Capture, TsharkDecodesTransportAndConnections) {
  ASSERT_EQ(ran, 0);
  const Words plain = {"-o", "infiniband.identify_payload:FALSE", "--disable-protocol", "rpcordma"};
  Words wrong = plain;
  wrong.insert(wrong.end(), {"-Y", complaints});
  for (const auto& [line, count] : tshark(wrong)) ADD_FAILURE() << line;
  Words messages = plain;
  messages.insert(messages.end(),
                  {"-Y", "infiniband.mad.attributeid", "-T", "fields", "-e", "infiniband.mad.attributeid"});
  const auto seen = tshark(messages);
  for (const char* attribute : {"0x0010", "0x0013", "0x0014"}) {  // REQ, REP, RTU
    EXPECT_TRUE(seen.contains(attribute)) << attribute;
  }
}

TEST_F(Capture, TheDissectorNamesTheMessages) {
  ASSERT_EQ(ran, 0);
  const Words script = {"-X", "lua_script:" LEGO_DISSECTOR};
  Words wrong = script;
  wrong.insert(wrong.end(), {"-Y", complaints});
  for (const auto& [line, count] : tshark(wrong)) ADD_FAILURE() << line;

  Words named = script;
  named.insert(named.end(), {"-Y", "lego.operation", "-T", "fields", "-e", "_ws.col.Info"});
  std::map<std::string, int> counts;
  for (const auto& [line, count] : tshark(named)) {
    std::istringstream words(line);
    std::string operation, kind;
    words >> operation >> kind;
    counts[operation + " " + kind] += count;
  }
  for (const char* message :
       {"Join request", "Join reply", "ProgramStart request", "ProgramStart reply", "PageFetch request",
        "PageFetch page", "PageWriteBack request", "PageWriteBack reply", "FileWrite request", "SpaceDestroy reply"}) {
    EXPECT_GT(counts[message], 0) << message;
  }
  // Nothing else goes in messages of their own: each SEND that begins one has a name.
  Words unnamed = script;
  unnamed.insert(unnamed.end(), {"-Y", "infiniband.bth.opcode in {0, 4} and not lego.operation"});
  for (const auto& [line, count] : tshark(unnamed)) ADD_FAILURE() << line;
}

}  // namespace
