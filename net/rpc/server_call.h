// SPDX-License-Identifier: Apache-2.0
// One request being served. The handler answers it exactly once, or returns an error, which answers it. Belongs to the
// server's loop. body() and tail() lie in the receive buffer and are gone after the answer, header() stays.
#pragma once

#include <coroutine>
#include <cstring>
#include <span>

#include "kernel/base/executor.h"
#include "kernel/base/types.h"
#include "net/rpc/buffers.h"
#include "net/rpc/identity.h"
#include "net/rpc/wire.h"

namespace rpc {

class ServerCall;

// co_await: the answer with memory in place has been taken by the requester (or never will be: Disconnected); what it
// was sent from may change from now on.
class [[nodiscard]] SendWait {
 public:
  SendWait(ServerCall& call, Result<> posted) : call_(call), posted_(posted) {}
  SendWait(const SendWait&) = delete;
  SendWait& operator=(const SendWait&) = delete;
  bool await_ready() const noexcept { return !posted_; }
  bool await_suspend(std::coroutine_handle<> handler);
  Result<> await_resume();

 private:
  ServerCall& call_;
  Result<> posted_;
};

class ServerCall {
 public:
  const RequestHeader& header() const { return header_; }
  messages::Operation operation() const { return static_cast<messages::Operation>(header_.operation.get()); }
  base::VNodeId vnode() const { return base::VNodeId(header_.vnode); }
  std::uint64_t wall_time_ns() const { return header_.wall_time_ns; }
  std::uint64_t deadline_ns() const { return deadline_ns_; }  // on the endpoint's clock; never_ns: none
  std::uint32_t bulk_capacity() const { return header_.bulk_capacity; }
  const PeerInfo& peer() const;

  std::span<const std::byte> body() const { return body_; }
  std::span<const std::byte> tail() const { return tail_; }

  bool replied() const { return replied_; }
  // Copies body and tail. An answer that does not fit (max_reply_tail_bytes) becomes TooBig.
  template <messages::Body T>
  Result<> reply(const T& body, std::span<const std::byte> tail = {}) {
    return reply_bytes(std::as_bytes(std::span(&body, 1)), tail);
  }
  // The spans into the requester's bulk buffer, then the reply. `spans` and what they name stay until the wait ends.
  // TooBig if the bulk buffer is too small: nothing was answered. Only for operations that may be repeated (wire rule:
  // such an answer is not remembered).
  template <messages::Body T>
  SendWait reply_bulk(const T& body, std::span<const verbs::Sge> spans) {
    return {*this, start_bulk(std::as_bytes(std::span(&body, 1)), spans)};
  }
  // One page into the requester's bulk buffer of 4096 bytes, and nothing else.
  SendWait reply_page(const verbs::Sge& page) { return {*this, start_page(page)}; }
  void fail(Error error);

  // Managers: the caller has proved itself; from now on it is `who` on this session.
  void promote(const PeerInfo& who);

 protected:
  friend class SendWait;
  friend class ServerSession;
  ServerCall() = default;
  ~ServerCall() = default;
  Result<> reply_bytes(std::span<const std::byte> body, std::span<const std::byte> tail);
  Result<> start_bulk(std::span<const std::byte> body, std::span<const verbs::Sge> spans);
  Result<> start_page(const verbs::Sge& page);

  RequestHeader header_;
  std::span<const std::byte> body_;
  std::span<const std::byte> tail_;
  std::uint64_t deadline_ns_ = 0;
  bool replied_ = false;
};

}  // namespace rpc
