// SPDX-License-Identifier: Apache-2.0
// membarrier(2): every core that runs a thread of the process, or of any that could share memory with it, passes a full
// barrier.
// That is what a shootdown of its translations does: an interrupt on each of them, which is waited for, and a reload of
// CR3 on this one, which like the return from an interrupt serialises what is fetched as well (SYNC_CORE).
#include <linux/membarrier.h>

#include "linux-abi/calls/calls_system.h"
#include "processor/address_space.h"

namespace linux_abi::calls {
namespace {

constexpr std::uint32_t registrations =
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE |
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
constexpr std::uint32_t offered = MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
                                  MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | MEMBARRIER_CMD_GLOBAL |
                                  MEMBARRIER_CMD_GLOBAL_EXPEDITED | registrations;

// Who can share memory with the caller: the processes of its vNode, registered or not.
Answer<> barrier_everywhere(Call& call) {
  base::Array<processor::Reference<processor::AddressSpace>> spaces;
  {
    const base::SpinGuard guard(tasks_lock);
    Pids& pids = call.process().vnode().pids;
    for (PidEntry* entry = pids.next(0); entry != nullptr; entry = pids.next(entry->pid + 1)) {
      if (entry->process == nullptr) continue;
      auto space = entry->process->share_space();
      if (space) TRY(spaces.push_back(std::move(space)));
    }
  }
  for (const auto& space : spaces) processor::synchronize_cores(*space);
  return {};
}

// What has to be registered for a command.
std::uint32_t registration_of(int command) {
  switch (command) {
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
      return MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
      return MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;
    default:
      return MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
  }
}

// Restartable sequences that others are in start over: those of all cores, whichever was asked for.
void interrupt_sequences(Call& call) {
  call.process().for_each_thread([&](processor::Thread& thread) {
    if (&thread != &call.thread) thread.kernel_thread().may_have_been_switched();
  });
}

}  // namespace

Answer<std::uint64_t> membarrier(Call& call) {
  const int command = Call::as_int(call.a());
  const auto flags = static_cast<std::uint32_t>(call.b());
  const bool for_one_core =
      command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ && flags == std::uint32_t{MEMBARRIER_CMD_FLAG_CPU};
  if (flags != 0 && !for_one_core) return error(EINVAL);
  std::atomic<std::uint32_t>& registered = call.process().barriers;
  switch (command) {
    case MEMBARRIER_CMD_QUERY:
      return std::uint64_t{offered};
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
      TRY(barrier_everywhere(call));
      return std::uint64_t{0};
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
      registered.fetch_or(static_cast<std::uint32_t>(command), std::memory_order_relaxed);
      return std::uint64_t{0};
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
      if ((registered.load(std::memory_order_relaxed) & registration_of(command)) == 0) return error(EPERM);
      if (command == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) interrupt_sequences(call);
      call.thread.kernel_thread().address_space()->shoot_down_all();
      return std::uint64_t{0};
    default:
      return error(EINVAL);
  }
}

}  // namespace linux_abi::calls
