// SPDX-License-Identifier: Apache-2.0
// Changes that are told to the home without waiting: see change_log.h.
#include "processor/change_log.h"

#include <algorithm>

namespace processor {

using base::Error;
using base::Result;

static_assert(messages::max_space_changes <= excache::max_held_ranges);

namespace {

// The home has done nothing, and may do it a little later. After other errors nobody knows.
bool may_repeat(Error error) {
  return error == Error::Again || error == Error::Busy || error == Error::Exhausted || error == Error::NoMemory;
}

}  // namespace

template <typename Condition>
Result<> ChangeLog::wait_for(Sleeper& sleeper, Condition condition) {
  while (true) {
    {
      const base::SpinGuard guard(lock_);
      if (condition()) return {};
      waiters_.add(sleeper);
    }
    if (sleeper.sleep()) continue;
    const base::SpinGuard guard(lock_);
    if (sleeper.is_linked()) sleeper.unlink();
    return base::fail(Error::Interrupted);
  }
}

Result<> ChangeLog::make_room(Sleeper& sleeper) {
  return wait_for(sleeper, [this] { return count_ < changes_.size(); });
}

Result<> ChangeLog::settle(Sleeper& sleeper) {
  return wait_for(sleeper, [this] { return count_ == 0; });
}

void ChangeLog::add(const messages::SpaceChange& change, bool holds) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(count_ < changes_.size());
  holds_[count_] = holds;
  changes_[count_++] = change;
  if (sent_ == 0) send_locked();
}

// What is added while the message is under way comes after what it names.
void ChangeLog::send_locked() {
  sent_ = count_;
  body_.space = space_.id.value();
  body_.count = sent_;
  request.operation = messages::SpaceChangesRequest::operation;
  request.body = std::as_bytes(std::span(&body_, 1));
  request.copied_tail = std::as_bytes(std::span(changes_).first(sent_));
  request.vnode = home_.vnode();
  home_.peer().submit(*this);
}

void ChangeLog::completed(Result<rpc::Reply> reply) {
  error_ = reply ? Error::None : reply.error();
  if (!reply) return;
  const auto body = reply->as<messages::SpaceChangesReply>();
  done_ = body ? body->done.get() : 0;
  if (done_ == 0 || done_ > sent_) error_ = Error::Malformed;
}

// The space may end as soon as the last waiter is woken.
void ChangeLog::released() {
  const base::SpinGuard guard(lock_);
  if (may_repeat(error_)) return send_locked();
  if (error_ != Error::None) {
    failed_.store(true, std::memory_order_relaxed);
    done_ = count_;
  }
  calls_.cache().let_go(space_, static_cast<unsigned>(std::count(holds_.begin(), holds_.begin() + done_, true)));
  std::copy(changes_.begin() + done_, changes_.begin() + count_, changes_.begin());
  std::copy(holds_.begin() + done_, holds_.begin() + count_, holds_.begin());
  count_ -= done_;
  sent_ = 0;
  if (count_ > 0) send_locked();
  waiters_.wake_all();
}

}  // namespace processor
