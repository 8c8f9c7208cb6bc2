// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about signals.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

// What a signal by kill(2) and the like says of its sender.
SignalInformation signal_from_user(const Call& call, int signal, int code);

Answer<std::uint64_t> rt_sigaction(Call& call);
Answer<std::uint64_t> rt_sigprocmask(Call& call);
Answer<std::uint64_t> rt_sigpending(Call& call);
Answer<std::uint64_t> rt_sigsuspend(Call& call);
Answer<std::uint64_t> rt_sigtimedwait(Call& call);
Answer<std::uint64_t> rt_sigqueueinfo(Call& call);
Answer<std::uint64_t> rt_tgsigqueueinfo(Call& call);
Answer<std::uint64_t> rt_sigreturn(Call& call);
Answer<std::uint64_t> sigaltstack(Call& call);
Answer<std::uint64_t> pause(Call& call);
Answer<std::uint64_t> kill(Call& call);
Answer<std::uint64_t> tkill(Call& call);
Answer<std::uint64_t> tgkill(Call& call);

}  // namespace linux_abi::calls
