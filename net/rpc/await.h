// SPDX-License-Identifier: Apache-2.0
// Calls from coroutines of event-driven components:
//   CO_TRY(auto reply, co_await rpc::call(loop, peer, FileLookupRequest{...}, {.copied_tail = name, .vnode = vnode}));
//   reply.body.attributes, reply.tail()
// The wait ends when the memory that the request names is the caller's again (Lateness::Fence), so nothing can be freed
// too early. Each wait has a deadline: default_deadline_ns unless another is given.
#pragma once

#include <coroutine>
#include <optional>

#include "kernel/base/executor.h"
#include "net/rpc/call.h"
#include "net/rpc/peer.h"

namespace rpc {

inline constexpr std::uint64_t default_timeout_ns = 30 * base::second_ns;

struct CallOptions {
  std::span<const std::byte> copied_tail = {};
  std::span<const verbs::Sge> tail = {};
  RemoteBuffer bulk = {};
  base::VNodeId vnode = {};
  std::uint64_t timeout_ns = default_timeout_ns;  // never_ns: none
  Priority priority = Priority::Demand;
  bool one_way = false;
};

// Move-only; holds a slot of the connection while it lives: drop it soon.
template <typename T>
class TypedReply {
 public:
  TypedReply(T value, Reply reply) : body(value), reply_(std::move(reply)) {}
  T body;
  std::span<const std::byte> tail() const { return reply_.tail(); }
  std::uint32_t bulk_bytes() const { return reply_.bulk_bytes(); }

 private:
  Reply reply_;
};

template <typename Request>
class [[nodiscard]] AwaitedCall final : private Call, private base::Work {
 public:
  using ReplyBody = typename Request::Reply;
  AwaitedCall(base::EventLoop& loop, Peer& peer, const Request& body, const CallOptions& options)
      : loop_(loop), peer_(peer), body_(body), timeout_ns_(options.timeout_ns) {
    request.operation = Request::operation;
    request.copied_tail = options.copied_tail;
    request.tail = options.tail;
    request.bulk = options.bulk;
    request.vnode = options.vnode;
    request.priority = options.priority;
    request.one_way = options.one_way;
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    waiter_ = waiter;
    request.body = std::as_bytes(std::span(&body_, 1));
    if (timeout_ns_ != base::never_ns) request.deadline_ns = loop_.now_ns() + timeout_ns_;
    peer_.submit(*this);
  }
  Result<TypedReply<ReplyBody>> await_resume() {
    if (!*outcome_) return base::fail(outcome_->error());
    Reply reply = std::move(**outcome_);
    // A page reply and the acknowledgement of a one-way message have no body.
    if (reply.body().empty() && (reply.bulk_bytes() != 0 || request.one_way)) {
      return TypedReply<ReplyBody>(ReplyBody{}, std::move(reply));
    }
    auto value = reply.template as<ReplyBody>();
    if (!value) return base::fail(value.error());
    return TypedReply<ReplyBody>(*value, std::move(reply));
  }

 private:
  void completed(Result<Reply> reply) override { outcome_.emplace(std::move(reply)); }
  void released() override { loop_.post(*this); }
  void run() override { waiter_.resume(); }

  base::EventLoop& loop_;
  Peer& peer_;
  Request body_;
  std::uint64_t timeout_ns_;
  std::optional<Result<Reply>> outcome_;
  std::coroutine_handle<> waiter_;
};

template <typename Request>
AwaitedCall<Request> call(base::EventLoop& loop, Peer& peer, const Request& body, const CallOptions& options = {}) {
  return AwaitedCall<Request>(loop, peer, body, options);
}

}  // namespace rpc
