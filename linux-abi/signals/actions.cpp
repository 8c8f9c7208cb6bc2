// SPDX-License-Identifier: Apache-2.0
// What a process does about each signal: see actions.h. Default actions: signal(7).
#include "linux-abi/signals/actions.h"

namespace linux_abi {

DefaultAction default_action(int signal) {
  switch (signal) {
    case sig::chld:
    case sig::urg:
    case sig::winch:
      return DefaultAction::Ignore;
    case sig::cont:
      return DefaultAction::Continue;
    case sig::stop:
    case sig::tstp:
    case sig::ttin:
    case sig::ttou:
      return DefaultAction::Stop;
    case sig::quit:
    case sig::ill:
    case sig::abrt:
    case sig::fpe:
    case sig::segv:
    case sig::bus:
    case sig::sys:
    case sig::trap:
    case sig::xcpu:
    case sig::xfsz:
      return DefaultAction::DumpCore;
    default:
      return DefaultAction::Terminate;
  }
}

bool SignalActions::ignores(int signal) const {
  const SignalAction& action = of(signal);
  if (action.handler == SignalAction::ignored) return true;
  return action.handler == SignalAction::by_default && default_action(signal) == DefaultAction::Ignore;
}

void SignalActions::reset_handlers() {
  for (SignalAction& action : actions_) {
    const bool keep = action.handler == SignalAction::ignored;
    action = SignalAction{.handler = keep ? SignalAction::ignored : SignalAction::by_default};
  }
}

void SignalActions::reset_all() { actions_.fill({}); }

}  // namespace linux_abi
