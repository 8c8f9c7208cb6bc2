// SPDX-License-Identifier: Apache-2.0
// Starting and reading QEMU.
#include "tests/rack/harness/qemu.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace harness {

Qemu::Qemu(const std::string& image, const std::vector<std::string>& options) {
  std::vector<std::string> words = {"qemu-system-x86_64",
                                    "-accel",
                                    "tcg,thread=multi",
                                    "-cpu",
                                    "max",
                                    "-nodefaults",
                                    "-no-reboot",
                                    "-display",
                                    "none",
                                    "-m",
                                    "192",
                                    "-serial",
                                    "stdio",
                                    "-kernel",
                                    image};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  output_ = support::Fd(ends[0]);
}

Qemu::~Qemu() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Qemu::read_some(int timeout_ms) {
  pollfd wanted{output_.get(), POLLIN, 0};
  if (poll(&wanted, 1, timeout_ms) <= 0) return false;
  char buffer[4096];
  const ssize_t count = read(output_.get(), buffer, sizeof buffer);
  if (count <= 0) return false;
  console_.append(buffer, static_cast<std::size_t>(count));
  return true;
}

bool Qemu::wait_for(const std::string& text, unsigned seconds) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  while (!said(text)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0 || said("panic:") || !read_some(static_cast<int>(left))) return false;
  }
  return true;
}

double Qemu::cpu_seconds() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 2));  // from the state on, field 3
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace harness
