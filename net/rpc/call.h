// SPDX-License-Identifier: Apache-2.0
// One request to a peer, as its sender sees it. The object and all memory that the request names belong to rpc from
// Peer::submit until released(). A caller may leave early (deadline, Peer::abandon): completed() then tells it at once,
// but released() waits for the peer's answer or for the end of the queue pair: the one fencing rule of the design.
//
//   Idle -submit-> Queued -slot-> Sent -answer or failure-> completed(), released() -> Idle
//                                  | deadline, abandon
//                                  +-> completed(TimedOut or Interrupted) ... answer or disconnect ... released() ->
//                                  Idle
//
// Callbacks run in Endpoint::poll or Endpoint::maintain, with no lock of rpc held, in whatever context called those: on
// a pComponent that may be an interrupt on any core. They never run inside submit() or abandon().
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstring>
#include <span>
#include <utility>

#include "kernel/base/clock.h"
#include "net/messages/operations.h"
#include "net/rpc/buffers.h"
#include "net/rpc/wire.h"

namespace rpc {

class Peer;
class ClientSession;

// Waiting requests are sent in this order; the later two may only have a few outstanding (limits.h).
enum class Priority : std::uint8_t { Demand, Prefetch, WriteBack };
inline constexpr std::size_t priority_count = 3;

// What happens at the deadline of a request that names memory (bulk or tail) and has been sent.
enum class Lateness : std::uint8_t {
  Fence,  // the connection is reset, so that completed() and released() come together; others' requests are retried
  Leave,  // completed() comes at once, released() when the peer answers or the connection ends
};

// A successful answer. Move-only: it holds the receive buffer that body and tail lie in, and with it the request's
// slot: drop it soon. May be dropped in any context, but not with a lock of rank Rpc or later held.
class Reply {
 public:
  Reply() = default;
  Reply(Reply&& other) noexcept
      : peer_(std::exchange(other.peer_, nullptr)),
        slot_(other.slot_),
        bulk_bytes_(other.bulk_bytes_),
        body_(std::exchange(other.body_, {})),
        tail_(std::exchange(other.tail_, {})) {}
  Reply& operator=(Reply&& other) noexcept {
    Reply taken(std::move(other));
    std::swap(peer_, taken.peer_);
    std::swap(slot_, taken.slot_);
    std::swap(bulk_bytes_, taken.bulk_bytes_);
    std::swap(body_, taken.body_);
    std::swap(tail_, taken.tail_);
    return *this;
  }
  ~Reply() {
    if (peer_ != nullptr) drop();
  }

  std::span<const std::byte> body() const { return body_; }
  std::span<const std::byte> tail() const { return tail_; }
  std::uint32_t bulk_bytes() const { return bulk_bytes_; }  // for a page reply: 4096

  // The body as T; Malformed if it is none.
  template <messages::Body T>
  Result<T> as() const {
    if (body_.size() != sizeof(T)) return base::fail(Error::Malformed);
    T value;
    std::memcpy(static_cast<void*>(&value), body_.data(), sizeof(T));
    if constexpr (requires { value.validate(); }) {
      if (!value.validate()) return base::fail(Error::Malformed);
    }
    return value;
  }

 private:
  friend class ClientSession;
  void drop();
  Peer* peer_ = nullptr;  // null: no buffer is held
  std::uint16_t slot_ = 0;
  std::uint32_t bulk_bytes_ = 0;
  std::span<const std::byte> body_;
  std::span<const std::byte> tail_;
};

using CallListHook = boost::intrusive::list_member_hook<>;
using CallSetHook = boost::intrusive::set_member_hook<>;

// What it points to is not copied: it stays until released().
struct CallRequest {
  messages::Operation operation{};
  std::span<const std::byte> body;         // the request struct; at most max_body_bytes
  std::span<const std::byte> copied_tail;  // any memory; at most max_copied_tail_bytes
  std::span<const verbs::Sge> tail;        // registered memory, sent from where it lies, after copied_tail
  RemoteBuffer bulk;                       // where the peer may write
  base::VNodeId vnode;
  std::uint64_t deadline_ns = base::never_ns;  // on the endpoint's clock
  Priority priority = Priority::Demand;
  Lateness lateness = Lateness::Fence;
  bool one_way = false;  // completed() comes when the peer has it, not when it has been handled
};

class Call {
 public:
  CallRequest request;

  bool idle() const { return state_ == State::Idle; }

 protected:
  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();  // it is idle

 private:
  // Exactly once for each submit. Errors: what the server answered; TimedOut, Interrupted (abandoned); PeerDead,
  // Disconnected (the server forgot us, and the request may or may not have been executed), AuthenticationFailed,
  // VersionMismatch; TooBig, InvalidArgument (not sent); Malformed (the answer was).
  virtual void completed(Result<Reply> reply) = 0;
  // Exactly once, after completed(): the object and its memory are the caller's again and may be destroyed here.
  virtual void released() = 0;

  friend class ClientSession;
  friend class EndpointCore;
  enum class State : std::uint8_t { Idle, Queued, Sent, Finishing };
  struct ByDeadline {
    bool operator()(const Call& a, const Call& b) const { return a.request.deadline_ns < b.request.deadline_ns; }
  };

  CallListHook list_hook_;
  CallSetHook deadline_hook_;
  State state_ = State::Idle;
  bool told_ = false;  // completed() has been called or is due
  bool complete_due_ = false;
  bool release_due_ = false;
  bool delivering_ = false;  // a callback is running
  std::uint16_t slot_ = 0;
  std::uint64_t submitted_ns_ = 0;
  ClientSession* peer_ = nullptr;
  Error outcome_ = Error::None;
  Reply reply_;
};

}  // namespace rpc
