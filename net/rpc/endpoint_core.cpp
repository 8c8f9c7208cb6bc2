// SPDX-License-Identifier: Apache-2.0
// Peers, completions, callbacks and deadlines of an endpoint: see endpoint.h.
#include "net/rpc/endpoint_core.h"

#include <algorithm>

#include "net/rpc/client_session.h"
#include "net/rpc/server_session.h"
#include "net/rpc/statistics.h"

namespace rpc {

EndpointCore::EndpointCore(const EndpointConfiguration& configuration) : configuration_(configuration) {}

EndpointCore::~EndpointCore() {
  close();
  {
    const base::SpinGuard guard(lock());
    peers_.clear();
    sessions_.clear();
  }
  LEGO_ASSERT(due_.empty() && deadlines_.empty());
}

void EndpointCore::close() {
  {
    const base::SpinGuard guard(lock());
    closed_ = true;
    for (auto& listener : listeners_) configuration_.connections.unlisten(listener->port);
    listeners_.clear();
    admissions_.clear();
    for (auto& peer : peers_) peer->declare_dead();
    for (auto& session : sessions_)
      if (!session->forgotten()) session->forget();
  }
  deliver();
}

bool EndpointCore::closed() {
  const base::SpinGuard guard(lock());
  return closed_ && due_.empty() &&
         std::all_of(sessions_.begin(), sessions_.end(), [](auto& session) { return session->may_be_destroyed(); });
}

Result<Peer*> EndpointCore::peer(const NodeAddress& address) {
  const base::SpinGuard guard(lock());
  for (auto& peer : peers_) {
    const NodeAddress& known = peer->address();
    if (address.boot_id ? known.boot_id == address.boot_id
                        : !known.boot_id && known.ip == address.ip && known.port == address.port) {
      return peer.get();
    }
  }
  if (closed_) return base::fail(Error::PeerDead);
  if (peers_.size() >= max_peers) return base::fail(Error::Exhausted);
  auto added = TRY(base::try_make<ClientSession>(*this, address, ++session_ids_));
  TRY(peers_.push_back(std::move(added)));
  return peers_.back().get();
}

void EndpointCore::declare_dead(base::BootId boot_id) {
  const base::SpinGuard guard(lock());
  for (auto& peer : peers_) {
    if (boot_id && peer->address().boot_id == boot_id) peer->declare_dead();
  }
  for (auto& session : sessions_) {
    if (boot_id && session->who().boot_id == boot_id && !session->forgotten()) session->forget();
  }
}

void EndpointCore::set_wall_clock_offset(std::uint64_t offset_ns) {
  const base::SpinGuard guard(lock());
  wall_offset_ns_ = offset_ns;
}

void EndpointCore::set_epoch(std::uint64_t epoch) {
  const base::SpinGuard guard(lock());
  epoch_ = epoch;
}

// --- driving ---

void EndpointCore::poll() {
  for (;;) {
    {
      const base::SpinGuard guard(lock());
      if (ready_.empty()) break;
      Link& link = ready_.front();
      ready_.pop_front();
      link.drain();
    }
    deliver();
  }
  deliver();
}

void EndpointCore::maintain() {
  {
    const base::SpinGuard guard(lock());
    const std::uint64_t now = now_ns();
    for (auto& peer : peers_) peer->maintain(now);
    expire_deadlines();
    maintain_sessions();
  }
  check_admissions();
  deliver();
}

std::uint64_t EndpointCore::next_deadline_ns() {
  const base::SpinGuard guard(lock());
  std::uint64_t next = deadlines_.empty() ? base::never_ns : deadlines_.begin()->request.deadline_ns;
  for (auto& peer : peers_) next = std::min(next, peer->next_action_ns());
  for (auto& session : sessions_) next = std::min(next, session->next_action_ns());
  return next;
}

void EndpointCore::expire_deadlines() {
  const std::uint64_t now = now_ns();
  while (!deadlines_.empty() && deadlines_.begin()->request.deadline_ns <= now) {
    Call& call = *deadlines_.begin();
    call.peer_->deadline_passed(call);  // takes it out
  }
}

void EndpointCore::maintain_sessions() {
  const std::uint64_t now = now_ns();
  for (std::size_t i = 0; i < sessions_.size();) {
    sessions_[i]->maintain(now);
    if (sessions_[i]->may_be_destroyed()) {
      sessions_.erase(i);
    } else {
      ++i;
    }
  }
}

void EndpointCore::link_ready(Link& link) {
  if (!link.is_linked()) ready_.push_back(link);
  configuration_.driver.poll_wanted();
}

void EndpointCore::demand_sent() {
  ++demands_;
  demand_since_ns_.store(now_ns(), std::memory_order_relaxed);
}

void EndpointCore::demand_ended() {
  if (--demands_ == 0) demand_since_ns_.store(0, std::memory_order_relaxed);
}

void EndpointCore::watch_deadline(Call& call) {
  if (call.request.deadline_ns == base::never_ns) return;
  const auto place = deadlines_.insert(call);
  if (place == deadlines_.begin()) maintenance_wanted();
}

void EndpointCore::forget_deadline(Call& call) {
  if (call.deadline_hook_.is_linked()) deadlines_.erase(DeadlineSet::s_iterator_to(call));
}

// --- callbacks ---

void EndpointCore::tell_completed(Call& call, Error outcome, Reply reply) {
  LEGO_ASSERT(!call.told_);
  call.told_ = call.complete_due_ = true;
  call.outcome_ = outcome;
  call.reply_ = std::move(reply);
  make_due(call);
}

void EndpointCore::tell_released(Call& call) {
  call.release_due_ = true;
  call.state_ = Call::State::Finishing;
  make_due(call);
}

void EndpointCore::make_due(Call& call) {
  // While a callback of the call runs, whoever runs it looks again afterwards.
  if (call.list_hook_.is_linked() || call.delivering_) return;
  due_.push_back(call);
  configuration_.driver.poll_wanted();
}

void EndpointCore::deliver() {
  while (deliver_one()) {
  }
}

// The callbacks of one call may be due at two times, on two cores: `delivering_` keeps them in order.
bool EndpointCore::deliver_one() {
  std::uint64_t state = lock().lock();
  if (due_.empty()) {
    lock().unlock(state);
    return false;
  }
  Call& call = due_.front();
  due_.pop_front();
  const bool complete = std::exchange(call.complete_due_, false);
  const bool release = std::exchange(call.release_due_, false);
  const Error outcome = call.outcome_;
  Reply reply = std::move(call.reply_);
  call.delivering_ = !release;
  if (release) call.state_ = Call::State::Idle;
  lock().unlock(state);

  if (complete) {
    if (outcome == Error::None) {
      call.completed(Result<Reply>(std::move(reply)));
    } else {
      call.completed(base::fail(outcome));
    }
  }
  if (release) {
    call.released();  // the object may be gone now
    return true;
  }
  state = lock().lock();
  call.delivering_ = false;
  if (call.release_due_) due_.push_back(call);
  lock().unlock(state);
  return true;
}

}  // namespace rpc
