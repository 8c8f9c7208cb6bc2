// SPDX-License-Identifier: Apache-2.0
// A request's way through its handler: see server_call.h. These run on the server's loop and take the endpoint's lock.
#include "net/rpc/server_call.h"

#include "kernel/base/log.h"
#include "net/rpc/server_session.h"
#include "net/rpc/statistics.h"

namespace rpc {

namespace {

ServerCallRecord& record(ServerCall& call) { return static_cast<ServerCallRecord&>(call); }

base::SpinLock& lock_of(ServerCall& call) { return record(call).session->core().lock(); }

void handler_returned(ServerCallRecord& call, Result<> result) {
  if (!call.replied() && !call.one_way && result) {
    base::log_error("rpc", "a handler of {} returned without an answer",
                    messages::operation_name(call.header().operation));
    result = base::fail(Error::IoError);
  }
  const base::SpinGuard guard(lock_of(call));
  if (!call.replied()) (void)call.session->reply(call, result ? Error::None : result.error(), {}, {});
  call.session->finish(call);
}

}  // namespace

void ServerCallRecord::run() {
  if (started) {
    std::exchange(waiter, nullptr).resume();
    return;
  }
  started = true;
  const Error refused = session->server().check(peer_info, operation(), vnode());
  if (refused != Error::None) {
    handler_returned(*this, base::fail(refused));
    return;
  }
  base::spawn(entry->start(entry->object, *this), [this](Result<> result) { handler_returned(*this, result); });
}

const PeerInfo& ServerCall::peer() const { return static_cast<const ServerCallRecord*>(this)->peer_info; }

Result<> ServerCall::reply_bytes(std::span<const std::byte> body, std::span<const std::byte> tail) {
  const base::SpinGuard guard(lock_of(*this));
  if (record(*this).one_way) return {};
  return record(*this).session->reply(record(*this), Error::None, body, tail);
}

Result<> ServerCall::start_bulk(std::span<const std::byte> body, std::span<const verbs::Sge> spans) {
  const base::SpinGuard guard(lock_of(*this));
  return record(*this).session->start_bulk(record(*this), body, spans);
}

Result<> ServerCall::start_page(const verbs::Sge& page) {
  const base::SpinGuard guard(lock_of(*this));
  return record(*this).session->start_page(record(*this), page);
}

void ServerCall::fail(Error error) {
  const base::SpinGuard guard(lock_of(*this));
  if (!record(*this).one_way) (void)record(*this).session->reply(record(*this), error, {}, {});
}

void ServerCall::promote(const PeerInfo& who) {
  const base::SpinGuard guard(lock_of(*this));
  record(*this).peer_info = who;
  record(*this).session->promote(who);
}

bool SendWait::await_suspend(std::coroutine_handle<> handler) {
  const base::SpinGuard guard(lock_of(call_));
  if (record(call_).sending == ServerCallRecord::Sending::Done) return false;
  record(call_).waiter = handler;
  return true;
}

Result<> SendWait::await_resume() {
  if (!posted_) return posted_;
  const Error error = record(call_).send_result;
  return error == Error::None ? Result<>() : Result<>(base::fail(error));
}

}  // namespace rpc
