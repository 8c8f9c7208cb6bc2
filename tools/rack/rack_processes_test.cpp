// SPDX-License-Identifier: Apache-2.0
// Supervision with stand-ins for QEMU: whatever ends a process, the guardian or the whole of lego, nothing is left.
#include "tools/rack/rack_processes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "tools/support/failure.h"

namespace rack {
namespace {

using namespace std::chrono_literals;

// A unique argument by which a test finds its processes in /proc.
std::string make_mark() {
  static int count = 0;
  return "mark" + std::to_string(getpid()) + "." + std::to_string(count++);
}

std::vector<pid_t> processes_with(const std::string& mark) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = atoi(entry.path().filename().c_str());
    if (pid <= 0 || pid == getpid()) continue;
    std::ifstream file(entry.path() / "cmdline");
    std::ostringstream text;
    text << file.rdbuf();
    if (text.str().find(mark) != std::string::npos) found.push_back(pid);
  }
  return found;
}

template <typename Predicate>
bool wait_until(Predicate predicate) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

PlannedProcess sleeper(const std::string& name, const std::string& mark, const std::filesystem::path& folder) {
  return {.name = name, .arguments = {"sh", "-c", "sleep 1000; :", mark}, .log = folder / (name + ".log")};
}

std::optional<RackProcesses::Ended> wait_event(RackProcesses& rack) {
  pollfd waiting{.fd = rack.event_fd(), .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, 20000) <= 0) return std::nullopt;
  return rack.next_event();
}

TEST(RackProcesses, TheFolderIsPrivateAndGoesWithTheRack) {
  std::filesystem::path folder;
  {
    RackProcesses rack(GUARDIAN, -1);
    folder = rack.folder();
    EXPECT_EQ(std::filesystem::status(folder).permissions(), std::filesystem::perms::owner_all);
    std::filesystem::create_directories(folder / "deep" / "er");
    std::ofstream(folder / "deep" / "er" / "file") << "text";
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(RackProcesses, NamesTheProcessThatDiedAndHow) {
  const std::string mark = make_mark();
  RackProcesses rack(GUARDIAN, -1);
  rack.start(
      {sleeper("p0", mark, rack.folder()),
       {.name = "m0", .arguments = {"sh", "-c", "echo about to fail >&2; exit 3"}, .log = rack.folder() / "m0.log"}});
  auto ended = wait_event(rack);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->name, "m0");
  EXPECT_EQ(ended->how, "ended with status 3");
  std::ifstream log(rack.folder() / "m0.log");
  std::string line;
  std::getline(log, line);
  EXPECT_EQ(line, "about to fail");
  EXPECT_FALSE(rack.next_event());
  std::vector<pid_t> left;  // p0 may not have begun when m0 ends
  ASSERT_TRUE(wait_until([&] {
    left = processes_with(mark);
    return !left.empty();
  }));
  for (const pid_t pid : left) kill(pid, SIGKILL);
  ended = wait_event(rack);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->name, "p0");
  EXPECT_EQ(ended->how, "was killed by signal 9");
}

TEST(RackProcesses, StopEndsChildrenAndTheirChildrenAndKeepsTheFolder) {
  const std::string mark = make_mark();
  RackProcesses rack(GUARDIAN, -1);
  // One that has children of its own, one that ignores SIGTERM, one that is stopped.
  rack.start(
      {{.name = "a", .arguments = {"sh", "-c", "sh -c 'sleep 1000; :' $0 & sleep 1000", mark}, .log = "/dev/null"},
       {.name = "b", .arguments = {"sh", "-c", "trap '' TERM; sleep 1000; :", mark}, .log = "/dev/null"},
       {.name = "c", .arguments = {"sh", "-c", "kill -STOP $$; sleep 1000; :", mark}, .log = "/dev/null"}});
  EXPECT_TRUE(wait_until([&] { return processes_with(mark).size() == 4; }));
  rack.stop();
  EXPECT_TRUE(processes_with(mark).empty());
  EXPECT_TRUE(std::filesystem::exists(rack.folder()));
  EXPECT_FALSE(rack.next_event());
}

TEST(RackProcesses, ThoseThatFollowWaitUntilTheFirstIsReady) {
  RackProcesses rack(GUARDIAN, -1);
  const std::string proof = rack.folder() / "proof";
  rack.start({{.name = "switch",
               .arguments = {"sh", "-c", "sleep 0.2; echo made > " + proof + "; eval \"echo r >&$0\"; sleep 1000",
                             "{ready_fd}"},
               .log = rack.folder() / "switch.log",
               .announces_ready = true},
              {.name = "p0", .arguments = {"sh", "-c", "cat " + proof}, .log = rack.folder() / "p0.log"}});
  const auto ended = wait_event(rack);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->name, "p0");
  EXPECT_EQ(ended->how, "ended with status 0");
}

// The second ends first, and makes the first one end.
TEST(RackProcesses, OfWhatEndsTogetherTheFirstIsNamedFirst) {
  RackProcesses rack(GUARDIAN, -1);
  const std::string pipe = rack.folder() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  rack.start({{.name = "switch", .arguments = {"sh", "-c", "read x < " + pipe + "; exit 4"}, .log = "/dev/null"},
              {.name = "gmm", .arguments = {"sh", "-c", "exec 3> " + pipe + "; exit 5"}, .log = "/dev/null"}});
  for (const char* name : {"switch", "gmm"}) {
    const auto ended = wait_event(rack);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->name, name);
  }
}

TEST(RackProcesses, AFirstThatDiesBeforeItIsReadyIsAFailure) {
  RackProcesses rack(GUARDIAN, -1);
  EXPECT_THROW(rack.start({{.name = "switch", .arguments = {"false"}, .log = "/dev/null", .announces_ready = true}}),
               support::Failure);
}

TEST(RackProcesses, AProgramThatIsNotThereIsReported) {
  RackProcesses rack(GUARDIAN, -1);
  rack.start({{.name = "p0", .arguments = {"/nonexistent/qemu"}, .log = rack.folder() / "p0.log"}});
  const auto ended = wait_event(rack);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->how, "ended with status 127");
  EXPECT_THROW(RackProcesses("/nonexistent/guardian", -1), support::Failure);
}

TEST(RackProcesses, AKilledGuardianTakesTheProcessesAlong) {
  const std::string mark = make_mark();
  std::filesystem::path folder;
  {
    RackProcesses rack(GUARDIAN, -1);
    folder = rack.folder();
    // Without a shell in between: a child of a killed child is beyond what the kernel does for us.
    rack.start({{.name = "p0",
                 .arguments = {"tail", "-f", "/dev/null", "--pid=" + std::to_string(getpid()), "-s100"},
                 .log = "/dev/null"},
                {.name = "p1", .arguments = {"env", mark + "=1", "cat", "/dev/ptmx"}, .log = "/dev/null"}});
    std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
    pid_t guardian = 0;
    children >> guardian;
    std::vector<pid_t> grandchildren;
    std::ifstream theirs("/proc/" + std::to_string(guardian) + "/task/" + std::to_string(guardian) + "/children");
    for (pid_t pid; theirs >> pid;) grandchildren.push_back(pid);
    ASSERT_EQ(grandchildren.size(), 2u);
    kill(guardian, SIGKILL);
    const auto ended = wait_event(rack);
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->name, "guardian");
    for (const pid_t pid : grandchildren) {
      EXPECT_TRUE(wait_until([&] {
        std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
        std::string number, name, state;
        return !(stat >> number >> name >> state) || state == "Z";
      }));
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

// A stand-in for lego in a process group of its own, which can be killed like lego: it writes its folder's path.
struct FakeLego {
  explicit FakeLego(const std::string& mark, int terminal_fd = -1) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
      setpgid(0, 0);
      RackProcesses rack(GUARDIAN, terminal_fd);
      rack.start({sleeper("p0", mark, rack.folder()), sleeper("m0", mark, rack.folder())});
      const std::string path = rack.folder();
      if (write(ends[1], path.data(), path.size()) < 0) _exit(1);
      for (;;) pause();
    }
    close(ends[1]);
    std::string path(1000, 0);
    const ssize_t got = read(ends[0], path.data(), path.size());
    EXPECT_GT(got, 0);
    path.resize(static_cast<std::size_t>(got));
    folder = path;
    // Nobody but lego itself holds what lego had open: this would wait for the guardian and its children otherwise.
    output = ends[0];
  }
  ~FakeLego() { close(output); }
  pid_t pid;
  int output;
  std::filesystem::path folder;
};

void expect_nothing_left(const FakeLego& lego, const std::string& mark) {
  EXPECT_TRUE(wait_until([&] { return processes_with(mark).empty(); }));
  EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(lego.folder); }));
}

TEST(RackProcesses, Kill9OfLegoLeavesNothing) {
  const std::string mark = make_mark();
  FakeLego lego(mark);
  EXPECT_TRUE(wait_until([&] { return processes_with(mark).size() >= 2; }));
  kill(lego.pid, SIGKILL);
  waitpid(lego.pid, nullptr, 0);
  char byte;
  EXPECT_EQ(read(lego.output, &byte, 1), 0);  // at once: no process of the rack holds lego's stdout
  expect_nothing_left(lego, mark);
}

TEST(RackProcesses, Kill9OfTheWholeProcessGroupLeavesNothing) {
  const std::string mark = make_mark();
  FakeLego lego(mark);
  kill(-lego.pid, SIGKILL);
  waitpid(lego.pid, nullptr, 0);
  expect_nothing_left(lego, mark);
}

TEST(RackProcesses, Kill9GivesTheTerminalItsSettingsBack) {
  int outer = -1;
  int inner = -1;
  ASSERT_EQ(openpty(&outer, &inner, nullptr, nullptr, nullptr), 0);
  termios before;
  ASSERT_EQ(tcgetattr(inner, &before), 0);
  const std::string mark = make_mark();
  FakeLego lego(mark, inner);
  termios raw = before;
  cfmakeraw(&raw);
  ASSERT_EQ(tcsetattr(inner, TCSANOW, &raw), 0);
  kill(lego.pid, SIGKILL);
  waitpid(lego.pid, nullptr, 0);
  expect_nothing_left(lego, mark);
  termios after;
  ASSERT_EQ(tcgetattr(inner, &after), 0);
  EXPECT_EQ(after.c_lflag, before.c_lflag);
  close(outer);
  close(inner);
}

TEST(ProcessPlan, SurvivesItsFile) {
  const ProcessPlan plan = {
      {.name = "p0", .arguments = {"qemu", "-append", "a=\"b\" c"}, .log = "/l", .announces_ready = true}};
  const ProcessPlan read = plan_from_json(to_json(plan));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].arguments, plan[0].arguments);
  EXPECT_TRUE(read[0].announces_ready);
  EXPECT_THROW(plan_from_json("{}"), support::Failure);
  EXPECT_THROW(plan_from_json("nonsense"), support::Failure);
}

}  // namespace
}  // namespace rack
