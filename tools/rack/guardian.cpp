// SPDX-License-Identifier: Apache-2.0
#include "tools/rack/guardian.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>

#include "tools/rack/control.h"
#include "tools/support/failure.h"

namespace rack {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto ready_limit = 10s;
constexpr auto orderly_limit = 2s;  // for SIGTERM, before SIGKILL
constexpr auto together_limit = 300ms;

std::filesystem::path make_folder(const std::filesystem::path& parent) {
  std::string name = parent / "lego-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {  // makes it with mode 0700
    throw support::Failure(fmt::format("cannot make a folder in {}: {}", parent.string(), strerror(errno)));
  }
  return name;
}

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

// Runs in the child between fork and exec.
[[noreturn]] void become(const PlannedProcess& process, const std::vector<char*>& arguments, pid_t guardian) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != guardian) _exit(1);  // it died before the line above
  const int log = open(process.log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int null = open("/dev/null", O_RDONLY);
  if (log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(1);
  if (log > 2) close(log);
  if (null > 2) close(null);
  execvp(arguments[0], arguments.data());
  dprintf(2, "cannot start %s: %s\n", arguments[0], strerror(errno));
  _exit(127);
}

bool readable(int fd, Clock::duration limit) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  const auto end = Clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    const int count = poll(&waiting, 1, left > 0 ? static_cast<int>(left) : 0);
    if (count >= 0) return count > 0;
  }
}

}  // namespace

Guardian::Guardian(support::Fd control, support::Fd terminal, const std::filesystem::path& parent)
    : control_(std::move(control)), terminal_(std::move(terminal)) {
  if (terminal_ && tcgetattr(terminal_.get(), &terminal_settings_) != 0) terminal_.reset();
  const sigset_t signals = handled_signals();
  signals_ = support::Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  // What a child leaves behind becomes ours, and is killed too.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  folder_ = make_folder(parent);
  send_packet(control_.get(), fmt::format("folder {}", folder_.string()));
}

Guardian::~Guardian() {
  stopping_ = true;
  for (const auto& [pid, child] : running_) kill(pid, SIGKILL);
  kill_leftovers();
  restore_terminal();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Guardian::run() {
  for (;;) {
    pollfd waiting[] = {{.fd = control_.get(), .events = POLLIN, .revents = 0},
                        {.fd = signals_.get(), .events = POLLIN, .revents = 0}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0 && !take_signals()) return;
    if (waiting[0].revents != 0 && !handle_packet()) return;
  }
}

bool Guardian::handle_packet() {
  const auto packet = receive_packet(control_.get());
  if (!packet) return false;
  try {
    if (*packet == "start") {
      start_processes();
      return send_packet(control_.get(), "started");
    }
    if (*packet == "stop") {
      stop_processes();
      return send_packet(control_.get(), "stopped");
    }
    throw support::Failure(fmt::format("what is '{}'?", *packet));
  } catch (const std::exception& error) {
    return send_packet(control_.get(), fmt::format("failed {}", error.what()));
  }
}

void Guardian::start_processes() {
  std::ifstream file(folder_ / plan_name);
  std::ostringstream text;
  text << file.rdbuf();
  for (const PlannedProcess& process : plan_from_json(text.str())) {
    if (!process.announces_ready) {
      start(process, -1);
      continue;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw support::Failure(fmt::format("pipe: {}", strerror(errno)));
    const support::Fd ready(ends[0]);
    support::Fd written(ends[1]);
    start(process, written.get());
    written.reset();
    wait_until_ready(process, ready);
  }
}

pid_t Guardian::start(const PlannedProcess& process, int ready_fd) {
  std::vector<std::string> arguments = process.arguments;
  if (arguments.empty()) throw support::Failure(fmt::format("{} has no command line", process.name));
  // The child's copy must survive exec, under a number of its own.
  const support::Fd inherited(ready_fd < 0 ? -1 : fcntl(ready_fd, F_DUPFD, 3));
  std::vector<char*> pointers;
  for (std::string& argument : arguments) {
    if (argument == "{ready_fd}") argument = std::to_string(inherited.get());
    pointers.push_back(argument.data());
  }
  pointers.push_back(nullptr);
  const pid_t guardian = getpid();
  const pid_t pid = fork();
  if (pid < 0) throw support::Failure(fmt::format("cannot start {}: {}", process.name, strerror(errno)));
  if (pid == 0) become(process, pointers, guardian);
  running_.emplace(pid, Child{process.name, started_++});
  return pid;
}

void Guardian::wait_until_ready(const PlannedProcess& process, const support::Fd& ready) {
  char byte;
  if (readable(ready.get(), ready_limit) && read(ready.get(), &byte, 1) == 1) return;
  throw support::Failure(fmt::format("{} did not start; its log is {}", process.name, process.log));
}

// Who loses the connection to a process that ends may be gone before that one is: what ends together is reported in
// the order in which it was started, for who comes later depends on who came before.
bool Guardian::take_signals() {
  const auto end = Clock::now() + together_limit;
  do {
    signalfd_siginfo info;
    while (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
      if (info.ssi_signo != SIGCHLD) return false;
    }
    reap();
  } while (!ended_.empty() && readable(signals_.get(), end - Clock::now()));
  report_ended();
  return true;
}

void Guardian::reap() {
  int status;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    const auto ended = running_.find(pid);
    if (ended == running_.end()) continue;
    if (!stopping_) ended_.push_back({ended->second, status});
    running_.erase(ended);
  }
}

void Guardian::report_ended() {
  std::ranges::sort(ended_, {}, [](const EndedChild& each) { return each.child.order; });
  for (const auto& [child, status] : ended_)
    send_packet(control_.get(), fmt::format("exited {} {}", child.name, describe(status)));
  ended_.clear();
}

void Guardian::stop_processes() {
  stopping_ = true;
  for (const auto& [pid, child] : running_) {
    kill(pid, SIGTERM);
    kill(pid, SIGCONT);  // one that was stopped would not hear it
  }
  const auto end = Clock::now() + orderly_limit;
  while (!running_.empty() && Clock::now() < end) {
    signalfd_siginfo info;
    if (readable(signals_.get(), end - Clock::now())) {
      [[maybe_unused]] const ssize_t got = read(signals_.get(), &info, sizeof(info));
    }
    reap();
  }
  for (const auto& [pid, child] : running_) kill(pid, SIGKILL);
  kill_leftovers();
}

// Waits for the killed, and for whatever they had started, which is ours now.
void Guardian::kill_leftovers() {
  const std::string list = fmt::format("/proc/self/task/{}/children", getpid());
  for (;;) {
    std::ifstream children(list);
    for (pid_t pid = 0; children >> pid;) kill(pid, SIGKILL);
    if (waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) break;
  }
  running_.clear();
}

void Guardian::restore_terminal() {
  termios now;
  if (!terminal_ || tcgetattr(terminal_.get(), &now) != 0) return;
  // Not if lego or a shell has done so already: no shell edits its command line with all of these off.
  if ((now.c_lflag & (ISIG | ICANON | ECHO)) == 0) tcsetattr(terminal_.get(), TCSANOW, &terminal_settings_);
}

}  // namespace rack
