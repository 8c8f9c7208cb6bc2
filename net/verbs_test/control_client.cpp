// SPDX-License-Identifier: Apache-2.0
#include "net/verbs_test/control_client.h"

#include <cstring>

namespace verbs_test {
namespace {
constexpr std::uint64_t connect_within_ns = 10 * base::second_ns;
constexpr std::uint64_t slack_ns = 80 * base::second_ns;  // beside what the task itself may take
}  // namespace

base::Task<> ControlClient::connect(verbs::Gid image) {
  CO_TRY_VOID(channel_.open(verbs::QpType::ReliableConnected, {.sends = 2, .receives = 1}));
  CO_TRY_VOID(co_await channel_.connect(image, control_port, {}, world_.loop.now_ns() + connect_within_ns));
  co_return {};
}

base::Task<ControlAnswer> ControlClient::ask(ControlRequest request) {
  const std::uint64_t deadline_ns = world_.loop.now_ns() + request.timeout_ms * base::millisecond_ns + slack_ns;
  const auto out = slot_.control().first(sizeof request), in = slot_.control().subspan(256, sizeof(ControlAnswer));
  const verbs::Sge sge = slot_.sge(out);
  std::memcpy(out.data(), &request, sizeof request);
  CO_TRY_VOID(channel_.post_receive(0, slot_.sge(in)));
  verbs::SendWorkRequest send;
  send.sg_list = std::span(&sge, 1);
  CO_TRY_VOID(channel_.post_send(send));
  CO_TRY_VOID(co_await channel_.sent(deadline_ns));
  CO_TRY(const verbs::WorkCompletion message, co_await channel_.received(deadline_ns));
  ControlAnswer answer;
  if (message.byte_len != sizeof answer) co_return base::fail(Error::Malformed);
  std::memcpy(&answer, in.data(), sizeof answer);
  co_return answer;
}

}  // namespace verbs_test
