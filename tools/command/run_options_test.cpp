// SPDX-License-Identifier: Apache-2.0
// Every option of `lego run`, and one clear line with status 125 for what cannot be understood.
#include "tools/command/run_options.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>

#include "tools/support/failure.h"

namespace command {
namespace {

using Words = std::vector<std::string>;

RunOptions parse(Words words) {
  words.insert(words.end(), {"--", "prog"});
  return *parse_run_options(words);
}

std::string complaint(const Words& words) {
  try {
    parse_run_options(words);
  } catch (const support::Failure& failure) {
    EXPECT_EQ(failure.status(), 125);
    const std::string line = failure.what();
    EXPECT_EQ(line.find('\n'), line.npos) << line;
    return line;
  }
  return "";
}

bool has(const RunOptions& options, const std::string& assignment) {
  return std::ranges::count(options.environment, assignment) == 1;
}

TEST(RunOptions, DefaultsAreThoseOfTheManual) {
  setenv("TERM", "vt100", 1);
  unsetenv("TZ");
  const RunOptions options = parse({});
  EXPECT_EQ(options.rack.processors, 1u);
  EXPECT_EQ(options.rack.memories, 1u);
  EXPECT_EQ(options.rack.storages, 1u);
  EXPECT_EQ(options.rack.cpus, 1u);
  EXPECT_EQ(options.rack.excache_bytes, 64u << 20);
  EXPECT_EQ(options.rack.memory_bytes, 512u << 20);
  EXPECT_EQ(options.rack.accelerator, rack::Accelerator::Auto);
  EXPECT_EQ(options.environment,
            (Words{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=vt100"}));
  EXPECT_EQ(options.working_directory, "/");
  EXPECT_EQ(options.hostname, "lego");
  EXPECT_EQ(options.uid + options.gid, 0u);
  EXPECT_EQ(options.timeout_ns, 0u);
  EXPECT_EQ(options.trace, 0u);
}

TEST(RunOptions, AllOfThemAreUnderstood) {
  const RunOptions options = parse({"--processors",
                                    "2",
                                    "--memories=3",
                                    "--storages",
                                    "2",
                                    "--cpus",
                                    "4",
                                    "--excache",
                                    "1M",
                                    "--memory",
                                    "2G",
                                    "--root",
                                    "/r",
                                    "--file",
                                    "a=/b",
                                    "--file",
                                    "c=/d=e",
                                    "--copy-out",
                                    "/x=y",
                                    "--cwd",
                                    "/tmp",
                                    "--user",
                                    "1000:100",
                                    "--hostname",
                                    "a-b.c",
                                    "--stats",
                                    "s.json",
                                    "--trace",
                                    "syscalls,rpc,excache",
                                    "--pcap",
                                    "p.pcap",
                                    "--faults",
                                    "drop=2%,partition=p1+gmm@1s/1s",
                                    "--timeout",
                                    "1.5",
                                    "--accel",
                                    "tcg",
                                    "--gdb",
                                    "p1",
                                    "--gdb",
                                    "m2",
                                    "--keep-logs",
                                    "logs",
                                    "--managers",
                                    "/managers",
                                    "--kernel-option",
                                    "evictors=off"});
  EXPECT_EQ(options.rack.managers, "/managers");
  EXPECT_EQ(options.rack.processors, 2u);
  EXPECT_EQ(options.rack.memories, 3u);
  EXPECT_EQ(options.rack.cpus, 4u);
  EXPECT_EQ(options.rack.excache_bytes, 1u << 20);
  EXPECT_EQ(options.rack.memory_bytes, std::uint64_t{2} << 30);
  EXPECT_EQ(options.root, "/r");
  EXPECT_EQ(options.files[1], (std::pair<std::string, std::string>{"c", "/d=e"}));
  EXPECT_EQ(options.copy_out[0], (std::pair<std::string, std::string>{"/x", "y"}));
  EXPECT_EQ(options.uid, 1000u);
  EXPECT_EQ(options.gid, 100u);
  EXPECT_EQ(options.trace, 7u);
  EXPECT_EQ(options.timeout_ns, 1'500'000'000u);
  EXPECT_EQ(options.rack.accelerator, rack::Accelerator::Tcg);
  EXPECT_EQ(options.rack.gdb, (std::set<std::string>{"m2", "p1"}));
  EXPECT_EQ(options.rack.faults, "drop=2%,partition=p1+gmm@1s/1s");
  EXPECT_EQ(options.keep_logs, "logs");
  EXPECT_EQ(options.rack.kernel_options, Words{"evictors=off"});
  EXPECT_EQ(parse({"--user", "7"}).gid, 0u);
  EXPECT_EQ(parse({"--cpus", "2", "--cpus", "3"}).rack.cpus, 3u);
}

TEST(RunOptions, ProgramAndArgumentsAreTakenAsTheyAre) {
  const Words program = {"sh", "-c", "--cpus 7", "--", "", "[a,b]", "-h", "--help"};
  Words words = {"--cpus", "2", "--"};
  words.insert(words.end(), program.begin(), program.end());
  const RunOptions options = *parse_run_options(words);
  EXPECT_EQ(options.program, program);
  EXPECT_EQ(options.rack.cpus, 2u);
}

TEST(RunOptions, EnvironmentIsAsWithDocker) {
  setenv("LEGO_TEST_PASSED", "on = off", 1);
  unsetenv("LEGO_TEST_UNSET");
  setenv("TZ", "Europe/Paris", 1);
  const RunOptions options =
      parse({"--env", "A=1", "--env", "A=2", "--env", "EMPTY=", "--env", "LEGO_TEST_PASSED", "--env", "LEGO_TEST_UNSET",
             "--env", "HOME=/h", "--env", "LIST=[a,b]", "--env", "AB=3"});
  EXPECT_TRUE(has(options, "A=2"));
  EXPECT_FALSE(has(options, "A=1"));
  EXPECT_TRUE(has(options, "AB=3"));
  EXPECT_TRUE(has(options, "EMPTY="));
  EXPECT_TRUE(has(options, "LEGO_TEST_PASSED=on = off"));
  EXPECT_TRUE(has(options, "HOME=/h"));
  EXPECT_TRUE(has(options, "TZ=Europe/Paris"));
  EXPECT_TRUE(has(options, "LIST=[a,b]"));
  EXPECT_EQ(options.environment.size(), 9u);  // PATH, TERM, TZ, and six of the above
}

TEST(RunOptions, WhatMakesNoSenseIsOneLine) {
  const std::vector<Words> bad = {{"--bogus"},
                                  {"--publish", "1:2"},
                                  {"--cpus", "0"},
                                  {"--cpus", "x"},
                                  {"--cpus"},
                                  {"--processors", "65"},
                                  {"--memories", "-1"},
                                  {"--excache", "1023K"},
                                  {"--excache", "64X"},
                                  {"--excache", "M"},
                                  {"--excache", "1.5M"},
                                  {"--memory", "1M"},
                                  {"--memory", "99999999999G"},
                                  {"--file", "nothing"},
                                  {"--file", "=x"},
                                  {"--file", "x="},
                                  {"--file", "x=relative"},
                                  {"--copy-out", "relative=x"},
                                  {"--copy-out", "/x="},
                                  {"--env", "=x"},
                                  {"--cwd", "rel"},
                                  {"--user", "root"},
                                  {"--user", "1:"},
                                  {"--user", "4294967295"},
                                  {"--user", "1:2:3"},
                                  {"--hostname", "a b"},
                                  {"--hostname", std::string(64, 'h')},
                                  {"--trace", "all"},
                                  {"--trace", "syscalls,rcp"},
                                  {"--timeout", "0"},
                                  {"--timeout", "-1"},
                                  {"--timeout", "1s"},
                                  {"--accel", "xen"},
                                  {"--gdb", "p1"},
                                  {"--faults", "drop=2"},
                                  {"--faults", "partition=p0+m7@1s/1s"},
                                  {"--kernel-option", "a b"},
                                  {"stray"}};
  for (Words words : bad) {
    const std::string shown = testing::PrintToString(words);
    words.insert(words.end(), {"--", "prog"});
    EXPECT_NE(complaint(words), "") << shown;
  }
  EXPECT_NE(complaint({"prog"}), "");
  EXPECT_NE(complaint({}), "");
  EXPECT_NE(complaint({"--"}), "");
}

TEST(RunOptions, ComplaintsNameTheOption) {
  EXPECT_NE(complaint({"--bogus", "--", "x"}).find("--bogus"), std::string::npos);
  EXPECT_NE(complaint({"--excache", "5", "--", "x"}).find("--excache"), std::string::npos);
  EXPECT_NE(complaint({"--faults", "drop=2%,lose=1%", "--", "x"}).find("lose"), std::string::npos);
}

TEST(Size, HasUnits) {
  EXPECT_EQ(parse_size("4K"), 4096u);
  EXPECT_EQ(parse_size("1"), 1u);
  EXPECT_EQ(parse({"--excache", "1048577"}).rack.excache_bytes, (1u << 20) + 4096) << "whole pages";
  EXPECT_EQ(parse_size("3g"), std::uint64_t{3} << 30);
  EXPECT_FALSE(parse_size(""));
  EXPECT_FALSE(parse_size("K"));
  EXPECT_FALSE(parse_size("1KK"));
  EXPECT_FALSE(parse_size("99999999999999999999"));
}

}  // namespace
}  // namespace command
