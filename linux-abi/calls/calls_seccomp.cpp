// SPDX-License-Identifier: Apache-2.0
// seccomp(2), and prctl's older way to the same: see process/call_filters.h.
#include <linux/seccomp.h>

#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "kernel/base/memory.h"
#include "linux-abi/calls/calls_process.h"

namespace linux_abi::calls {
namespace {

using Mode = CallFilters::Mode;
using FilterReference = processor::Reference<CallFilter>;

constexpr std::size_t most_instructions = 32768;  // MAX_INSNS_PER_PATH
constexpr std::size_t overhead = 4;               // that Linux counts for each filter

Answer<std::uint64_t> be_strict(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  CallFilters& own = call.thread.filters;
  if (own.mode == Mode::Filter) return error(EINVAL);
  own.mode = Mode::Strict;
  return std::uint64_t{0};
}

// struct sock_fprog
struct UserProgram {
  std::uint16_t count;
  std::uint16_t padding[3];
  std::uint64_t instructions;
};

// In Linux's order: where the program is, how long it is, whether the caller may, what it is.
Answer<FilterReference> read_filter(Call& call, std::uint64_t address) {
  const UserProgram given = TRY(arch::UserIn<UserProgram>(address).read());
  if (given.count == 0 || given.count > max_filter_instructions) return error(EINVAL);
  if (call.thread.no_new_privileges == 0 && !call.thread.user.may(Capability::Administration)) return error(EACCES);
  if (given.instructions == 0) return error(EINVAL);
  auto filter = base::make<CallFilter>();
  if (!filter) return error(ENOMEM);
  TRY(filter->program.resize(given.count));
  TRY(arch::UserIn<FilterInstruction>(given.instructions).read_array(filter->program.span()));
  TRY(check_filter(filter->program.span()));
  return FilterReference(*filter.release());
}

// Whether all that `thread` has is among what the caller has.
bool is_ancestor(const CallFilters& thread, const CallFilter* newest) {
  if (thread.mode == Mode::None) return true;
  if (thread.mode == Mode::Strict) return false;
  while (newest != nullptr && newest != thread.newest.get()) newest = newest->older.get();
  return newest != nullptr;
}

// A thread that could not follow; nullptr: all can.
Thread* find_astray_locked(Call& call) {
  Thread* astray = nullptr;
  call.process().for_each_thread([&](processor::Thread& each) {
    auto& thread = static_cast<Thread&>(each);
    if (!is_ancestor(thread.filters, call.thread.filters.newest.get())) astray = &thread;
  });
  return astray;
}

Answer<std::uint64_t> add_filter(Call& call, std::uint64_t flags, std::uint64_t address) {
  constexpr std::uint64_t to_all = SECCOMP_FILTER_FLAG_TSYNC, astray_is_error = SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  constexpr std::uint64_t known = to_all | astray_is_error | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  if ((flags & ~known) != 0) return error(EINVAL);
  FilterReference filter = TRY(read_filter(call, address));
  const base::SpinGuard guard(tasks_lock);
  CallFilters& own = call.thread.filters;
  if (own.mode == Mode::Strict) return error(EINVAL);
  const std::size_t before = own.newest ? own.newest->instructions + overhead : 0;
  filter->instructions = before + filter->program.size();
  if (filter->instructions > most_instructions) return error(ENOMEM);
  if ((flags & to_all) != 0)
    if (const Thread* astray = find_astray_locked(call))
      return (flags & astray_is_error) != 0 ? error(ESRCH)
                                            : Answer<std::uint64_t>(static_cast<std::uint64_t>(astray->tid()));
  filter->older = own.newest;
  own.newest = filter;
  own.mode = Mode::Filter;
  if ((flags & to_all) != 0)
    call.process().for_each_thread([&](processor::Thread& each) {
      auto& thread = static_cast<Thread&>(each);
      // The old one is kept by the new one: nothing ends here.
      thread.filters = call.thread.filters;
      if (call.thread.no_new_privileges != 0) thread.no_new_privileges = 1;
    });
  return std::uint64_t{0};
}

Answer<std::uint64_t> is_available(std::uint64_t address) {
  const std::uint32_t action = TRY(arch::UserIn<std::uint32_t>(address).read());
  switch (action) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW:
      return std::uint64_t{0};
    default:
      return error(EOPNOTSUPP);
  }
}

}  // namespace

Answer<std::uint64_t> seccomp(Call& call) {
  const std::uint64_t flags = call.b() & 0xffffffff;
  switch (call.a() & 0xffffffff) {
    case SECCOMP_SET_MODE_STRICT:
      return flags != 0 || call.c() != 0 ? error(EINVAL) : be_strict(call);
    case SECCOMP_SET_MODE_FILTER:
      return add_filter(call, flags, call.c());
    case SECCOMP_GET_ACTION_AVAIL:
      return flags != 0 ? error(EINVAL) : is_available(call.c());
    default:
      return error(EINVAL);
  }
}

Answer<std::uint64_t> set_filters(Call& call) {
  if (call.b() == SECCOMP_MODE_STRICT) return be_strict(call);
  return call.b() == SECCOMP_MODE_FILTER ? add_filter(call, 0, call.c()) : error(EINVAL);
}

}  // namespace linux_abi::calls
