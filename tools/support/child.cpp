// SPDX-License-Identifier: Apache-2.0
// posix_spawn of helper programs. The input of run_captured goes through an unlinked temporary file, so that no pipe
// can fill up while the other is read.
#include "tools/support/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "tools/support/failure.h"
#include "tools/support/fd.h"

namespace support {
namespace {

pid_t spawn(const Arguments& arguments, const posix_spawn_file_actions_t* actions) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, pointers[0], actions, nullptr, pointers.data(), environ);
  if (error != 0) throw Failure(fmt::format("cannot start {}: {}", arguments[0], strerror(error)));
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw Failure(fmt::format("waitpid: {}", strerror(errno)));
  }
  return shell_status(status);
}

Fd memory_file(const std::string& content) {
  Fd file(memfd_create("input", MFD_CLOEXEC));
  if (!file || write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      lseek(file.get(), 0, SEEK_SET) != 0) {
    throw Failure(fmt::format("cannot keep {} bytes of input: {}", content.size(), strerror(errno)));
  }
  return file;
}

}  // namespace

int shell_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int run_attached(const Arguments& arguments) { return wait_for(spawn(arguments, nullptr)); }

Finished run_captured(const Arguments& arguments, const std::string& input) {
  const Fd in = memory_file(input);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Failure(fmt::format("pipe: {}", strerror(errno)));
  Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, write_end.get(), 2);
  pid_t pid = -1;
  try {
    pid = spawn(arguments, &actions);
  } catch (...) {
    posix_spawn_file_actions_destroy(&actions);
    throw;
  }
  posix_spawn_file_actions_destroy(&actions);
  write_end.reset();
  Finished finished{};
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = read(read_end.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    finished.output.append(buffer.data(), static_cast<std::size_t>(got));
  }
  finished.status = wait_for(pid);
  return finished;
}

std::filesystem::path build_folder() {
  // BUILD/tools/command/lego
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().parent_path();
}

}  // namespace support
