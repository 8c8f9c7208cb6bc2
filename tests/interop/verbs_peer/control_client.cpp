// SPDX-License-Identifier: Apache-2.0
// Asking the image: see control_client.h. One question at a time.
#include "tests/interop/verbs_peer/control_client.h"

#include <cstring>

#include "kernel/base/error.h"

namespace verbs_peer {

using verbs_test::ControlAnswer;
using verbs_test::ControlRequest;

namespace {
enum WorkId : std::uint64_t { sent = 1, received = 2 };
}

ControlClient::ControlClient(const std::string& image_ip)
    : connection_(std::make_unique<Connection>(image_ip, verbs_test::control_port, Connection::Parameters{})) {
  memory_ = std::make_unique<Memory>(connection_->domain(), 4096);
  connection_->connect({});
}

ControlAnswer ControlClient::ask(const ControlRequest& request, std::chrono::seconds patience) {
  const auto deadline = Clock::now() + patience;
  const auto out = memory_->bytes().first(sizeof request), in = memory_->bytes().subspan(2048, sizeof(ControlAnswer));
  std::memcpy(out.data(), &request, sizeof request);
  connection_->post_receive(received, memory_->sge(in));
  connection_->post_send(sent, memory_->sge(out));
  for (;;) {
    const auto completion = next_completion(connection_->queue(), deadline);
    if (!completion) fail("the image does not answer");
    if (completion->status != IBV_WC_SUCCESS) {
      fail(std::string("the control connection broke: ") + ibv_wc_status_str(completion->status));
    }
    if (completion->wr_id != received) continue;
    ControlAnswer answer;
    if (completion->byte_len != sizeof answer) fail("the image's answer is malformed");
    std::memcpy(&answer, in.data(), sizeof answer);
    return answer;
  }
}

ControlAnswer ControlClient::demand(const ControlRequest& request, std::chrono::seconds patience) {
  const ControlAnswer answer = ask(request, patience);
  if (answer.error != 0u) fail("the image: " + describe(answer));
  return answer;
}

ControlRequest control_request(verbs_test::Verb verb) {
  ControlRequest request;
  request.verb = static_cast<std::uint8_t>(verb);
  request.transport = static_cast<std::uint8_t>(verbs_test::Transport::Reliable);
  return request;
}

std::string describe(const ControlAnswer& answer) {
  return std::string(base::error_name(static_cast<base::Error>(answer.error.get()))) + ", completion status " +
         std::to_string(answer.completion_status.get());
}

}  // namespace verbs_peer
