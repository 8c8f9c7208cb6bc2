// SPDX-License-Identifier: Apache-2.0
// Requests of threads to mComponents about spaces and objects. Once sent, a request is waited for even by a thread that
// is being killed: what the home does and what this pComponent knows must stay the same. It ends when the home answers
// or is declared dead.
#pragma once

#include <span>

#include "net/messages/layout.h"
#include "net/rpc/call.h"
#include "processor/memory_home.h"

namespace processor {

template <typename Body>
struct Answer {
  Body body;
  rpc::Reply reply;  // holds the tail, and a slot of the connection: drop it soon
};

// Sleeps for a moment, also in a thread that is being killed.
void wait_before_retry();

// For the tracer: the running thread made this request, and has its answer.
void report_request(const rpc::NodeAddress& to, messages::Operation operation, std::uint64_t bytes_out,
                    const base::Result<rpc::Reply>& reply, std::uint64_t took_ns);

base::Result<rpc::Reply> send(MemoryHome& home, messages::Operation operation, std::span<const std::byte> body);

template <messages::Body Request>
base::Result<Answer<typename Request::Reply>> ask(MemoryHome& home, const Request& request) {
  rpc::Reply reply = TRY(send(home, Request::operation, std::as_bytes(std::span(&request, 1))));
  const auto body = TRY(reply.as<typename Request::Reply>());
  return Answer<typename Request::Reply>{body, std::move(reply)};
}

// For what must happen and may happen twice (releases): again while the home has no room for it. An error is then for
// good: the home is gone, and with it what the request was about.
template <messages::Body Request>
base::Result<> insist(MemoryHome& home, const Request& request) {
  while (true) {
    const auto reply = send(home, Request::operation, std::as_bytes(std::span(&request, 1)));
    if (reply) return {};
    if (!is_passing(reply.error())) return base::fail(reply.error());
    wait_before_retry();
  }
}

}  // namespace processor
