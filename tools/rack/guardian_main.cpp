// SPDX-License-Identifier: Apache-2.0
// rack_guardian CONTROL_FD TERMINAL_FD PARENT_FOLDER: started by lego, see guardian.h. TERMINAL_FD is -1 without one.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "tools/rack/control.h"
#include "tools/rack/guardian.h"

namespace {

support::Fd owned(const char* number) {
  const int fd = atoi(number);
  if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return support::Fd(fd);
}

}  // namespace

int main(int count, char** values) {
  if (count != 4) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGTTOU, SIG_IGN);
  support::Fd control = owned(values[1]);
  const int control_fd = control.get();
  try {
    rack::Guardian guardian(std::move(control), owned(values[2]), values[3]);
    guardian.run();
  } catch (const std::exception& error) {
    rack::send_packet(control_fd, fmt::format("failed {}", error.what()));
    return 1;
  }
  return 0;
}
