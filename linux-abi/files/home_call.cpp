// SPDX-License-Identifier: Apache-2.0
// Requests about files from a thread to its home: see home_call.h.
#include "linux-abi/files/home_call.h"

#include <atomic>
#include <cstring>

#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "processor/requests.h"

namespace linux_abi {
namespace {

constexpr std::size_t pool_buffers = 8;
// Long enough for a slow disk; a home that is dead is told by the managers sooner.
constexpr std::uint64_t request_timeout_ns = 120 * base::second_ns;

rpc::Endpoint* home_endpoint = nullptr;
base::Own<verbs::MemoryRegion> pool_region;
base::SpinLock pool_lock{base::LockRank::Poll};  // guards free_buffers
base::Array<BulkBuffer> free_buffers;

BulkBuffer take_buffer() {
  const base::SpinGuard guard(pool_lock);
  if (free_buffers.empty()) return {};
  const BulkBuffer buffer = free_buffers.back();
  free_buffers.pop_back();
  return buffer;
}

void give_buffer(BulkBuffer buffer) {
  if (buffer.memory == nullptr) return;
  const base::SpinGuard guard(pool_lock);
  LEGO_ASSERT(free_buffers.push_back(buffer).has_value());  // it came from here, so there is room
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

Answer<RequestMemory*> memory_for(std::span<const std::byte> tail, WithBulk bulk) {
  auto memory = base::make<RequestMemory>();
  if (!memory) return error(ENOMEM);
  TRY(memory->tail.append(tail));
  if (bulk == WithBulk::Yes) {
    memory->bulk = take_buffer();
    if (memory->bulk.memory == nullptr) return error(ENOMEM);
  }
  return memory.release();
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
  RequestMemory* memory = TRY(memory_for(tail, bulk));
  const auto created = rpc::WaitedCall::create(sleeper, memory);
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
    if (sleeper.sleep() || killed) continue;
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
