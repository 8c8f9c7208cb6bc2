// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tools/support/child.h"

namespace machines {

Process::Process(std::vector<std::string> arguments, std::filesystem::path log, const std::vector<int>& inherited)
    : log_(std::move(log)) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot start " + arguments[0]);
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it died before the line above
  const int output = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int nothing = open("/dev/null", O_RDONLY);
  if (dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(1);
  for (const int fd : inherited) fcntl(fd, F_SETFD, 0);
  execvp(pointers[0], pointers.data());
  dprintf(2, "cannot start %s\n", pointers[0]);
  _exit(127);
}

Process::~Process() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Process::running() {
  int status = 0;
  if (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = support::shell_status(status);
    pid_ = -1;
  }
  return pid_ > 0;
}

bool Process::wait(unsigned seconds) {
  for (unsigned tenths = 0; running() && tenths < 10 * seconds; ++tenths) usleep(100'000);
  return !running();
}

int Process::stop() {
  if (running()) kill(pid_, SIGTERM);
  if (!wait(10)) {
    kill(pid_, SIGKILL);
    wait(10);
  }
  return status_;
}

std::string Process::last_words() const {
  std::ifstream file(log_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  constexpr std::size_t some = 2000;
  return text.substr(text.size() > some ? text.size() - some : 0);
}

}  // namespace machines
