// SPDX-License-Identifier: Apache-2.0
#include "tools/console/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

#include "kernel/base/clock.h"

namespace console {

SignalSource::SignalSource() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  fd_ = support::Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::optional<int> SignalSource::next() {
  signalfd_siginfo info;
  if (read(fd_.get(), &info, sizeof(info)) != sizeof(info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

InterruptPolicy::Action InterruptPolicy::interrupted(std::uint64_t now_ns) {
  const std::uint64_t first_ns = last_ns_[0];
  last_ns_ = {last_ns_[1], now_ns};
  count_ = std::min(count_ + 1, 3u);
  return count_ == 3 && now_ns - first_ns <= 2 * base::second_ns ? Action::EndRack : Action::Forward;
}

}  // namespace console
