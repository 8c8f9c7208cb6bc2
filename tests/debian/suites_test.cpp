// SPDX-License-Identifier: Apache-2.0
// Whole suites of others on the Debian root: Python's regression tests as Debian packages them, and stress-ng. A case
// of Python's that passes natively passes in a vNode, or is listed in python_exceptions with its reason.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "tests/debian/root_run.h"

namespace debian {
namespace {

using harness::Ended;
using harness::Words;

std::map<std::string, std::string> outcomes(const std::string& text) {
  std::map<std::string, std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.rfind(' ');
    if (at != line.npos) found[line.substr(0, at)] = line.substr(at + 1);
  }
  return found;
}

// Names of cases; what follows one in its line is the reason.
std::set<std::string> exceptions() {
  std::set<std::string> names;
  std::ifstream file(SOURCE_FOLDER "/python_exceptions");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    if (std::string name; words >> name && name != "#") names.insert(name);
  }
  return names;
}

void compare_python_tests(const Words& names, unsigned seconds) {
  Words command{"bash", "/cases/python_suite.sh"};
  command.insert(command.end(), names.begin(), names.end());
  const Ended native = run_natively(command);
  const Ended ended = run_in_vnode(command, {"--excache", "128M"}, seconds);
  EXPECT_EQ(ended.status, 0) << ended.error;
  const auto expected = outcomes(native.out), results = outcomes(ended.out);
  const auto excepted = exceptions();
  std::size_t passed = 0;
  for (const auto& [name, outcome] : expected) {
    if (outcome != "ok") continue;
    ++passed;
    if (excepted.contains(name)) continue;
    const auto found = results.find(name);
    EXPECT_EQ(found == results.end() ? "did not run" : found->second, outcome) << name;
  }
  EXPECT_GT(passed, names.size());
  std::printf("%zu cases pass natively\n", passed);
  if (testing::Test::HasFailure()) std::printf("%s\n", ended.error.c_str());
}

TEST(Python, SomeRegressionTests) {
  compare_python_tests({"test_select", "test_epoll", "test_fcntl", "test_fileio", "test_fork1", "test_wait3",
                        "test_wait4", "test_pty", "test_resource", "test_file"},
                       400);
}

TEST(PythonFull, AllRegressionTests) {
  compare_python_tests(
      {"test_os",        "test_posix", "test_threading", "test_subprocess", "test_signal",  "test_select",
       "test_selectors", "test_epoll", "test_io",        "test_fileio",     "test_file",    "test_mmap",
       "test_fcntl",     "test_time",  "test_tempfile",  "test_shutil",     "test_pathlib", "test_pty",
       "test_resource",  "test_wait3", "test_wait4",     "test_fork1",      "test_queue",   "test_sqlite3",
       "test_zipfile",   "test_pickle"},
      5400);
}

// Each stressor with one instance, until it has done so many operations; --verify has them check what they do.
struct Stressor {
  const char* name;
  unsigned operations;
};
constexpr Stressor stressors[] = {
    {"cpu", 20},   {"vm", 100},      {"mmap", 5},    {"mremap", 20}, {"fork", 20},     {"vfork", 20},  {"clone", 20},
    {"pipe", 100}, {"futex", 50},    {"sem", 50},    {"shm", 2},     {"sigq", 50},     {"timer", 50},  {"eventfd", 50},
    {"epoll", 20}, {"poll", 50},     {"switch", 50}, {"hdd", 10},    {"dir", 10},      {"rename", 20}, {"link", 1},
    {"fault", 20}, {"brk", 50},      {"stack", 5},   {"madvise", 5}, {"mprotect", 20}, {"msync", 10},  {"memfd", 2},
    {"sock", 10},  {"sockpair", 10}, {"procfs", 5}};

void stress(unsigned factor, const Words& options, unsigned seconds) {
  std::string script = "cd /var/tmp; ";
  for (const Stressor& each : stressors) {
    const std::string name = each.name;
    script += "stress-ng --verify --" + name + " 1 --" + name + "-ops " + std::to_string(each.operations * factor);
    // Their defaults are hundreds of megabytes.
    for (const char* sized : {"vm", "mmap", "mremap", "msync", "memfd", "hdd"}) {
      if (name == sized) script += " --" + name + "-bytes 8M";
    }
    // Of a unix socket it asks for IPPROTO_TCP, which Linux refuses as well; sockpair has those.
    if (name == "sock") script += " --sock-domain ipv4";
    // Its main thread waits for a signal when its threads have done their operations, on Linux as well.
    if (name == "sem") script += " --timeout 5";
    script += " >log 2>&1; echo " + name + " $?; grep -iE 'fail|error' log; ";
  }
  script += "true";  // grep has found nothing
  const Ended ended = run_in_vnode({"bash", "-c", script}, options, seconds);
  EXPECT_EQ(ended.status, 0) << ended.error;
  std::string expected;
  for (const Stressor& each : stressors) expected += std::string(each.name) + " 0\n";
  EXPECT_EQ(ended.out, expected) << ended.error;
}

TEST(Stress, EachStressorDoesItsWork) { stress(1, {"--excache", "128M"}, 400); }
TEST(StressFull, EachStressorDoesItsWork) { stress(20, {"--excache", "128M", "--cpus", "2"}, 9000); }
TEST(StressFull, EachStressorDoesItsWorkWithASmallExCache) { stress(2, {"--excache", "16M"}, 3600); }

}  // namespace
}  // namespace debian
