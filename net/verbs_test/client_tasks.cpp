// SPDX-License-Identifier: Apache-2.0
// The tasks that ask a peer: see tasks.h. One request at a time, except that Sends, and Reads and Writes that nobody
// verifies, keep `depth` of them going, as the bandwidth programs do.
#include <algorithm>
#include <cstring>

#include "net/verbs_test/pattern.h"
#include "net/verbs_test/tasks.h"

namespace verbs_test {
namespace {

// A request to the peer's exported memory, of the task's size.
verbs::SendWorkRequest remote_request(const TaskContext& context, verbs::Opcode opcode) {
  verbs::SendWorkRequest request;
  request.opcode = opcode;
  request.remote_address = context.request.peer.address;
  request.rkey = context.request.peer.rkey;
  return request;
}

// The list of one piece; empty for no bytes.
std::span<const verbs::Sge> list_of(const verbs::Sge& sge) { return {&sge, sge.length > 0 ? 1u : 0u}; }

void count_message(const TaskContext& context) {
  ++context.counts->messages;
  context.counts->bytes += context.request.size;
}

base::Task<> request_and_wait(TaskContext context, verbs::SendWorkRequest request, verbs::Sge sge) {
  request.sg_list = list_of(sge);
  CO_TRY_VOID(context.channel->post_send(request));
  CO_TRY_VOID(co_await context.channel->sent(context.deadline_ns));
  co_return {};
}

// Reads the peer's memory into our exported memory, which no task of this side lets anybody else use.
base::Task<> read_into_exported(TaskContext context) {
  const std::span<std::byte> target = context.slot->exported().first(context.request.size);
  std::fill(target.begin(), target.end(), std::byte{0xee});
  const auto read = remote_request(context, verbs::Opcode::RdmaRead);
  CO_TRY_VOID(co_await request_and_wait(context, read, context.slot->sge(target)));
  co_return {};
}

base::Task<> many(TaskContext context, verbs::Opcode opcode) {
  const verbs::Sge sge = context.slot->sge(context.slot->local().first(context.request.size));
  const std::uint32_t depth = std::clamp<std::uint32_t>(context.request.depth, 1, Depths{}.sends);
  verbs::SendWorkRequest request = remote_request(context, opcode);
  request.sg_list = list_of(sge);
  std::uint32_t posted = 0;
  for (std::uint32_t done = 0; done < context.request.iterations; ++done) {
    while (posted < context.request.iterations && posted - done < depth) {
      CO_TRY_VOID(context.channel->post_send(request));
      ++posted;
    }
    CO_TRY_VOID(co_await context.channel->sent(context.deadline_ns));
    count_message(context);
  }
  co_return {};
}

// An 8-byte operation; the value found before it.
base::Task<std::uint64_t> atomic(TaskContext context, verbs::SendWorkRequest request) {
  const std::span<std::byte> result = context.slot->local().first(sizeof(std::uint64_t));
  CO_TRY_VOID(co_await request_and_wait(context, request, context.slot->sge(result)));
  std::uint64_t found = 0;
  std::memcpy(&found, result.data(), sizeof found);
  ++context.counts->messages;
  context.counts->bytes += sizeof found;
  co_return found;
}

}  // namespace

base::Task<> ping_sends(TaskContext context) {
  const std::uint32_t size = context.request.size;
  const std::span<std::byte> out = context.slot->local().first(size);
  const verbs::Sge sge = context.slot->sge(out);
  std::fill(out.begin(), out.end(), std::byte{0});  // what ibv_rc_pingpong -c wants to see
  for (std::uint32_t i = 0; i < context.request.iterations; ++i) {
    const std::uint32_t seed = context.request.seed + i;
    if (context.has(flag_verify)) fill_pattern(out, seed);
    verbs::SendWorkRequest send;
    send.opcode = context.has(flag_immediate) ? verbs::Opcode::SendWithImmediate : verbs::Opcode::Send;
    send.immediate = seed;
    send.sg_list = list_of(sge);
    if (context.datagrams()) {
      send.destination.bytes = context.request.peer.gid;
      send.destination_qpn = context.request.peer.qpn;
      send.qkey = datagram_qkey;
    }
    CO_TRY_VOID(context.channel->post_send(send));
    CO_TRY_VOID(co_await context.channel->sent(context.deadline_ns));
    CO_TRY(const verbs::WorkCompletion echo, co_await context.channel->received(context.deadline_ns));
    if (echo.byte_len != size + context.header_bytes()) {
      ++context.counts->mismatches;
    } else if (context.has(flag_verify)) {
      const auto came = receive_buffer(context, echo.wr_id).subspan(context.header_bytes());
      context.counts->mismatches += count_mismatches(came, seed);
    }
    if (context.has(flag_immediate) && (!echo.has_immediate || echo.immediate != seed)) ++context.counts->mismatches;
    count_message(context);
    CO_TRY_VOID(post_receive_buffer(context, echo.wr_id));
  }
  co_return {};
}

base::Task<> ping_writes(TaskContext context) {
  const std::uint32_t size = context.request.size;
  const std::byte* watched = context.slot->exported().data() + size - 1;
  const std::span<std::byte> out = context.slot->local().first(size);
  const verbs::SendWorkRequest write = remote_request(context, verbs::Opcode::RdmaWrite);
  for (std::uint32_t count = 1; count <= context.request.iterations; ++count) {
    out[size - 1] = static_cast<std::byte>(count);
    CO_TRY_VOID(co_await request_and_wait(context, write, context.slot->sge(out)));
    CO_TRY_VOID(co_await watch_byte(context, watched, static_cast<std::uint8_t>(count)));
    count_message(context);
  }
  co_return {};
}

base::Task<> writes(TaskContext context) {
  if (!context.has(flag_verify)) {
    CO_TRY_VOID(co_await many(context, verbs::Opcode::RdmaWrite));
    co_return {};
  }
  const std::span<std::byte> out = context.slot->local().first(context.request.size);
  const verbs::SendWorkRequest write = remote_request(context, verbs::Opcode::RdmaWrite);
  for (std::uint32_t i = 0; i < context.request.iterations; ++i) {
    fill_pattern(out, context.request.seed + i);
    CO_TRY_VOID(co_await request_and_wait(context, write, context.slot->sge(out)));
    CO_TRY_VOID(co_await read_into_exported(context));
    context.counts->mismatches +=
        count_mismatches(context.slot->exported().first(out.size()), context.request.seed + i);
    count_message(context);
  }
  co_return {};
}

base::Task<> writes_with_immediate(TaskContext context) {
  const std::span<std::byte> out = context.slot->local().first(context.request.size);
  for (std::uint32_t i = 0; i < context.request.iterations; ++i) {
    const std::uint32_t seed = context.request.seed + i;
    fill_pattern(out, seed);
    verbs::SendWorkRequest write = remote_request(context, verbs::Opcode::RdmaWriteWithImmediate);
    write.immediate = seed;
    CO_TRY_VOID(co_await request_and_wait(context, write, context.slot->sge(out)));
    CO_TRY(const verbs::WorkCompletion echo, co_await context.channel->received(context.deadline_ns));
    if (echo.byte_len != 0 || !echo.has_immediate || echo.immediate != seed) ++context.counts->mismatches;
    CO_TRY_VOID(post_receive_buffer(context, echo.wr_id));
    if (context.has(flag_verify)) {
      CO_TRY_VOID(co_await read_into_exported(context));
      context.counts->mismatches += count_mismatches(context.slot->exported().first(out.size()), seed);
    }
    count_message(context);
  }
  co_return {};
}

base::Task<> sends(TaskContext context) {
  CO_TRY_VOID(co_await many(context, verbs::Opcode::Send));
  co_return {};
}

base::Task<> reads(TaskContext context) {
  if (!context.has(flag_verify)) {
    CO_TRY_VOID(co_await many(context, verbs::Opcode::RdmaRead));
    co_return {};
  }
  for (std::uint32_t i = 0; i < context.request.iterations; ++i) {
    CO_TRY_VOID(co_await read_into_exported(context));
    const auto came = context.slot->exported().first(context.request.size);
    context.counts->mismatches += count_mismatches(came, context.request.seed);
    count_message(context);
  }
  co_return {};
}

base::Task<> fetch_adds(TaskContext context) {
  verbs::SendWorkRequest add = remote_request(context, verbs::Opcode::FetchAndAdd);
  add.compare_or_add = 1;
  std::uint64_t expected = 0;
  for (std::uint32_t i = 0; i < context.request.iterations; ++i) {
    CO_TRY(const std::uint64_t found, co_await atomic(context, add));
    if (i > 0 && found != expected) ++context.counts->mismatches;
    expected = found + 1;
  }
  co_return {};
}

// The first learns the value, unless it happens to be 0; each later one changes it.
base::Task<> compare_swaps(TaskContext context) {
  verbs::SendWorkRequest swap = remote_request(context, verbs::Opcode::CompareAndSwap);
  std::uint64_t expected = 0;
  for (std::uint32_t i = 0; i < context.request.iterations; ++i) {
    swap.compare_or_add = expected;
    swap.swap = expected + 1;
    CO_TRY(const std::uint64_t found, co_await atomic(context, swap));
    if (i > 0 && found != expected) ++context.counts->mismatches;
    expected = found == expected ? expected + 1 : found;
  }
  co_return {};
}

}  // namespace verbs_test
