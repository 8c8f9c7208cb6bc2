// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls that wait for files, and of those that make files to wait for.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> poll(Call& call);
Answer<std::uint64_t> ppoll(Call& call);
Answer<std::uint64_t> select(Call& call);
Answer<std::uint64_t> pselect6(Call& call);
Answer<std::uint64_t> inotify_init(Call& call);
Answer<std::uint64_t> inotify_init1(Call& call);
Answer<std::uint64_t> inotify_add_watch(Call& call);
Answer<std::uint64_t> inotify_rm_watch(Call& call);
Answer<std::uint64_t> epoll_create(Call& call);
Answer<std::uint64_t> epoll_create1(Call& call);
Answer<std::uint64_t> epoll_ctl(Call& call);
Answer<std::uint64_t> epoll_wait(Call& call);
Answer<std::uint64_t> epoll_pwait(Call& call);
Answer<std::uint64_t> epoll_pwait2(Call& call);
Answer<std::uint64_t> eventfd(Call& call);
Answer<std::uint64_t> eventfd2(Call& call);
Answer<std::uint64_t> signalfd(Call& call);
Answer<std::uint64_t> signalfd4(Call& call);
Answer<std::uint64_t> timerfd_create(Call& call);
Answer<std::uint64_t> timerfd_settime(Call& call);
Answer<std::uint64_t> timerfd_gettime(Call& call);

}  // namespace linux_abi::calls
