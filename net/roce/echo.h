// SPDX-License-Identifier: Apache-2.0
// Answers ping and ping6, for whoever looks for a fault (RFC 792, RFC 4443). Other ICMP messages are counted.
#pragma once

#include <cstdint>
#include <span>

#include "net/roce/core.h"
#include "net/roce/datagram_pool.h"

namespace roce {

class EchoResponder {
 public:
  EchoResponder(Core& core, DatagramPool& datagrams) : core_(core), datagrams_(datagrams) {}

  // `message` came in `ip`, to one of our addresses, from a station at link.source.
  void receive(const Link& link, const Ip& ip, std::span<const std::byte> message);

 private:
  Core& core_;
  DatagramPool& datagrams_;
};

}  // namespace roce
