// SPDX-License-Identifier: Apache-2.0
// rping's protocol: see rping.h. Each side has one message on its way at a time.
#include "net/verbs_test/rping.h"

#include <algorithm>
#include <cstring>

namespace verbs_test {
namespace {

constexpr std::uint64_t receives = 2;
constexpr std::size_t message_spacing = 64;  // in the slot's control page: two received, one sent
constexpr std::uint32_t most_bytes = 512 * 1024;

std::span<std::byte> message(const TaskContext& context, std::uint64_t which) {
  return context.slot->control().subspan(2048 + which * message_spacing, sizeof(RpingInfo));
}

Result<> post_message_receive(const TaskContext& context, std::uint64_t which) {
  return context.channel->post_receive(which, context.slot->sge(message(context, which)));
}

base::Task<> send_message(TaskContext context, RpingInfo info) {
  const auto bytes = message(context, receives);
  std::memcpy(bytes.data(), &info, sizeof info);
  const verbs::Sge sge = context.slot->sge(bytes);
  verbs::SendWorkRequest send;
  send.sg_list = std::span(&sge, 1);
  CO_TRY_VOID(context.channel->post_send(send));
  CO_TRY_VOID(co_await context.channel->sent(context.deadline_ns));
  co_return {};
}

base::Task<RpingInfo> receive_message(TaskContext context) {
  CO_TRY(const verbs::WorkCompletion completion, co_await context.channel->received(context.deadline_ns));
  RpingInfo info;
  if (completion.byte_len != sizeof info) co_return base::fail(Error::Malformed);
  std::memcpy(&info, message(context, completion.wr_id).data(), sizeof info);
  CO_TRY_VOID(post_message_receive(context, completion.wr_id));
  co_return info;
}

base::Task<> transfer(TaskContext context, verbs::Opcode opcode, RpingInfo remote, std::span<std::byte> bytes) {
  const verbs::Sge sge = context.slot->sge(bytes);
  verbs::SendWorkRequest request;
  request.opcode = opcode;
  request.sg_list = std::span(&sge, 1);
  request.remote_address = remote.address;
  request.rkey = remote.rkey;
  CO_TRY_VOID(context.channel->post_send(request));
  CO_TRY_VOID(co_await context.channel->sent(context.deadline_ns));
  co_return {};
}

// Printable characters, others for each ping, and the zero at the end.
void fill_text(std::span<std::byte> text, std::uint32_t ping) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) text[i] = static_cast<std::byte>('A' + (ping + i) % 57);
  text.back() = std::byte{0};
}

}  // namespace

Result<> open_rping(const TaskContext& context) {
  TRY(context.channel->open(verbs::QpType::ReliableConnected, {.sends = 16, .receives = receives}));
  for (std::uint64_t which = 0; which < receives; ++which) TRY(post_message_receive(context, which));
  return {};
}

base::Task<> rping_server(TaskContext context) {
  for (;;) {
    CO_TRY(const RpingInfo source, co_await receive_message(context));
    if (source.size == 0 || source.size > most_bytes) co_return base::fail(Error::TooBig);
    const std::span<std::byte> text = context.slot->local().first(source.size);
    CO_TRY_VOID(co_await transfer(context, verbs::Opcode::RdmaRead, source, text));
    CO_TRY_VOID(co_await send_message(context, {}));
    CO_TRY(const RpingInfo sink, co_await receive_message(context));
    const auto end = std::find(text.begin(), text.end(), std::byte{0});
    const auto length = static_cast<std::size_t>(end - text.begin()) + (end != text.end() ? 1 : 0);
    CO_TRY_VOID(co_await transfer(context, verbs::Opcode::RdmaWrite, sink, text.first(length)));
    CO_TRY_VOID(co_await send_message(context, {}));
    ++context.counts->messages;
    context.counts->bytes += length;
  }
}

namespace {

base::Task<> pings(TaskContext context) {
  const std::uint32_t size = context.request.size;
  const std::span<std::byte> source = context.slot->exported().first(size);
  const std::span<std::byte> sink = context.slot->exported().subspan(most_bytes, size);
  const auto info = [&](std::span<std::byte> bytes) {
    return RpingInfo{reinterpret_cast<std::uint64_t>(bytes.data()), context.slot->rkey(), size};
  };
  for (std::uint32_t ping = 0; ping < context.request.iterations; ++ping) {
    fill_text(source, ping);
    std::fill(sink.begin(), sink.end(), std::byte{0xee});
    CO_TRY_VOID(co_await send_message(context, info(source)));
    CO_TRY_VOID(co_await receive_message(context));
    CO_TRY_VOID(co_await send_message(context, info(sink)));
    CO_TRY_VOID(co_await receive_message(context));
    if (!std::equal(source.begin(), source.end(), sink.begin())) ++context.counts->mismatches;
    ++context.counts->messages;
    context.counts->bytes += size;
  }
  co_return {};
}

}  // namespace

base::Task<> rping_client(TaskContext context) {
  if (context.request.size < 2 || context.request.size > most_bytes) co_return base::fail(Error::InvalidArgument);
  *context.counts = {};
  Channel channel(*context.world);
  context.channel = &channel;
  CO_TRY_VOID(open_rping(context));
  verbs::Gid peer;
  peer.bytes = context.request.peer.gid;
  Result<> outcome = co_await channel.connect(peer, context.request.port,
                                              {.responder_resources = 1, .initiator_depth = 1}, context.deadline_ns);
  if (outcome) outcome = co_await pings(context);
  co_return outcome;
}

}  // namespace verbs_test
