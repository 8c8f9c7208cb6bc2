// SPDX-License-Identifier: Apache-2.0
// Requests of threads: see requests.h.
#include "processor/requests.h"

#include "net/rpc/waited_call.h"
#include "processor/thread_sleeper.h"
#include "processor/trace.h"

namespace processor {

void report_request(const rpc::NodeAddress& to, messages::Operation operation, std::uint64_t bytes_out,
                    const base::Result<rpc::Reply>& reply, std::uint64_t took_ns) {
  Thread* thread = traced_thread(Traced::Requests);
  if (thread == nullptr) return;
  RequestReport made{.operation = operation, .to = to, .bytes_out = bytes_out, .took_ns = took_ns};
  if (reply)
    made.bytes_in = reply->body().size() + reply->tail().size() + reply->bulk_bytes();
  else
    made.error = reply.error();
  report(*thread, made);
}

base::Result<rpc::Reply> send(MemoryHome& home, messages::Operation operation, std::span<const std::byte> body) {
  ThreadSleeper sleeper(threads::Interruptible::Never);
  rpc::WaitedCall& call = *TRY(rpc::WaitedCall::create(sleeper, nullptr));
  call.set_body_bytes(operation, body);
  call.request.vnode = home.vnode();
  const std::uint64_t began_ns = sleeper.now_ns();
  call.start(home.peer());
  while (!call.done()) sleeper.sleep();
  auto reply = call.take();
  call.drop();
  report_request(home.peer().address(), operation, body.size(), reply, sleeper.now_ns() - began_ns);
  return reply;
}

void wait_before_retry() {
  constexpr std::uint64_t retry_after_ns = 5'000'000;
  (void)threads::sleep_until(threads::clock().now_ns() + retry_after_ns, threads::Interruptible::Never);
}

}  // namespace processor
