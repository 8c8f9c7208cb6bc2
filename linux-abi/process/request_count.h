// SPDX-License-Identifier: Apache-2.0
// How many requests this component has made of others for its programs: for /proc/lego_requests, by which a program can
// tell what its calls cost in messages. Set once, before programs run.
#pragma once

#include <cstdint>

namespace linux_abi {

class RequestCounter {
 public:
  virtual std::uint64_t requests() = 0;

 protected:
  ~RequestCounter() = default;
};
void set_request_counter(RequestCounter& counter);
std::uint64_t requests_made();

}  // namespace linux_abi
