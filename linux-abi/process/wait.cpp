// SPDX-License-Identifier: Apache-2.0
// Waiting for children: see wait.h.
#include "linux-abi/process/wait.h"

#include <algorithm>

#include "kernel/base/memory.h"
#include "linux-abi/process/exit.h"
#include "processor/address_space.h"

namespace linux_abi {
namespace {

bool matches(const Thread& waiter, const Process& child, const WaitRequest& request) {
  const bool clone_child = child.exit_signal != sig::chld;
  if (!request.all_kinds && clone_child != request.clone_only) return false;
  switch (request.whom) {
    case WaitFor::Any:
      return true;
    case WaitFor::Pid:
      return child.pid() == request.number;
    case WaitFor::Group:
      return child.group->pid == (request.number == 0 ? waiter.process().group->pid : request.number);
  }
  return false;
}

struct Look {
  bool any_child = false;
  bool found = false;
  WaitResult result;
  processor::Reference<processor::AddressSpace> space;  // of one that has not ended; let go of without the lock
  Process* to_delete = nullptr;
};

bool reports_change(const Process& child, const WaitRequest& request) {
  return (child.reported.code == sig::code::cld_stopped && request.stopped) ||
         (child.reported.code == sig::code::cld_continued && request.continued);
}

Look look_locked(Thread& waiter, const WaitRequest& request) {
  Look look;
  for (Process& child : waiter.process().children) {
    if (!matches(waiter, child, request)) continue;
    look.any_child = true;
    const bool ended = child.state == ProcessState::Zombie && request.exited;
    if (!ended && !reports_change(child, request)) continue;
    look.found = true;
    look.result.pid = child.pid();
    look.result.status = ended ? child.ended : child.reported;
    look.result.times = child.ended_threads_times;
    look.result.times.add(child.children_times);
    look.result.most_resident = std::max(child.most_resident, child.children_most_resident);
    look.space = child.share_space();
    if (request.keep) return look;
    if (!ended) {
      child.reported = {};
    } else {
      // Only who was waited for counts among the children.
      waiter.process().children_times.add(look.result.times);
      std::uint64_t& most = waiter.process().children_most_resident;
      most = std::max(most, look.result.most_resident);
      if (reap_locked(child)) look.to_delete = &child;
    }
    return look;
  }
  return look;
}

}  // namespace

Answer<WaitResult> wait_for_child(Thread& thread, const WaitRequest& request) {
  Look look;
  const auto ready = [&] {
    look = look_locked(thread, request);
    return look.found || !look.any_child || request.no_hang;
  };
  const Answer<> waited = wait_until(thread, tasks_lock, thread.process().child_events, base::never_ns, ready);
  base::Own<Process>(look.to_delete).reset();
  if (!waited) return std::unexpected(waited.error());
  if (!look.any_child) return error(ECHILD);
  if (look.space)
    look.result.most_resident = std::max(look.result.most_resident, processor::usage(*look.space).most_resident);
  return look.result;
}

}  // namespace linux_abi
