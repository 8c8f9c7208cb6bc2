// SPDX-License-Identifier: Apache-2.0
#include "tools/rack/rack_processes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "tools/rack/control.h"
#include "tools/support/failure.h"

namespace rack {
namespace {

constexpr std::size_t longest_parent = 60;  // a socket's path has 107 characters

// Between fork and exec: the guardian holds nothing of lego's but its own two descriptors, so that a reader of lego's
// output does not wait for it.
[[noreturn]] void become_guardian(const char* program, int control, int terminal, const char* parent) {
  const std::string control_text = std::to_string(control);
  const std::string terminal_text = std::to_string(terminal);
  setsid();
  close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
  fcntl(control, F_SETFD, 0);
  if (terminal >= 0) fcntl(terminal, F_SETFD, 0);
  const int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2; ++fd) dup2(null, fd);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execl(program, "rack-guardian", control_text.c_str(), terminal_text.c_str(), parent, nullptr);
  send_packet(control, fmt::format("failed cannot start {}: {}", program, strerror(errno)));
  _exit(127);
}

}  // namespace

std::filesystem::path temporary_parent() {
  const char* wanted = getenv("TMPDIR");
  if (wanted != nullptr && wanted[0] == '/' && strlen(wanted) <= longest_parent && access(wanted, W_OK) == 0)
    return wanted;
  return "/tmp";
}

RackProcesses::RackProcesses(const std::filesystem::path& guardian_program, int terminal_fd) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    throw support::Failure(fmt::format("socketpair: {}", strerror(errno)));
  }
  control_ = support::Fd(ends[0]);
  support::Fd theirs(ends[1]);
  // dup2 in the child must not hit a descriptor that it keeps.
  const support::Fd terminal(terminal_fd < 0 ? -1 : fcntl(terminal_fd, F_DUPFD_CLOEXEC, 10));
  support::Fd control(fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
  theirs.reset();
  const std::string parent = temporary_parent();
  guardian_ = fork();
  if (guardian_ < 0) throw support::Failure(fmt::format("cannot start the guardian: {}", strerror(errno)));
  if (guardian_ == 0) become_guardian(guardian_program.c_str(), control.get(), terminal.get(), parent.c_str());
  control.reset();
  try {
    const std::string packet = expect_packet();
    if (packet.starts_with("folder ")) folder_ = packet.substr(7);
  } catch (...) {
    waitpid(guardian_, nullptr, 0);
    throw;
  }
}

RackProcesses::~RackProcesses() {
  control_.reset();
  if (guardian_ > 0) {
    while (waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  // Only a guardian that was killed has left it.
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string RackProcesses::expect_packet() {
  auto packet = receive_packet(control_.get());
  if (!packet) throw support::Failure("the guardian of the rack's processes was killed");
  if (packet->starts_with("failed ")) throw support::Failure(packet->substr(7));
  return *packet;
}

void RackProcesses::start(const ProcessPlan& plan) {
  {
    std::ofstream file(folder_ / plan_name);
    file << to_json(plan);
    if (!file.flush()) throw support::Failure(fmt::format("cannot write into {}", folder_.string()));
  }
  send_packet(control_.get(), "start");
  for (std::string packet = expect_packet(); packet != "started"; packet = expect_packet()) {
    if (packet.starts_with("exited ")) throw support::Failure(packet.substr(7));
  }
}

std::optional<RackProcesses::Ended> RackProcesses::next_event() {
  pollfd waiting{.fd = control_.get(), .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, 0) <= 0) return std::nullopt;
  const auto packet = receive_packet(control_.get());
  if (!packet) return Ended{"guardian", "was killed"};
  if (!packet->starts_with("exited ")) return std::nullopt;
  const auto space = packet->find(' ', 7);
  return Ended{packet->substr(7, space - 7), packet->substr(space + 1)};
}

void RackProcesses::stop() {
  send_packet(control_.get(), "stop");
  // A guardian that was killed took them all with it, and next_event() has told.
  for (auto packet = receive_packet(control_.get()); packet && *packet != "stopped";)
    packet = receive_packet(control_.get());
}

}  // namespace rack
