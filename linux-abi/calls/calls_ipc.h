// SPDX-License-Identifier: Apache-2.0
// Handlers of System V's calls (semaphores, message queues, shared memory) and of POSIX message queues.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> semget(Call& call);
Answer<std::uint64_t> semop(Call& call);
Answer<std::uint64_t> semtimedop(Call& call);
Answer<std::uint64_t> semctl(Call& call);
Answer<std::uint64_t> msgget(Call& call);
Answer<std::uint64_t> msgsnd(Call& call);
Answer<std::uint64_t> msgrcv(Call& call);
Answer<std::uint64_t> msgctl(Call& call);
Answer<std::uint64_t> mq_open(Call& call);
Answer<std::uint64_t> mq_unlink(Call& call);
Answer<std::uint64_t> mq_timedsend(Call& call);
Answer<std::uint64_t> mq_timedreceive(Call& call);
Answer<std::uint64_t> mq_notify(Call& call);
Answer<std::uint64_t> mq_getsetattr(Call& call);
Answer<std::uint64_t> shmget(Call& call);
Answer<std::uint64_t> shmat(Call& call);
Answer<std::uint64_t> shmdt(Call& call);
Answer<std::uint64_t> shmctl(Call& call);

}  // namespace linux_abi::calls
