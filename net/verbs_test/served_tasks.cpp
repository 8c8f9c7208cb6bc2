// SPDX-License-Identifier: Apache-2.0
// The tasks that answer a peer: see tasks.h.
#include "kernel/base/next_turn.h"
#include "net/verbs_test/window.h"

namespace verbs_test {

namespace {

constexpr std::uint64_t short_messages = 32;
constexpr std::uint64_t short_bytes = 2 * buffer_bytes / short_messages;

bool is_short(const TaskContext& context) { return context.message_bytes() <= short_bytes; }

}  // namespace

std::uint64_t receive_buffers(const TaskContext& context) { return is_short(context) ? short_messages : 2; }

std::span<std::byte> receive_buffer(const TaskContext& context, std::uint64_t which) {
  const std::size_t spacing = is_short(context) ? short_bytes : buffer_bytes;
  return context.slot->receives().subspan(which * spacing, context.message_bytes());
}

std::span<std::byte> send_buffer(const TaskContext& context, std::uint64_t which) {
  const std::uint64_t place = is_short(context) ? which % (short_messages / 2) : 0;
  return context.slot->local().subspan(place * short_bytes, context.request.size);
}

Result<> post_receive_buffer(const TaskContext& context, std::uint64_t which) {
  return context.channel->post_receive(which, context.slot->sge(receive_buffer(context, which)));
}

base::Task<> watch_byte(TaskContext context, const std::byte* place, std::uint8_t value) {
  const volatile std::byte* watched = place;
  while (*watched != std::byte{value}) {
    if (context.channel->stopped()) co_return base::fail(Error::Disconnected);
    if (context.world->loop.now_ns() >= context.deadline_ns) co_return base::fail(Error::TimedOut);
    co_await base::NextTurn(context.world->loop);
  }
  co_return {};
}

namespace {

// What goes back: the message itself, out of the buffer that it came into.
Result<> send_back(const TaskContext& context, Window& window, const verbs::WorkCompletion& message) {
  const bool write = message.opcode == verbs::CompletionOpcode::ReceiveRdmaWithImmediate;
  const std::uint32_t header = context.header_bytes();
  const std::size_t bytes = write ? 0 : message.byte_len - header;
  const verbs::Sge sge = context.slot->sge(receive_buffer(context, message.wr_id).subspan(header, bytes));
  verbs::SendWorkRequest send;
  send.wr_id = message.wr_id;
  send.opcode = message.has_immediate ? verbs::Opcode::SendWithImmediate : verbs::Opcode::Send;
  send.immediate = message.immediate;
  if (bytes > 0) send.sg_list = std::span(&sge, 1);
  if (context.datagrams()) {
    send.destination = message.source;
    send.destination_qpn = message.source_qp;
    send.qkey = datagram_qkey;
  }
  return window.post(send);
}

}  // namespace

base::Task<> echo_sends(TaskContext context) {
  Window window(context, static_cast<std::uint32_t>(receive_buffers(context) / 2), &post_receive_buffer);
  for (;;) {
    CO_TRY(const verbs::WorkCompletion message, co_await context.channel->received(context.deadline_ns));
    if (message.byte_len < context.header_bytes()) co_return base::fail(Error::Malformed);
    ++context.counts->messages;
    context.counts->bytes += message.byte_len;
    CO_TRY_VOID(send_back(context, window, message));
    CO_TRY_VOID(co_await window.room());
  }
}

base::Task<> sink_sends(TaskContext context) {
  for (;;) {
    CO_TRY(const verbs::WorkCompletion message, co_await context.channel->received(context.deadline_ns));
    ++context.counts->messages;
    context.counts->bytes += message.byte_len;
    CO_TRY_VOID(post_receive_buffer(context, message.wr_id));
  }
}

base::Task<> echo_writes(TaskContext context) {
  const std::uint32_t size = context.request.size;
  const std::byte* watched = context.slot->exported().data() + size - 1;
  Window window(context, static_cast<std::uint32_t>(receive_buffers(context) / 4) + 1);
  for (std::uint32_t count = 1; count <= context.request.iterations; ++count) {
    CO_TRY_VOID(co_await watch_byte(context, watched, static_cast<std::uint8_t>(count)));
    ++context.counts->messages;
    context.counts->bytes += size;
    CO_TRY_VOID(co_await window.room());
    const std::span<std::byte> out = send_buffer(context, count);
    out[size - 1] = static_cast<std::byte>(count);
    const verbs::Sge sge = context.slot->sge(out);
    verbs::SendWorkRequest write;
    write.opcode = verbs::Opcode::RdmaWrite;
    write.sg_list = std::span(&sge, 1);
    write.remote_address = context.request.peer.address;
    write.rkey = context.request.peer.rkey;
    CO_TRY_VOID(window.post(write));
  }
  co_return co_await window.settle();
}

}  // namespace verbs_test
