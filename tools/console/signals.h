// SPDX-License-Identifier: Apache-2.0
// The signals that lego acts on, as events of its loop, and what they mean: a SIGINT is for the program, a third within
// two seconds, a SIGTERM or a SIGHUP ends the rack.
#pragma once

#include <signal.h>

#include <array>
#include <cstdint>
#include <optional>

#include "tools/support/fd.h"

namespace console {

// Blocks the signals for this thread and those it starts; children must unblock them.
class SignalSource {
 public:
  SignalSource();
  int fd() const { return fd_.get(); }
  std::optional<int> next();

 private:
  support::Fd fd_;
};

class InterruptPolicy {
 public:
  enum class Action { Forward, EndRack };
  // What a SIGINT at this time means.
  Action interrupted(std::uint64_t now_ns);

 private:
  std::array<std::uint64_t, 2> last_ns_{};
  unsigned count_ = 0;
};

}  // namespace console
