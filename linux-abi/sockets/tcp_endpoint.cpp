// SPDX-License-Identifier: Apache-2.0
// Connections of TCP sockets: see tcp_endpoint.h. Bytes on them: tcp_transfer.cpp.
#include "linux-abi/sockets/tcp_endpoint.h"

#include <asm/poll.h>

#include <algorithm>

namespace linux_abi {
namespace {

constexpr std::uint32_t readable_events = POLLIN | POLLRDNORM, writable_events = POLLOUT | POLLWRNORM;
constexpr std::size_t most_waiting = 4096;  // as net.core.somaxconn

// Segments of both directions are as long as both ends take them; Linux counts the time stamps of its headers, too.
void limit_segments_of(tcp_pcb* pcb, std::uint32_t one, std::uint32_t other) {
  constexpr std::uint32_t time_stamps = 12, unlimited = 0xffff;
  const std::uint32_t least = std::min(one == 0 ? unlimited : one, other == 0 ? unlimited : other);
  if (pcb == nullptr || least == unlimited) return;
  pcb->mss = std::min(pcb->mss, static_cast<std::uint16_t>(least - time_stamps));
}

}  // namespace

TcpEndpoint::~TcpEndpoint() { LEGO_ASSERT(pcb_ == nullptr); }

void TcpEndpoint::watch_locked(tcp_pcb* pcb) {
  pcb_ = pcb;
  tcp_arg(pcb, this);
  tcp_recv(pcb, arrived);
  tcp_sent(pcb, acknowledged);
  tcp_err(pcb, lost);
  tcp_poll(pcb, polled, 1);
  // Nothing is gained by waiting for more within a machine.
  tcp_nagle_disable(pcb);
}

Answer<> TcpEndpoint::listen(int backlog) {
  const base::SpinGuard guard(inet_lock);
  if (state_ != State::Fresh && state_ != State::Listening) return error(EINVAL);
  backlog_ = std::min<std::size_t>(static_cast<std::uint32_t>(backlog), most_waiting);
  if (state_ == State::Listening) return {};
  if (!is_bound_locked()) TRY(bind_locked(binding_.own));
  if (!space_->may_listen_locked(*this)) return error(EADDRINUSE);
  tcp_pcb* const pcb = tcp_new();
  if (pcb == nullptr) return error(ENOBUFS);
  tcp_pcb* const listener = tcp_bind(pcb, &space_->inner_address(), 0) == ERR_OK ? tcp_listen(pcb) : nullptr;
  if (listener == nullptr) {
    tcp_abort(pcb);
    return error(ENOBUFS);
  }
  pcb_ = listener;
  inner_port_ = listener->local_port;
  tcp_arg(listener, this);
  tcp_accept(listener, accepted);
  state_ = State::Listening;
  listens_ = true;
  receiving_shut_ = sending_shut_ = false;
  source_.notify(0);
  return {};
}

bool TcpEndpoint::is_listening() {
  const base::SpinGuard guard(inet_lock);
  return state_ == State::Listening;
}

err_t TcpEndpoint::accepted(void* listening, tcp_pcb* pcb, err_t failure) {
  auto& listener = *static_cast<TcpEndpoint*>(listening);
  if (failure != ERR_OK || pcb == nullptr) return ERR_VAL;
  auto& connecting = listener.space_->connecting();
  const auto client = std::find_if(connecting.begin(), connecting.end(),
                                   [&](const TcpEndpoint& each) { return each.inner_port_ == pcb->remote_port; });
  if (client == connecting.end() || listener.waiting_.size() >= most_waiting) return ERR_VAL;
  auto made = base::make<TcpEndpoint>(listener.space_, listener.family());
  if (!made) return ERR_MEM;
  processor::Reference<TcpEndpoint> embryo(*made.release());
  if (!listener.waiting_.push_back(embryo)) return ERR_MEM;
  embryo->binding_.own = client->peer_;
  embryo->binding_.own.port = listener.binding_.own.port;
  embryo->peer_ = client->binding_.own;
  embryo->reuse_address_ = listener.reuse_address_;
  embryo->reuse_port_ = listener.reuse_port_;
  embryo->uid_ = listener.uid_;
  embryo->address_given_ = listener.address_given_;
  embryo->state_ = State::Connected;
  embryo->segment_limit_ = listener.segment_limit_;
  limit_segments_of(pcb, listener.segment_limit_, client->segment_limit_);
  limit_segments_of(client->pcb_, listener.segment_limit_, client->segment_limit_);
  listener.space_->share_port_locked(*embryo);
  connecting.erase(client);
  embryo->watch_locked(pcb);
  listener.readers_.wake_one();
  listener.source_.notify(readable_events);
  return ERR_OK;
}

Answer<InetEndpointReference> TcpEndpoint::accept(const ReceiveOptions& options, Caller& caller) {
  InetEndpointReference first;
  int failure = 0;
  const auto look = [&]() -> base::WaitQueue* {
    if (state_ != State::Listening) failure = EINVAL;
    if (failure != 0) return nullptr;
    if (!waiting_.empty()) {
      first = InetEndpointReference(*waiting_[0]);
      waiting_.erase(0);
      return nullptr;
    }
    if (options.non_blocking) failure = EAGAIN;
    return options.non_blocking ? nullptr : &readers_;
  };
  const Answer<> waited = wait_by_looks(caller, inet_lock, options.deadline_ns, look);
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), options.deadline_ns));
  if (failure != 0) return error(failure);
  return first;
}

err_t TcpEndpoint::connected(void* connecting, tcp_pcb*, err_t) {
  auto& endpoint = *static_cast<TcpEndpoint*>(connecting);
  endpoint.state_ = State::Connected;
  endpoint.wake_all_locked();
  return ERR_OK;
}

// An errno; 0: it is under way, or done.
int TcpEndpoint::start_locked(const InetAddress& to, std::uint64_t now_ns) {
  const auto target = prepare_locked(to);
  if (!target) return target.error().number();
  if (binding_.own.is_any()) binding_.own.bytes = InetAddress::loopback(target->is_v4()).bytes;
  peer_ = *target;
  receiving_shut_ = sending_shut_ = end_received_ = reset_ = false;
  state_ = State::Connecting;
  auto* const listener = static_cast<TcpEndpoint*>(space_->find_locked(InetProtocol::Tcp, *target, nullptr));
  tcp_pcb* const pcb = tcp_new();
  if (listener == nullptr || pcb == nullptr || tcp_bind(pcb, &space_->inner_address(), 0) != ERR_OK) {
    if (pcb != nullptr) tcp_abort(pcb);
    lost(this, listener == nullptr ? ERR_RST : ERR_MEM);
    return 0;
  }
  inner_port_ = pcb->local_port;
  space_->connecting().push_back(*this);
  watch_locked(pcb);
  if (tcp_connect(pcb, &space_->inner_address(), listener->inner_port_, connected) != ERR_OK) {
    leave_locked(true);
    lost(this, ERR_MEM);
    return 0;
  }
  space_->run_locked(now_ns);
  return 0;
}

Answer<> TcpEndpoint::connect(const InetAddress& to, const SendOptions& options, Caller& caller) {
  int failure = 0;
  bool started = false;
  const auto look = [&]() -> base::WaitQueue* {
    if (!started) {
      if (state_ == State::Connected && connect_told_) failure = EISCONN;
      if (state_ == State::Listening) failure = EISCONN;
      if (state_ == State::Connecting && options.non_blocking) failure = EALREADY;
      if (failure != 0) return nullptr;
      const bool asks = !connect_told_;  // how the one before went
      connect_told_ = true;
      if (!asks) failure = start_locked(to, caller.now_ns());
      if (failure != 0) return nullptr;
      started = true;
      if (!asks && options.non_blocking) {
        connect_told_ = false;
        failure = EINPROGRESS;
        return nullptr;
      }
    }
    if (state_ == State::Connecting) return &writers_;
    if (state_ != State::Connected || reset_) {
      failure = error_ != 0 ? std::exchange(error_, 0) : ECONNABORTED;
      peer_ = {};
      receiving_shut_ = sending_shut_ = false;  // as new
    }
    return nullptr;
  };
  const Answer<> waited = wait_by_looks(caller, inet_lock, options.deadline_ns, look);
  if (!waited && waited.error() == ETIMEDOUT) return error(EINPROGRESS);
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), options.deadline_ns));
  return failure != 0 ? Answer<>(error(failure)) : Answer<>();
}

// The pcb is gone already.
void TcpEndpoint::lost(void* which, err_t failure) {
  auto& endpoint = *static_cast<TcpEndpoint*>(which);
  endpoint.pcb_ = nullptr;
  if (endpoint.TcpConnectingHook::is_linked())
    endpoint.space_->connecting().erase(endpoint.space_->connecting().iterator_to(endpoint));
  if (failure == ERR_CLSD) return;  // both ends were shut, in order
  if (endpoint.state_ == State::Connecting) {
    endpoint.peer_ = {};
    endpoint.error_ = failure == ERR_RST ? ECONNREFUSED : failure == ERR_MEM ? ENOBUFS : ETIMEDOUT;
    endpoint.state_ = State::Fresh;
  } else {
    endpoint.error_ = endpoint.end_received_ ? EPIPE : ECONNRESET;
    endpoint.reset_ = true;
  }
  endpoint.receiving_shut_ = endpoint.sending_shut_ = true;
  endpoint.wake_all_locked();
}

void TcpEndpoint::forget_pcb_locked() {
  tcp_pcb* const pcb = std::exchange(pcb_, nullptr);
  tcp_arg(pcb, nullptr);
  tcp_recv(pcb, nullptr);
  tcp_sent(pcb, nullptr);
  tcp_err(pcb, nullptr);
  tcp_poll(pcb, nullptr, 0);
}

void TcpEndpoint::leave_locked(bool abort) {
  if (TcpConnectingHook::is_linked()) space_->connecting().erase(space_->connecting().iterator_to(*this));
  tcp_pcb* const pcb = pcb_;
  if (pcb == nullptr) return;
  if (state_ == State::Listening) {
    tcp_arg(std::exchange(pcb_, nullptr), nullptr);
    tcp_accept(pcb, nullptr);
    (void)tcp_close(pcb);  // of a listening one it cannot fail
    return;
  }
  forget_pcb_locked();
  if (abort || tcp_close(pcb) != ERR_OK) tcp_abort(pcb);
}

void TcpEndpoint::close(bool abort) {
  base::Array<processor::Reference<TcpEndpoint>> refused;
  {
    const base::SpinGuard guard(inet_lock);
    if (closed_) return;
    closed_ = true;
    refused = std::move(waiting_);
    const bool unread = !unread_.empty();
    unread_.clear();
    leave_locked(abort || unread);
    listens_ = false;
    space_->release_port_locked(*this);
    netif_poll(&space_->interface());
    writers_.wake_all();
  }
  for (const auto& embryo : refused) embryo->close(true);
}

Answer<> TcpEndpoint::disconnect() {
  const base::SpinGuard guard(inet_lock);
  if (state_ == State::Listening) return error(EISCONN);
  unread_.clear();
  leave_locked(true);
  netif_poll(&space_->interface());
  state_ = State::Fresh;
  peer_ = {};
  forget_name_locked();
  error_ = 0;
  connect_told_ = true;
  receiving_shut_ = sending_shut_ = end_received_ = reset_ = false;
  wake_all_locked();
  return {};
}

Answer<> TcpEndpoint::shut_down(bool receiving, bool sending) {
  base::Array<processor::Reference<TcpEndpoint>> refused;
  {
    const base::SpinGuard guard(inet_lock);
    if (state_ == State::Fresh || (state_ == State::Connected && reset_)) return error(ENOTCONN);
    if (state_ == State::Listening) {
      // Reading from it ends the listening.
      if (!receiving) return {};
      leave_locked(false);
      refused = std::move(waiting_);
      state_ = State::Fresh;
      listens_ = false;
    } else {
      receiving_shut_ |= receiving;
      if (sending && !sending_shut_ && pcb_ != nullptr) {
        sending_shut_ = true;
        if (tcp_shutdown(pcb_, 0, 1) != ERR_OK) return error(ENOBUFS);
        // With both directions at their end lwIP may free it at any time.
        if (end_received_ && pcb_ != nullptr) forget_pcb_locked();
        netif_poll(&space_->interface());
      }
    }
    wake_all_locked();
  }
  for (const auto& embryo : refused) embryo->close(true);
  return {};
}

std::uint32_t TcpEndpoint::events() {
  const base::SpinGuard guard(inet_lock);
  if (state_ == State::Listening) return waiting_.empty() ? 0 : readable_events;
  if (state_ == State::Connecting) return 0;
  std::uint32_t events = 0;
  const bool receiving_ended = receiving_shut_ || end_received_;
  if (error_ != 0) events |= POLLERR;
  if (state_ == State::Fresh || (receiving_ended && sending_shut_)) events |= POLLHUP;
  if (receiving_ended) events |= POLLRDHUP | readable_events;
  if (!unread_.empty()) events |= readable_events;
  const bool room = pcb_ == nullptr || (pcb_->snd_buf >= TCP_SNDLOWAT && tcp_sndqueuelen(pcb_) < TCP_SNDQUEUELOWAT);
  if (sending_shut_ || room) events |= writable_events;
  return events;
}

int TcpEndpoint::tcp_state() {
  constexpr int established = 1, connecting = 2, closed = 7, close_wait = 8, listening = 10, half_closed = 5;
  const base::SpinGuard guard(inet_lock);
  if (state_ == State::Listening) return listening;
  if (state_ == State::Connecting) return connecting;
  if (pcb_ == nullptr || (end_received_ && sending_shut_)) return closed;
  if (sending_shut_) return half_closed;
  return end_received_ ? close_wait : established;
}

std::uint32_t TcpEndpoint::segment_bytes() {
  constexpr std::uint32_t unconnected = 536;
  const base::SpinGuard guard(inet_lock);
  if (state_ == State::Connected && pcb_ != nullptr) return tcp_mss(pcb_);
  return segment_limit_ != 0 ? segment_limit_ : unconnected;
}

void TcpEndpoint::limit_segments(std::uint32_t bytes) {
  const base::SpinGuard guard(inet_lock);
  segment_limit_ = bytes;
}

boost::intrusive::list<TcpEndpoint, boost::intrusive::constant_time_size<false>>& InetSpace::connecting() {
  // One list for all: the ports of lwIP tell them apart.
  static boost::intrusive::list<TcpEndpoint, boost::intrusive::constant_time_size<false>> all;
  return all;
}

}  // namespace linux_abi
