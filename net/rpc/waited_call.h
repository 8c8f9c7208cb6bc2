// SPDX-License-Identifier: Apache-2.0
// Calls from threads of a pComponent: submit, sleep on your Waiter until done(), take the result. The waiter's owner
// lays the sleeping: wake() may come from an interrupt on any core. If the thread is killed it calls abandon(), sleeps
// on until done() (soon), and leaves; a WaitedCall that names memory (tail, bulk) must be given a MemoryHold then,
// which is told when the memory is free. Reference-counted, because it may outlive the thread's interest in it.
#pragma once

#include <atomic>
#include <optional>

#include "kernel/base/memory.h"
#include "kernel/base/waiter.h"
#include "net/rpc/call.h"
#include "net/rpc/peer.h"

namespace rpc {

// Keeps what a request names (tail, bulk) until nobody can touch it any more.
class MemoryHold {
 public:
  virtual void memory_free() = 0;  // any context, no lock of rpc held

 protected:
  ~MemoryHold() = default;
};

class WaitedCall final : public Call {
 public:
  // One reference is the caller's (give it back by drop()).
  static Result<WaitedCall*> create(base::Waiter& waiter, MemoryHold* hold);
  void drop();

  // Fill `request`, and body bytes by body<T>(), then start(). The body is copied into this object.
  template <messages::Body T>
  void set_body(const T& body) {
    static_assert(sizeof(T) <= sizeof(body_bytes_));
    std::memcpy(body_bytes_, &body, sizeof(T));
    request.operation = T::operation;
    request.body = std::as_bytes(std::span(body_bytes_, sizeof(T)));
  }
  // The same for a body whose type the caller does not know; at most max_body_bytes.
  void set_body_bytes(messages::Operation operation, std::span<const std::byte> body) {
    LEGO_ASSERT(body.size() <= sizeof(body_bytes_));
    std::memcpy(body_bytes_, body.data(), body.size());
    request.operation = operation;
    request.body = std::as_bytes(std::span(body_bytes_)).first(body.size());
  }
  void start(Peer& peer);
  bool done() const { return state_.load(std::memory_order_acquire) != State::Waiting; }  // pairs with completed()
  void abandon();
  // Once, after done(). The Reply is the caller's.
  Result<Reply> take();

 private:
  enum class State : std::uint8_t { Waiting, Ready, Told };
  WaitedCall(base::Waiter& waiter, MemoryHold* hold) : waiter_(waiter), hold_(hold) {}
  ~WaitedCall() = default;
  void completed(Result<Reply> reply) override;
  void released() override;

  base::Waiter& waiter_;
  MemoryHold* hold_;
  Peer* peer_ = nullptr;
  std::atomic<std::uint32_t> references_{1};
  std::atomic<State> state_{State::Waiting};
  std::optional<Result<Reply>> result_;
  alignas(8) unsigned char body_bytes_[256];
};

}  // namespace rpc
