// SPDX-License-Identifier: Apache-2.0
// Programs of the guest: see child_program.h.
#include "tests/interop/verbs_peer/child_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/interop/verbs_peer/rdma.h"

namespace verbs_peer {

ChildProgram::ChildProgram(std::vector<std::string> arguments)
    : log_("/run/verbs_peer." + std::to_string(getpid()) + ".log") {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) fail_errno("fork");
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
  if (dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(126);
  execvp(pointers[0], pointers.data());
  _exit(127);
}

ChildProgram::~ChildProgram() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool ChildProgram::running() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return !status_;
}

std::optional<int> ChildProgram::wait(std::chrono::seconds patience) {
  const auto deadline = Clock::now() + patience;
  while (running() && Clock::now() < deadline) usleep(2000);
  return status_;
}

std::string ChildProgram::output() const {
  std::ifstream file(log_);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace verbs_peer
