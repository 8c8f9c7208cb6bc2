// SPDX-License-Identifier: Apache-2.0
// The peer program's connection to the verbs test service of an image (net/verbs_test/control.h).
#pragma once

#include "tests/interop/verbs_peer/rdma.h"

namespace verbs_peer {

class ControlClient {
 public:
  explicit ControlClient(const std::string& image_ip);

  // Throws if no answer comes.
  verbs_test::ControlAnswer ask(const verbs_test::ControlRequest& request, std::chrono::seconds patience);
  // Throws as well if the answer is an error.
  verbs_test::ControlAnswer demand(const verbs_test::ControlRequest& request, std::chrono::seconds patience);

 private:
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Memory> memory_;
};

verbs_test::ControlRequest control_request(verbs_test::Verb verb);
// "it failed (Error ..., completion status ...)"
std::string describe(const verbs_test::ControlAnswer& answer);

}  // namespace verbs_peer
