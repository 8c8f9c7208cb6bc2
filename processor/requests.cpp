// SPDX-License-Identifier: Apache-2.0
// Requests of threads: see requests.h.
#include "processor/requests.h"

#include "net/rpc/waited_call.h"
#include "processor/thread_sleeper.h"

namespace processor {

base::Result<rpc::Reply> send(MemoryHome& home, messages::Operation operation, std::span<const std::byte> body) {
  ThreadSleeper sleeper(threads::Interruptible::Never);
  rpc::WaitedCall& call = *TRY(rpc::WaitedCall::create(sleeper, nullptr));
  call.set_body_bytes(operation, body);
  call.request.vnode = home.vnode();
  call.start(home.peer());
  while (!call.done()) sleeper.sleep();
  auto reply = call.take();
  call.drop();
  return reply;
}

void wait_before_retry() {
  constexpr std::uint64_t retry_after_ns = 5'000'000;
  (void)threads::sleep_until(threads::clock().now_ns() + retry_after_ns, threads::Interruptible::Never);
}

}  // namespace processor
