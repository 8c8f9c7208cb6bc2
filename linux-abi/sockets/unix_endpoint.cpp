// SPDX-License-Identifier: Apache-2.0
// Names, connections and ends of AF_UNIX sockets: see unix_endpoint.h.
#include "linux-abi/sockets/unix_endpoint.h"

#include <asm/poll.h>

#include <algorithm>

#include "linux-abi/sockets/wait.h"

namespace linux_abi {

namespace {
constexpr std::uint32_t readable_events = POLLIN | POLLRDNORM, writable_events = POLLOUT | POLLWRNORM | POLLWRBAND;
}

Answer<UnixEndpointReference> UnixEndpoint::create(processor::Reference<UnixSpace> space, SocketType type) {
  auto made = base::make<UnixEndpoint>(std::move(space), type);
  if (!made) return error(ENOMEM);
  return UnixEndpointReference(*made.release());
}

UnixEndpoint::UnixEndpoint(processor::Reference<UnixSpace> space, SocketType type)
    : space_(std::move(space)), type_(type) {}

UnixEndpoint::~UnixEndpoint() { LEGO_ASSERT(packets_.empty() && in_flight_ == 0); }

void UnixEndpoint::set_owner(UnixOwner* owner) {
  const base::SpinGuard guard(space_->lock);
  owner_ = owner;
}

Answer<> UnixEndpoint::bind(const UnixName& given, const void* path_node) {
  const base::SpinGuard guard(space_->lock);
  if (!name.empty()) return error(EINVAL);
  name = given;
  UnixBinding::node = path_node;
  if (space_->bindings_.insert(*this).second) return {};
  name = {};
  UnixBinding::node = nullptr;
  return error(EADDRINUSE);
}

Answer<> UnixEndpoint::autobind() {
  constexpr std::uint32_t names = 1 << 20;
  const base::SpinGuard guard(space_->lock);
  if (!name.empty()) return {};
  for (std::uint32_t tries = 0; tries < names; ++tries) {
    name = UnixName::numbered(++space_->last_number_ % names);
    if (space_->bindings_.insert(*this).second) return {};
  }
  name = {};
  return error(ENOSPC);
}

void UnixEndpoint::unbind_locked() {
  if (UnixBinding::is_linked()) space_->bindings_.erase(space_->bindings_.iterator_to(*this));
}

bool UnixEndpoint::is_bound() {
  const base::SpinGuard guard(space_->lock);
  return !name.empty();
}

UnixName UnixEndpoint::own_name() {
  const base::SpinGuard guard(space_->lock);
  return name;
}

Answer<UnixName> UnixEndpoint::peer_name() {
  const base::SpinGuard guard(space_->lock);
  if (!peer_) return error(ENOTCONN);
  return peer_->name;
}

bool UnixEndpoint::is_connected() {
  const base::SpinGuard guard(space_->lock);
  return static_cast<bool>(peer_);
}

void UnixEndpoint::become_connected_locked(UnixEndpointReference peer, const SocketCredentials& peer_credentials) {
  state_ = State::Connected;
  peer_ = std::move(peer);
  peer_credentials_ = peer_credentials;
  if (is_datagram()) peer_->talkers_.push_back(*this);
}

Answer<> UnixEndpoint::connect_pair(UnixEndpoint& one, UnixEndpoint& other, const SocketCredentials& creator) {
  const base::SpinGuard guard(one.space_->lock);
  one.become_connected_locked(UnixEndpointReference(other), creator);
  other.become_connected_locked(UnixEndpointReference(one), creator);
  return {};
}

Answer<> UnixEndpoint::listen(int backlog, const SocketCredentials& own) {
  constexpr std::size_t most_ever = 4096;  // as net.core.somaxconn
  const base::SpinGuard guard(space_->lock);
  if (is_datagram()) return error(EOPNOTSUPP);
  if (name.empty() || state_ == State::Connected) return error(EINVAL);
  state_ = State::Listening;
  own_credentials_ = own;
  backlog_.most = std::min<std::size_t>(static_cast<std::uint32_t>(backlog), most_ever);
  comers_.wake_all();
  source_.notify(0);
  return {};
}

bool UnixEndpoint::is_listening() {
  const base::SpinGuard guard(space_->lock);
  return state_ == State::Listening;
}

Answer<UnixEndpointReference> UnixEndpoint::accept(const SendOptions& options, Caller& caller) {
  if (is_datagram()) return error(EOPNOTSUPP);
  UnixEndpointReference accepted;
  int failure = 0;
  const auto look = [&]() -> base::WaitQueue* {
    if (state_ != State::Listening) failure = EINVAL;
    if (failure != 0) return nullptr;
    if (!backlog_.waiting.empty()) {
      accepted = std::move(backlog_.waiting[0]);
      backlog_.waiting.erase(0);
      comers_.wake_one();
      return nullptr;
    }
    if (receiving_shut_) failure = EINVAL;
    if (failure == 0 && options.non_blocking) failure = EAGAIN;
    return failure != 0 ? nullptr : &readers_;
  };
  const Answer<> waited = wait_by_looks(caller, space_->lock, options.deadline_ns, look);
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), options.deadline_ns));
  if (failure != 0) return error(failure);
  return accepted;
}

int UnixEndpoint::connect_error_locked(const UnixEndpoint& listener) const {
  if (state_ == State::Connected) return EISCONN;
  if (state_ == State::Listening) return EINVAL;
  if (listener.type_ != type_) return EPROTOTYPE;
  return listener.closed_ || listener.state_ != State::Listening || listener.receiving_shut_ ? ECONNREFUSED : 0;
}

void UnixEndpoint::meet_locked(UnixEndpoint& listener, const UnixEndpointReference& embryo,
                               const SocketCredentials& own) {
  embryo->name = listener.name;
  embryo->become_connected_locked(UnixEndpointReference(*this), own);
  become_connected_locked(embryo, listener.own_credentials_);
  listener.readers_.wake_one();
  listener.source_.notify(readable_events);
  source_.notify(writable_events);
}

Answer<> UnixEndpoint::connect(const UnixEndpointReference& listener, const SocketCredentials& own,
                               const SendOptions& options, Caller& caller) {
  const auto embryo = TRY(create(space_, type_));
  int failure = 0;
  const auto look = [&]() -> base::WaitQueue* {
    failure = connect_error_locked(*listener);
    if (failure != 0) return nullptr;
    if (listener->backlog_.waiting.size() > listener->backlog_.most) {
      if (options.non_blocking) failure = EAGAIN;
      return options.non_blocking ? nullptr : &listener->comers_;
    }
    if (!listener->backlog_.waiting.push_back(embryo))
      failure = ENOMEM;
    else
      meet_locked(*listener, embryo, own);
    return nullptr;
  };
  const Answer<> waited = wait_by_looks(caller, space_->lock, options.deadline_ns, look);
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), options.deadline_ns));
  return failure != 0 ? Answer<>(error(failure)) : Answer<>();
}

void UnixEndpoint::leave_peer_locked(UnixEndpointReference& old) {
  old = std::move(peer_);
  state_ = State::Fresh;
  if (old && is_datagram()) old->talkers_.erase(old->talkers_.iterator_to(*this));
}

Answer<> UnixEndpoint::set_peer(UnixEndpointReference peer) {
  UnixEndpointReference old;
  UnixPackets lost;
  {
    const base::SpinGuard guard(space_->lock);
    if (peer && peer->type_ != type_) return error(EPROTOTYPE);
    if (peer && peer->closed_) return error(ECONNREFUSED);
    if (peer && peer->peer_ && peer->peer_.get() != this) return error(EPERM);
    const bool changes = peer_ && peer_ != peer;
    leave_peer_locked(old);
    if (changes) {
      // What the old peer sent is lost; it is told if it talked to nobody else.
      while (!packets_.empty()) remove_locked(packets_.front(), lost);
      if (!old->closed_ && old->peer_.get() == this) {
        old->error_ = ECONNRESET;
        old->source_.notify(0);
      }
    }
    if (peer) become_connected_locked(std::move(peer), peer_credentials_);
    wake_all_locked();
  }
  space_->discard(lost);
  return {};
}

void UnixEndpoint::wake_all_locked() {
  readers_.wake_all();
  writers_.wake_all();
  comers_.wake_all();
  source_.notify(0);
}

void UnixEndpoint::shut_down(bool receiving, bool sending) {
  const base::SpinGuard guard(space_->lock);
  receiving_shut_ |= receiving;
  sending_shut_ |= sending;
  wake_all_locked();
  if (!peer_) return;
  if (!is_datagram()) {
    peer_->sending_shut_ |= receiving;
    peer_->receiving_shut_ |= sending;
  }
  peer_->wake_all_locked();
}

void UnixEndpoint::close() {
  UnixPackets unread;
  UnixEndpointReference peer;
  base::Array<UnixEndpointReference> refused;
  {
    const base::SpinGuard guard(space_->lock);
    if (closed_) return;
    closed_ = true;
    owner_ = nullptr;
    const bool was_connected = state_ == State::Connected;
    unbind_locked();
    refused = std::move(backlog_.waiting);
    while (!packets_.empty()) remove_locked(packets_.front(), unread);
    leave_peer_locked(peer);
    if (peer && was_connected && !is_datagram()) {
      peer->receiving_shut_ = peer->sending_shut_ = true;
      if (!unread.empty()) peer->error_ = ECONNRESET;
      peer->wake_all_locked();
    }
    for (UnixEndpoint& talker : talkers_) talker.wake_all_locked();
    comers_.wake_all();
  }
  for (const UnixEndpointReference& embryo : refused) embryo->refuse();
  space_->discard(unread);
  space_->maybe_collect_garbage();
}

void UnixEndpoint::refuse() {
  {
    const base::SpinGuard guard(space_->lock);
    if (peer_) peer_->error_ = ECONNRESET;
  }
  close();
}

int UnixEndpoint::take_error() {
  const base::SpinGuard guard(space_->lock);
  return std::exchange(error_, 0);
}

void UnixEndpoint::set_send_buffer(std::size_t bytes) {
  const base::SpinGuard guard(space_->lock);
  send_buffer_.store(bytes, std::memory_order_relaxed);
  writers_.wake_all();
}

SocketCredentials UnixEndpoint::peer_credentials() {
  const base::SpinGuard guard(space_->lock);
  return peer_credentials_;
}

std::size_t UnixEndpoint::bytes_to_read() {
  const base::SpinGuard guard(space_->lock);
  if (!is_datagram() || packets_.empty()) return packet_bytes_;
  return packets_.front().bytes.size();
}

std::size_t UnixEndpoint::bytes_under_way() {
  const base::SpinGuard guard(space_->lock);
  return charged_;
}

std::uint32_t UnixEndpoint::events() {
  const base::SpinGuard guard(space_->lock);
  if (state_ == State::Listening) return backlog_.waiting.empty() ? 0 : readable_events;
  std::uint32_t events = 0;
  if (error_ != 0) events |= POLLERR;
  if (receiving_shut_ && sending_shut_) events |= POLLHUP;
  if (receiving_shut_) events |= POLLRDHUP | readable_events;
  if (!packets_.empty()) events |= readable_events;
  if (state_ == State::Fresh && !is_datagram()) events |= POLLHUP;
  const bool peer_is_full = is_datagram() && peer_ && peer_->peer_.get() != this && peer_->queue_is_full_locked();
  if (charged_ * 4 <= send_buffer() && !peer_is_full) events |= writable_events;
  return events;
}

}  // namespace linux_abi
