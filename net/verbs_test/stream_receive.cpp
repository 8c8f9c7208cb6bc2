// SPDX-License-Identifier: Apache-2.0
// The receiving side of long transfers: see stream.h.
#include <cstring>

#include "net/verbs_test/pattern.h"
#include "net/verbs_test/stream.h"

namespace verbs_test {
namespace {

constexpr std::uint64_t chunks = 2 * stream_depth;  // posted ahead

Result<> post_chunk(const TaskContext& context, std::uint64_t which) {
  const auto chunk = context.slot->local().subspan(which * stream_chunk_bytes, stream_chunk_bytes);
  return context.channel->post_receive(which, context.slot->sge(chunk));
}

}  // namespace

// The stream of this name, or a new one in the place of the one that was used least recently.
StreamTable::Stream* StreamTable::find(const StreamHello& hello) {
  Stream* oldest = nullptr;
  for (Stream& stream : streams_) {
    if (stream.seed == hello.seed && stream.total_bytes == hello.total_bytes) return &stream;
    if (stream.channel == nullptr && (oldest == nullptr || stream.used_at < oldest->used_at)) oldest = &stream;
  }
  if (oldest != nullptr) *oldest = {.seed = hello.seed, .total_bytes = hello.total_bytes};
  return oldest;
}

base::Task<> StreamTable::receive(TaskContext context, Stream* stream) {
  while (stream->received < stream->total_bytes) {
    CO_TRY(const verbs::WorkCompletion message, co_await context.channel->received(context.deadline_ns));
    const auto bytes = context.slot->local().subspan(message.wr_id * stream_chunk_bytes, message.byte_len);
    stream->mismatches += count_mismatches(bytes, stream->seed, stream->received);
    stream->received += bytes.size();
    CO_TRY_VOID(post_chunk(context, message.wr_id));
  }
  // Until the sender ends the connection: it must learn that its last message has arrived.
  CO_TRY_VOID(co_await context.channel->received(context.deadline_ns));
  co_return {};
}

base::Task<> StreamTable::serve(TaskContext context, verbs::ConnectionRequest* request) {
  StreamHello hello;
  std::memcpy(&hello, request->private_data().data(), sizeof hello);
  if (hello.magic != control_magic) co_return base::fail(Error::Malformed);
  Stream* stream = find(hello);
  if (stream == nullptr) co_return base::fail(Error::Exhausted);
  stream->used_at = ++uses_;
  // The connection before this one first takes in what it has received: that was acknowledged.
  while (stream->channel != nullptr) {
    stream->channel->stop();
    co_await ended_.wait();
  }
  stream->channel = context.channel;
  StreamHello answer = hello;
  answer.offset = stream->received;
  answer.mismatches = stream->mismatches;
  Result<> outcome = context.channel->open(verbs::QpType::ReliableConnected, {.sends = 1, .receives = chunks});
  for (std::uint64_t which = 0; which < chunks && outcome; ++which) outcome = post_chunk(context, which);
  if (outcome) {
    outcome = context.channel->accept(*request, {.private_data = std::as_bytes(std::span(&answer, 1))});
  }
  if (outcome) outcome = co_await receive(context, stream);
  stream->channel = nullptr;
  ended_.wake_all();
  context.counts->messages = stream->received / stream_chunk_bytes;
  context.counts->bytes = stream->received;
  context.counts->mismatches = stream->mismatches;
  co_return outcome;
}

}  // namespace verbs_test
