// SPDX-License-Identifier: Apache-2.0
// Programs whose output on a rack must be that of native Linux, line by line; and what the counters say of such runs.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/rack/run/rack_run.h"

namespace {

using harness::Ended;
using harness::RackRun;
using harness::Words;

struct Case {
  std::string name;
  Words options;
  Words program;                // the name of a guest program, and arguments
  const char* needs = nullptr;  // a file that Linux must have here
};
void PrintTo(const Case& each, std::ostream* stream) { *stream << each.name; }

class Differential : public testing::TestWithParam<Case> {};

void check_counters(const nlohmann::json& stats) {
  const auto& components = stats.at("components");
  for (const auto& [name, counters] : components.items()) {
    if (name.starts_with("p")) {
      const auto& cache = counters.at("excache");
      EXPECT_EQ(cache.at("evictions_by_faulting_thread"), 0);
      EXPECT_EQ(cache.at("zero_fill_messages"), 0);
      EXPECT_LE(cache.at("demand_messages"), cache.at("remote_fills"));
    }
    if (name.starts_with("m")) {
      EXPECT_EQ(counters.at("frames").at("anonymous"), 0) << name;
    }
  }
}

TEST_P(Differential, TheOutputIsThatOfNativeLinux) {
  const Case& each = GetParam();
  if (each.needs != nullptr && access(each.needs, F_OK) != 0)
    GTEST_SKIP() << "without " << each.needs << " this machine is no Linux to compare with";
  const std::string path = std::string(GUEST_PROGRAMS) + "/" + each.program[0];
  Words native{path}, guest{"/program"};
  for (std::size_t i = 1; i < each.program.size(); ++i) {
    native.push_back(each.program[i]);
    guest.push_back(each.program[i]);
  }
  const Ended expected = harness::run_here(native);
  Words options{"--file", path + "=/program"};
  options.insert(options.end(), each.options.begin(), each.options.end());
  RackRun rack(options, guest);
  rack.close_input();
  const Ended ended = rack.wait(600);
  EXPECT_EQ(ended.status, expected.status) << ended.error;
  EXPECT_EQ(ended.out, expected.out);
  if (ended.status == expected.status) check_counters(rack.stats());
}

const Words bad_wire{"--excache", "2M", "--faults", "drop=2%,reorder=5%,seed="};
Words bad_wire_of(const std::string& seed) {
  Words options = bad_wire;
  options.back() += seed;
  return options;
}

INSTANTIATE_TEST_SUITE_P(
    Programs, Differential,
    testing::Values(Case{"mappings", {}, {"mappings"}}, Case{"files", {}, {"files"}},
                    Case{"files_in_memory", {"--env", "FILES_IN=/tmp"}, {"files"}},
                    Case{"written_programs", {}, {"written_programs"}},
                    Case{"written_programs_in_memory", {"--env", "FILES_IN=/tmp"}, {"written_programs"}},
                    Case{"waiting", {}, {"waiting"}}, Case{"file_calls", {}, {"file_calls"}},
                    Case{"file_ranges", {}, {"file_ranges"}}, Case{"watching", {}, {"watching"}},
                    Case{"xattrs", {}, {"xattrs"}}, Case{"xattrs_in_memory", {"--env", "FILES_IN=/tmp"}, {"xattrs"}},
                    Case{"directories", {}, {"directories"}},
                    Case{"directories_in_memory", {"--env", "FILES_IN=/tmp"}, {"directories"}},
                    Case{"record_locks", {}, {"record_locks"}}, Case{"restartable", {"--cpus", "2"}, {"restartable"}},
                    Case{"tracing", {"--cpus", "2"}, {"tracing"}}, Case{"other_processes", {}, {"other_processes"}},
                    Case{"seccomp", {}, {"seccomp"}}, Case{"mounts", {}, {"mounts"}},
                    Case{"loop_devices", {}, {"mounts", "loops"}, "/dev/loop-control"},
                    Case{"watching_in_memory", {"--env", "FILES_IN=/tmp"}, {"watching"}},
                    Case{"file_calls_in_memory", {"--env", "FILES_IN=/tmp"}, {"file_calls"}},
                    Case{"name_races", {"--cpus", "2"}, {"name_races"}}, Case{"signals", {}, {"signals"}},
                    Case{"signals_two_cores", {"--cpus", "2"}, {"signals"}}, Case{"unix_sockets", {}, {"unix_sockets"}},
                    Case{"unix_datagrams", {}, {"unix_datagrams"}}, Case{"inet_sockets", {}, {"inet_sockets"}},
                    Case{"inet_datagrams", {}, {"inet_datagrams"}}, Case{"socket_options", {}, {"socket_options"}},
                    Case{"netlink", {}, {"netlink"}}, Case{"inet_sockets_two_cores", {"--cpus", "2"}, {"inet_sockets"}},
                    Case{"clocks", {"--cpus", "2"}, {"clocks"}}, Case{"cores", {"--cpus", "2"}, {"cores"}},
                    Case{"proc_threads", {}, {"proc_threads"}}, Case{"pseudo_terminals", {}, {"pseudo_terminals"}},
                    Case{"unix_messages", {"--cpus", "2"}, {"unix_messages"}}, Case{"system_v", {}, {"system_v"}},
                    Case{"privileges", {}, {"privileges"}}, Case{"system_v_two_cores", {"--cpus", "2"}, {"system_v"}},
                    Case{"process_calls", {"--cpus", "2"}, {"process_calls"}}, Case{"threads", {}, {"threads"}},
                    Case{"threads_two_cores", {"--cpus", "2"}, {"threads"}},
                    Case{"walk", {"--excache", "2M"}, {"memory_walk", "16", "2"}},
                    Case{"walk_two_memories", {"--excache", "2M", "--memories", "2"}, {"memory_walk", "16", "1"}},
                    Case{"memory_advice", {}, {"memory_advice"}}, Case{"memory_limits", {}, {"memory_limits"}},
                    Case{"memory_advice_small", {"--excache", "2M", "--cpus", "2"}, {"memory_advice"}},
                    Case{"copies", {"--excache", "1M"}, {"fork_copies", "2", "2"}},
                    Case{"copies_two_cores", {"--excache", "1M", "--cpus", "2"}, {"fork_copies", "2", "2"}},
                    Case{"replaced_files", {}, {"replaced_files"}}, Case{"bad_wire_files", bad_wire_of("1"), {"files"}},
                    Case{"bad_wire_written_programs", bad_wire_of("1"), {"written_programs"}},
                    Case{"bad_wire_walk", bad_wire_of("2"), {"memory_walk", "8", "1"}},
                    Case{"bad_wire_copies", bad_wire_of("3"), {"fork_copies", "1", "1"}}),
    [](const auto& each) { return each.param.name; });

// So that a zero means something: without evictors a fault has to wait for a line or free one itself, or the run stops.
TEST(Counters, WithoutEvictorsTheCountersTell) {
  RackRun rack({"--excache", "1M", "--timeout", "8", "--kernel-option", "evictors=off", "--file",
                std::string(GUEST_PROGRAMS) + "/memory_walk=/program"},
               {"/program", "8", "1"});
  rack.close_input();
  const Ended ended = rack.wait(120);
  if (ended.status == 124) return;  // it stopped
  const auto cache = rack.stats().at("components").at("p0").at("excache");
  EXPECT_GT(
      cache.at("waits_for_line").get<std::uint64_t>() + cache.at("evictions_by_faulting_thread").get<std::uint64_t>(),
      0u);
}

// The time costs a program no call, and its vDSO no message: whoever starts finds both in the ExCache.
TEST(Counters, ReadingTheClockMakesNoCalls) {
  RackRun rack({"--file", std::string(GUEST_PROGRAMS) + "/clocks=/program"}, {"/program", "loop", "20000"});
  rack.close_input();
  const Ended ended = rack.wait(120);
  ASSERT_EQ(ended.status, 0) << ended.error;
  const auto calls = rack.stats().at("components").at("p0").at("syscalls");
  EXPECT_EQ(calls.value("clock_gettime", 0), 0);
  EXPECT_EQ(calls.value("execve", 0) + calls.value("exit_group", 0),
            1);  // they are counted: the program's end is there
}

// What components count is what went over the wire.
TEST(Counters, AgreeWithTheWire) {
  const std::string file = testing::TempDir() + "counters.pcap";
  RackRun rack({"--excache", "1M", "--pcap", file, "--file", std::string(GUEST_PROGRAMS) + "/memory_walk=/program"},
               {"/program", "4", "1"});
  rack.close_input();
  ASSERT_EQ(rack.wait(120).status, 0);
  const auto components = rack.stats().at("components");
  const Ended decoded = harness::run_here({LEGO_COMMAND, "pcap", file});
  EXPECT_EQ(decoded.status, 0) << decoded.out.substr(decoded.out.size() > 500 ? decoded.out.size() - 500 : 0);
  const auto& p0 = components.at("p0");
  const std::uint64_t fills = p0.at("excache").at("remote_fills").get<std::uint64_t>() +
                              p0.at("excache").at("prefetch_issued").get<std::uint64_t>();
  EXPECT_EQ(p0.at("rpc").at("PageFetch").at("count"), fills);
  // Every page that came is a message with immediate data that was written into the ExCache.
  std::uint64_t pages = 0;
  for (std::size_t at = 0; (at = decoded.out.find("10.77.2.1 > 10.77.1.1 RC RDMA WRITE Only", at)) != std::string::npos;
       ++at)
    ++pages;
  EXPECT_GE(pages, fills);
  std::filesystem::remove(file);
  // And none of them was copied to be sent: what is copied are requests and replies, a hundred bytes each.
  const auto& m0 = components.at("m0").at("net");
  const auto& fetches = p0.at("rpc").at("PageFetch");
  const std::uint64_t fetched = fetches.at("count").get<std::uint64_t>() - fetches.value("errors", std::uint64_t{0});
  EXPECT_GT(fetched, 0u);
  EXPECT_GE(m0.at("tx_payload_in_place").get<std::uint64_t>(), fetched * 4096);
  EXPECT_LT(m0.at("tx_payload_copied").get<std::uint64_t>(), m0.at("tx_packets").get<std::uint64_t>() * 129);
}

}  // namespace
