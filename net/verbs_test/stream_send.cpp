// SPDX-License-Identifier: Apache-2.0
// The sending side of long transfers: see stream.h.
#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "net/verbs_test/pattern.h"
#include "net/verbs_test/stream.h"

namespace verbs_test {
namespace {

constexpr std::uint64_t connect_patience_ns = 10 * base::second_ns;
constexpr std::uint64_t pause_ns = 100 * base::millisecond_ns;

// From `offset` on, until all is acknowledged or the connection fails; *acknowledged follows.
base::Task<> send_from(TaskContext context, std::uint64_t offset, std::uint64_t* acknowledged) {
  const std::uint64_t total = context.request.stream_bytes;
  std::uint64_t next = offset;
  *acknowledged = std::max(*acknowledged, offset);
  std::uint64_t done = offset;
  while (done < total) {
    while (next < total && next - done < std::uint64_t{stream_depth} * stream_chunk_bytes) {
      const std::uint64_t bytes = std::min<std::uint64_t>(stream_chunk_bytes - next % stream_chunk_bytes, total - next);
      const std::uint64_t place = next / stream_chunk_bytes % (2 * stream_depth) * stream_chunk_bytes;
      const auto chunk = context.slot->local().subspan(place, bytes);
      fill_pattern(chunk, context.request.seed, next);
      const verbs::Sge sge = context.slot->sge(chunk);
      verbs::SendWorkRequest send;
      send.wr_id = next + bytes;
      send.sg_list = std::span(&sge, 1);
      CO_TRY_VOID(context.channel->post_send(send));
      next += bytes;
    }
    CO_TRY(const verbs::WorkCompletion sent, co_await context.channel->sent(context.deadline_ns));
    done = sent.wr_id;
    *acknowledged = std::max(*acknowledged, done);
  }
  co_return {};
}

// One connection. true: the receiver has it all.
base::Task<bool> attempt(TaskContext context, std::uint64_t* acknowledged) {
  Channel channel(*context.world);
  context.channel = &channel;
  CO_TRY_VOID(channel.open(verbs::QpType::ReliableConnected, {.sends = stream_depth + 1, .receives = 1}));
  StreamHello hello;
  hello.seed = context.request.seed;
  hello.total_bytes = context.request.stream_bytes;
  hello.offset = *acknowledged;
  verbs::ConnectionParameters parameters;
  parameters.private_data = std::as_bytes(std::span(&hello, 1));
  parameters.path_mtu = context.request.path_mtu;
  verbs::Gid peer;
  peer.bytes = context.request.peer.gid;
  const std::uint64_t patience_ns = context.world->loop.now_ns() + connect_patience_ns;
  CO_TRY_VOID(
      co_await channel.connect(peer, context.request.port, parameters, std::min(patience_ns, context.deadline_ns)));
  StreamHello answer;
  if (channel.private_data().size() < sizeof answer) co_return base::fail(Error::Malformed);
  std::memcpy(&answer, channel.private_data().data(), sizeof answer);
  if (answer.magic != control_magic || answer.offset < *acknowledged || answer.offset > hello.total_bytes) {
    base::log_error("verbs_test", "the stream's receiver is at {}, and {} were acknowledged", answer.offset.get(),
                    *acknowledged);
    co_return base::fail(Error::Stale);
  }
  context.counts->mismatches = answer.mismatches;
  if (answer.offset == hello.total_bytes) co_return true;
  CO_TRY_VOID(co_await send_from(context, answer.offset, acknowledged));
  co_return false;
}

base::Task<> attempts(TaskContext context) {
  std::uint64_t acknowledged = 0;
  for (;;) {
    const Result<bool> complete = co_await attempt(context, &acknowledged);
    context.counts->bytes = acknowledged;
    if (complete && *complete) co_return {};
    if (!complete && complete.error() == Error::Stale) co_return base::fail(Error::Stale);
    if (context.world->loop.now_ns() >= context.deadline_ns) co_return base::fail(Error::TimedOut);
    if (context.world->stopping) co_return base::fail(Error::Disconnected);
    if (complete) continue;  // to hear that it is complete
    ++context.counts->reconnects;
    base::log_info("verbs_test", "the stream broke at {}: {}", acknowledged, complete.error());
    co_await base::Sleep(context.world->loop, context.world->loop.now_ns() + pause_ns);
  }
}

}  // namespace

base::Task<> stream_send(TaskContext context) {
  if (context.world->sending_stream) co_return base::fail(Error::Busy);
  *context.counts = {};
  context.world->sending_stream = true;
  const Result<> sent = co_await attempts(context);
  context.world->sending_stream = false;
  co_return sent;
}

}  // namespace verbs_test
