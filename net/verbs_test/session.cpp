// SPDX-License-Identifier: Apache-2.0
// Test connections as a control program describes them: see session.h.
#include "net/verbs_test/session.h"

#include <algorithm>

#include "net/verbs_test/pages.h"
#include "net/verbs_test/pattern.h"
#include "net/verbs_test/rping.h"
#include "net/verbs_test/stream.h"

namespace verbs_test {
namespace {

constexpr std::uint32_t reads_at_a_time = 16;
constexpr std::uint64_t longest_serving_ns = 3600 * base::second_ns;
constexpr std::uint64_t longest_task_ms = 3600'000;

bool is_served(TaskKind task) {
  return static_cast<std::uint8_t>(task) < static_cast<std::uint8_t>(TaskKind::PingSends);
}

}  // namespace

base::Task<> Session::handle(ControlRequest request, ControlAnswer* answer) {
  Result<> outcome = base::fail(Error::NotSupported);
  switch (static_cast<Verb>(request.verb)) {
    case Verb::Open:
      outcome = open(request);
      break;
    case Verb::Connect:
      outcome = connect(request);
      break;
    case Verb::Run: {
      const std::uint64_t begin_ns = world_.loop.now_ns();
      outcome = co_await run(request);
      elapsed_ns_ = world_.loop.now_ns() - begin_ns;
      break;
    }
    case Verb::Close:
      outcome = co_await close();
      break;
  }
  answer->verb = request.verb;
  answer->error = static_cast<std::uint32_t>(outcome ? Error::None : outcome.error());
  fill(*answer);
  co_return {};
}

void Session::fill(ControlAnswer& answer) const {
  answer.completion_status = static_cast<std::uint32_t>(channel_.failure());
  answer.self.gid = (ipv6_ ? world_.device.link_local_gid() : world_.device.gid()).bytes;
  answer.self.qpn = channel_.is_open() ? channel_.qp_num() : 0;
  answer.self.psn = psn_;
  answer.self.rkey = slot_.rkey();
  answer.self.reads = reads_at_a_time;
  answer.self.address = reinterpret_cast<std::uint64_t>(slot_.exported().data());
  answer.active_mtu = world_.device.active_mtu();
  answer.reconnects = counts_.reconnects;
  answer.messages = counts_.messages;
  answer.bytes = counts_.bytes;
  answer.mismatches = counts_.mismatches;
  answer.elapsed_ns = elapsed_ns_;
  answer.least_ns = counts_.times.least_ns;
  answer.median_ns = counts_.times.median_ns;
  answer.p99_ns = counts_.times.p99_ns;
}

Result<> Session::open(const ControlRequest& request) {
  if (channel_.is_open()) return base::fail(Error::Busy);
  if (request.size > max_message_bytes) return base::fail(Error::TooBig);
  transport_ = static_cast<Transport>(request.transport);
  if (transport_ != Transport::Reliable && transport_ != Transport::Datagram) {
    return base::fail(Error::InvalidArgument);
  }
  ipv6_ = (request.flags & flag_ipv6) != 0;
  counts_ = {};
  psn_ = static_cast<std::uint32_t>(world_.loop.now_ns() >> 8) & 0xffffff;
  // What Reads of the peer find there.
  fill_pattern(slot_.exported().first(request.size), request.seed);
  return channel_.open(
      transport_ == Transport::Reliable ? verbs::QpType::ReliableConnected : verbs::QpType::UnreliableDatagram, {});
}

TaskContext Session::context(const ControlRequest& request) {
  const std::uint64_t ms = std::min<std::uint64_t>(request.timeout_ms, longest_task_ms);
  TaskContext task{&world_, &channel_, &slot_, &counts_, request, world_.loop.now_ns() + ms * base::millisecond_ns};
  task.request.transport = static_cast<std::uint8_t>(transport_);
  if (is_connected_) task.request.peer = connected_.peer;
  return task;
}

Result<> Session::bring_up(const ControlRequest& request) {
  verbs::QpAttributes attributes;
  attributes.path_mtu = request.path_mtu;
  attributes.destination.bytes = request.peer.gid;
  attributes.destination_qpn = request.peer.qpn;
  attributes.send_psn = psn_;
  attributes.receive_psn = request.peer.psn;
  attributes.max_destination_reads = reads_at_a_time;
  attributes.max_reads = static_cast<std::uint8_t>(std::min<std::uint32_t>(request.peer.reads, reads_at_a_time));
  attributes.qkey = datagram_qkey;
  attributes.adaptive_timeout = (request.flags & flag_own) != 0;
  return channel_.bring_up(attributes);
}

Result<> Session::connect(const ControlRequest& request) {
  if (!channel_.is_open() || is_connected_) return base::fail(Error::InvalidArgument);
  const auto task = static_cast<TaskKind>(request.task);
  const bool counts_bytes =
      task == TaskKind::EchoWrites || task == TaskKind::PingWrites || task == TaskKind::TimedWrites;
  if (request.size > max_message_bytes || (counts_bytes && request.size == 0)) {
    return base::fail(Error::InvalidArgument);
  }
  // What a WRITE test watches.
  if (counts_bytes) slot_.exported()[request.size - 1] = std::byte{0};
  connected_ = request;
  TaskContext served = context(request);
  if (task != TaskKind::EchoWrites) served.deadline_ns = world_.loop.now_ns() + longest_serving_ns;
  for (std::uint64_t which = 0; which < receive_buffers(served); ++which) TRY(post_receive_buffer(served, which));
  TRY(bring_up(request));
  is_connected_ = true;
  if (task == TaskKind::EchoSends) serve(echo_sends(served));
  if (task == TaskKind::EchoWrites) serve(echo_writes(served));
  if (task == TaskKind::SinkSends) serve(sink_sends(served));
  return {};
}

void Session::serve(base::Task<> task) {
  serving_ = true;
  base::spawn(std::move(task), [this](Result<> ended) {
    serving_ = false;
    served_ = ended;
    ended_.wake_all();
  });
}

base::Task<> Session::run(ControlRequest request) {
  const auto task = static_cast<TaskKind>(request.task);
  if (request.size > max_message_bytes) co_return base::fail(Error::TooBig);
  if (channel_.is_open() && !is_connected_) co_return base::fail(Error::InvalidArgument);
  const TaskContext context = this->context(request);
  if (task == TaskKind::RpingClient) co_return co_await rping_client(context);
  if (task == TaskKind::StreamSend) co_return co_await stream_send(context);
  if (task == TaskKind::TimedCalls) co_return co_await timed_calls(context);
  if (task == TaskKind::Calls) co_return co_await calls(context);
  if (is_connected_ && task == TaskKind::EchoWrites) {
    while (serving_) co_await ended_.wait();
    co_return served_;
  }
  if (!is_connected_ || serving_ || is_served(task)) co_return base::fail(Error::InvalidArgument);
  switch (task) {
    case TaskKind::PingSends:
      co_return co_await ping_sends(context);
    case TaskKind::PingWrites:
      co_return co_await ping_writes(context);
    case TaskKind::Writes:
      co_return co_await writes(context);
    case TaskKind::Reads:
      co_return co_await reads(context);
    case TaskKind::FetchAdds:
      co_return co_await fetch_adds(context);
    case TaskKind::CompareSwaps:
      co_return co_await compare_swaps(context);
    case TaskKind::WritesWithImmediate:
      co_return co_await writes_with_immediate(context);
    case TaskKind::Sends:
      co_return co_await sends(context);
    case TaskKind::TimedSends:
      co_return co_await timed_sends(context);
    case TaskKind::TimedWrites:
      co_return co_await timed_writes(context);
    case TaskKind::TimedReads:
      co_return co_await timed_reads(context);
    default:
      co_return base::fail(Error::NotSupported);
  }
}

base::Task<> Session::close() {
  channel_.stop();
  while (serving_) co_await ended_.wait();
  channel_.close();
  is_connected_ = false;
  co_return {};
}

}  // namespace verbs_test
