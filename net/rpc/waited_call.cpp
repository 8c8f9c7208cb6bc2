// SPDX-License-Identifier: Apache-2.0
// Calls from threads: see waited_call.h.
#include "net/rpc/waited_call.h"

namespace rpc {

Result<WaitedCall*> WaitedCall::create(base::Waiter& waiter, MemoryHold* hold) {
  void* memory = base::platform::allocate(sizeof(WaitedCall));
  if (memory == nullptr) return base::fail(Error::NoMemory);
  return ::new (memory) WaitedCall(waiter, hold);
}

void WaitedCall::drop() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;  // pairs with the other holder's drop
  this->~WaitedCall();
  base::platform::deallocate(this);
}

void WaitedCall::start(Peer& peer) {
  peer_ = &peer;
  references_.fetch_add(1, std::memory_order_relaxed);  // rpc's, until released()
  peer.submit(*this);
}

void WaitedCall::abandon() { peer_->abandon(*this); }

Result<Reply> WaitedCall::take() {
  while (state_.load(std::memory_order_acquire) != State::Told) base::platform::relax();  // pairs with completed()
  return std::move(*result_);
}

// The thread may see the result before it is woken; take() makes it stay until its waiter is no longer touched.
void WaitedCall::completed(Result<Reply> reply) {
  result_.emplace(std::move(reply));
  state_.store(State::Ready, std::memory_order_release);  // pairs with done()
  waiter_.wake();
  state_.store(State::Told, std::memory_order_release);  // pairs with take()
}

void WaitedCall::released() {
  if (hold_ != nullptr) hold_->memory_free();
  drop();
}

}  // namespace rpc
