// SPDX-License-Identifier: Apache-2.0
// One operation after another, each timed by itself as perftest does it: a SEND or WRITE until the peer's own is here
// (twice the way), a READ until its data is. Nobody waits for the acknowledgements of what was sent.
#include <cstring>

#include "net/verbs_test/window.h"

namespace verbs_test {
namespace {

class Stopwatch {
 public:
  explicit Stopwatch(const TaskContext& context) : loop_(context.world->loop), begin_ns_(loop_.now_ns()) {}
  std::uint64_t ns() const { return loop_.now_ns() - begin_ns_; }

 private:
  base::EventLoop& loop_;
  std::uint64_t begin_ns_;
};

void finish_operation(const TaskContext& context, Samples& samples, const Stopwatch& watch) {
  samples.add(watch.ns());
  ++context.counts->messages;
  context.counts->bytes += context.request.size;
}

}  // namespace

base::Task<> timed_sends(TaskContext context) {
  Samples samples(context.slot->samples());
  Window window(context, static_cast<std::uint32_t>(receive_buffers(context) / 4) + 1);
  for (std::uint32_t i = 0; i < context.request.iterations; ++i) {
    CO_TRY_VOID(co_await window.room());
    const verbs::Sge sge = context.slot->sge(send_buffer(context, i));
    verbs::SendWorkRequest send;
    if (sge.length > 0) send.sg_list = std::span(&sge, 1);
    const Stopwatch watch(context);
    CO_TRY_VOID(window.post(send));
    CO_TRY(const verbs::WorkCompletion echo, co_await context.channel->received(context.deadline_ns));
    finish_operation(context, samples, watch);
    if (echo.byte_len != context.request.size) ++context.counts->mismatches;
    CO_TRY_VOID(post_receive_buffer(context, echo.wr_id));
  }
  CO_TRY_VOID(co_await window.settle());
  context.counts->times = samples.times();
  co_return {};
}

base::Task<> timed_writes(TaskContext context) {
  Samples samples(context.slot->samples());
  Window window(context, static_cast<std::uint32_t>(receive_buffers(context) / 4) + 1);
  const std::uint32_t size = context.request.size;
  const std::byte* watched = context.slot->exported().data() + size - 1;
  for (std::uint32_t count = 1; count <= context.request.iterations; ++count) {
    CO_TRY_VOID(co_await window.room());
    const std::span<std::byte> out = send_buffer(context, count);
    out[size - 1] = static_cast<std::byte>(count);
    const verbs::Sge sge = context.slot->sge(out);
    verbs::SendWorkRequest write;
    write.opcode = verbs::Opcode::RdmaWrite;
    write.sg_list = std::span(&sge, 1);
    write.remote_address = context.request.peer.address;
    write.rkey = context.request.peer.rkey;
    const Stopwatch watch(context);
    CO_TRY_VOID(window.post(write));
    CO_TRY_VOID(co_await watch_byte(context, watched, static_cast<std::uint8_t>(count)));
    finish_operation(context, samples, watch);
  }
  CO_TRY_VOID(co_await window.settle());
  context.counts->times = samples.times();
  co_return {};
}

base::Task<> timed_reads(TaskContext context) {
  Samples samples(context.slot->samples());
  for (std::uint32_t i = 0; i < context.request.iterations; ++i) {
    const verbs::Sge sge = context.slot->sge(send_buffer(context, i));
    verbs::SendWorkRequest read;
    read.opcode = verbs::Opcode::RdmaRead;
    if (sge.length > 0) read.sg_list = std::span(&sge, 1);
    read.remote_address = context.request.peer.address;
    read.rkey = context.request.peer.rkey;
    const Stopwatch watch(context);
    CO_TRY_VOID(context.channel->post_send(read));
    CO_TRY_VOID(co_await context.channel->sent(context.deadline_ns));
    finish_operation(context, samples, watch);
  }
  context.counts->times = samples.times();
  co_return {};
}

}  // namespace verbs_test
