// SPDX-License-Identifier: Apache-2.0
// Requests about files from a thread to its home: see home_call.h.
#include "linux-abi/files/home_call.h"

#include <atomic>
#include <cstring>

#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/waiter.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "processor/requests.h"
#include "processor/thread_sleeper.h"

namespace linux_abi {
namespace {

constexpr std::size_t pool_buffers = 8;
// Long enough for a slow disk; a home that is dead is told by the managers sooner.
constexpr std::uint64_t request_timeout_ns = 120 * base::second_ns;

rpc::Endpoint* home_endpoint = nullptr;
base::Own<verbs::MemoryRegion> pool_region;
base::SpinLock pool_lock{base::LockRank::Poll};  // guards all below
base::Array<BulkBuffer> free_buffers;
base::WaitQueue buffer_waiters;

// Empty: there is none, and the sleeper will be woken when there is one again.
BulkBuffer try_take_buffer(processor::Sleeper& sleeper) {
  const base::SpinGuard guard(pool_lock);
  sleeper.unlink();  // of the last time
  if (free_buffers.empty()) {
    buffer_waiters.add(sleeper);
    return {};
  }
  const BulkBuffer buffer = free_buffers.back();
  free_buffers.pop_back();
  return buffer;
}

void stop_waiting_for_buffer(processor::Sleeper& sleeper) {
  const base::SpinGuard guard(pool_lock);
  if (!sleeper.is_linked() && !free_buffers.empty()) buffer_waiters.wake_one();  // what woke it is another's now
  sleeper.unlink();
}

// EINTR: the thread is being killed.
Answer<BulkBuffer> take_buffer(processor::Sleeper& sleeper) {
  while (true) {
    if (const BulkBuffer buffer = try_take_buffer(sleeper); buffer.memory != nullptr) return buffer;
    if (sleeper.sleep()) continue;
    stop_waiting_for_buffer(sleeper);
    return error(EINTR);
  }
}

void give_buffer(BulkBuffer buffer) {
  if (buffer.memory == nullptr) return;
  const base::SpinGuard guard(pool_lock);
  LEGO_ASSERT(free_buffers.push_back(buffer).has_value());  // it came from here, so there is room
  buffer_waiters.wake_one();
}

// What a request names, until both the request and the thread are done with it.
class RequestMemory final : public rpc::MemoryHold {
 public:
  base::Array<std::byte> tail;
  BulkBuffer bulk;

  void memory_free() override { drop(); }
  void drop() {
    if (parties_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;  // the later one sees all that happened
    give_buffer(std::exchange(bulk, {}));
    base::Own<RequestMemory>(this).reset();
  }

 private:
  std::atomic<int> parties_{2};
};

Answer<RequestMemory*> memory_for(std::span<const std::byte> tail, WithBulk bulk, processor::Sleeper& sleeper) {
  auto memory = base::make<RequestMemory>();
  if (!memory) return error(ENOMEM);
  TRY(memory->tail.append(tail));
  if (bulk == WithBulk::Yes) memory->bulk = TRY(take_buffer(sleeper));
  return memory.release();
}

// What the home may do although nobody waits for it: names and attributes that are remembered here would then be wrong.
bool is_change(messages::Operation operation) {
  using messages::Operation;
  switch (operation) {
    case Operation::FileSetAttributes:
    case Operation::FileCreate:
    case Operation::FileUnlink:
    case Operation::FileRename:
    case Operation::FileLink:
    case Operation::FileWrite:
    case Operation::FileReserve:
    case Operation::FileSetXattr:
    case Operation::FilePunch:
      return true;
    default:
      return false;
  }
}

}  // namespace

base::Result<> start_home_calls(rpc::Endpoint& endpoint, verbs::ProtectionDomain& domain) {
  home_endpoint = &endpoint;
  constexpr std::uint64_t bytes = pool_buffers * BulkBuffer::bytes;
  const base::PhysAddr frames =
      TRY(kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Kernel, bytes / base::page_bytes));
  std::byte* memory = kernel::direct_map(frames);
  pool_region = TRY(domain.register_memory(reinterpret_cast<std::uint64_t>(memory), bytes,
                                           verbs::Access::LocalWrite | verbs::Access::RemoteWrite));
  for (std::size_t i = 0; i < pool_buffers; ++i)
    TRY(free_buffers.push_back({memory + i * BulkBuffer::bytes, pool_region->rkey()}));
  return {};
}

HomeReply::~HomeReply() { give_buffer(bulk_); }

Answer<HomeReply> send_home(const FileHome& home, messages::Operation operation, std::span<const std::byte> body,
                            std::span<const std::byte> tail, WithBulk bulk, processor::Sleeper& sleeper) {
  rpc::Peer* peer = TRY(home_endpoint->peer(home.memory));
  RequestMemory* memory = TRY(memory_for(tail, bulk, sleeper));
  processor::ThreadSleeper to_the_end(threads::Interruptible::Never);
  processor::Sleeper& waiting = is_change(operation) ? to_the_end : sleeper;
  const auto created = rpc::WaitedCall::create(waiting, memory);
  if (!created) {
    memory->drop();
    memory->drop();
    return std::unexpected(Errno(created.error()));
  }
  rpc::WaitedCall& call = **created;
  call.set_body_bytes(operation, body);
  call.request.copied_tail = memory->tail.span();
  if (bulk == WithBulk::Yes)
    call.request.bulk = {reinterpret_cast<std::uint64_t>(memory->bulk.memory), memory->bulk.rkey, BulkBuffer::bytes};
  call.request.vnode = home.vnode;
  call.request.deadline_ns = sleeper.now_ns() + request_timeout_ns;
  const std::uint64_t began_ns = sleeper.now_ns();
  call.start(*peer);
  bool killed = false;
  while (!call.done()) {
    if (waiting.sleep() || killed) continue;
    killed = true;
    call.abandon();
  }
  auto reply = call.take();
  call.drop();
  processor::report_request(home.memory, operation, body.size() + tail.size(), reply, sleeper.now_ns() - began_ns);
  if (!reply) {
    memory->drop();
    return std::unexpected(Errno(reply.error()));
  }
  BulkBuffer filled = std::exchange(memory->bulk, {});
  memory->drop();
  return HomeReply(std::move(*reply), filled);
}

}  // namespace linux_abi
