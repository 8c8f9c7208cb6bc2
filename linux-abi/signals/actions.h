// SPDX-License-Identifier: Apache-2.0
// What a process does about each signal (sigaction), shared by its threads and by CLONE_SIGHAND. Not locked.
#pragma once

#include <array>
#include <cstdint>

#include "linux-abi/signals/numbers.h"

namespace linux_abi {

// As the kernel's struct sigaction of the x86-64 ABI, which rt_sigaction takes.
struct SignalAction {
  std::uint64_t handler = 0;  // SIG_DFL 0, SIG_IGN 1, or an address
  std::uint64_t flags = 0;
  std::uint64_t restorer = 0;
  std::uint64_t mask = 0;

  static constexpr std::uint64_t by_default = 0;
  static constexpr std::uint64_t ignored = 1;
  bool has_handler() const { return handler != by_default && handler != ignored; }
};
static_assert(sizeof(SignalAction) == 32);

enum class DefaultAction : std::uint8_t { Terminate, DumpCore, Ignore, Stop, Continue };
DefaultAction default_action(int signal);

class SignalActions {
 public:
  const SignalAction& of(int signal) const { return actions_[static_cast<std::size_t>(signal - 1)]; }
  void set(int signal, const SignalAction& action) { actions_[static_cast<std::size_t>(signal - 1)] = action; }
  // Nothing happens when it comes.
  bool ignores(int signal) const;
  // execve: handlers go back to the default, ignored signals stay ignored.
  void reset_handlers();
  // CLONE_CLEAR_SIGHAND.
  void reset_all();

 private:
  std::array<SignalAction, max_signal> actions_{};
};

}  // namespace linux_abi
