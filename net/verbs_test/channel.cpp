// SPDX-License-Identifier: Apache-2.0
// Queue pairs of tests: see channel.h.
#include "net/verbs_test/channel.h"

#include <algorithm>

namespace verbs_test {

namespace {
constexpr verbs::Access every_access =
    verbs::Access::LocalWrite | verbs::Access::RemoteWrite | verbs::Access::RemoteRead | verbs::Access::RemoteAtomic;
}  // namespace

Result<> Channel::open(verbs::QpType type, Depths depths) {
  LEGO_ASSERT(!is_open());
  if (world_.stopping) return base::fail(Error::Disconnected);
  const base::SpinGuard guard(world_.lock);
  TRY(receives.open_locked(depths.receives));
  if (const auto opened = sends.open_locked(depths.sends); !opened) {
    receives.close_locked();
    return opened;
  }
  verbs::QpInitAttributes attributes;
  attributes.type = type;
  attributes.send_cq = sends.queue();
  attributes.recv_cq = receives.queue();
  attributes.capabilities = {.max_send_wr = depths.sends,
                             .max_recv_wr = depths.receives,
                             .max_send_sge = 1,
                             .max_recv_sge = 1,
                             .max_inline_data = 0};
  auto made = world_.device.create_queue_pair(world_.domain, attributes);
  if (!made) {
    receives.close_locked();
    sends.close_locked();
    return base::fail(made.error());
  }
  queue_pair_ = std::move(*made);
  state_ = State::None;
  stopped_ = false;
  failure_ = verbs::CompletionStatus::Success;
  return {};
}

void Channel::close() {
  LEGO_ASSERT(!changed_.has_waiters());
  const base::SpinGuard guard(world_.lock);
  connection_.reset();
  queue_pair_.reset();
  receives.close_locked();
  sends.close_locked();
  wake_.unlink();
  alarm_.cancel();
}

Result<> Channel::bring_up(const verbs::QpAttributes& attributes) {
  verbs::QpAttributes step = attributes;
  step.access = every_access;
  const base::SpinGuard guard(world_.lock);
  for (const verbs::QpState state :
       {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
    step.state = state;
    TRY(queue_pair_->modify(step));
  }
  return {};
}

Result<> Channel::accept(verbs::ConnectionRequest& request, const verbs::ConnectionParameters& parameters) {
  const base::SpinGuard guard(world_.lock);
  state_ = State::Connecting;
  connection_ = TRY(request.accept(*queue_pair_, every_access, *this, parameters));
  return {};
}

base::Task<> Channel::connect(verbs::Gid peer, std::uint16_t port, verbs::ConnectionParameters parameters,
                              std::uint64_t deadline_ns) {
  {
    const base::SpinGuard guard(world_.lock);
    state_ = State::Connecting;
    auto made = world_.connections.connect(*queue_pair_, every_access, peer, port, *this, parameters);
    if (!made) co_return base::fail(made.error());
    connection_ = std::move(*made);
  }
  while (state_ == State::Connecting && !stopped_ && world_.loop.now_ns() < deadline_ns) {
    world_.loop.arm(alarm_, deadline_ns);
    co_await changed_.wait();
  }
  alarm_.cancel();
  if (state_ == State::Established) co_return {};
  co_return base::fail(state_ == State::Connecting ? Error::TimedOut : Error::NotConnected);
}

void Channel::established(verbs::Connection&, std::span<const std::byte> private_data) {
  private_data_bytes_ = std::min(private_data.size(), private_data_.size());
  std::copy_n(private_data.begin(), private_data_bytes_, private_data_.begin());
  state_ = State::Established;
  world_.loop.post(wake_);
}

void Channel::rejected(verbs::Connection&, verbs::RejectReason, std::span<const std::byte>) {
  state_ = State::Rejected;
  world_.loop.post(wake_);
}

void Channel::disconnected(verbs::Connection&) {
  state_ = State::Disconnected;
  world_.loop.post(wake_);
}

void Channel::state_changed() {
  if (state_ == State::Rejected || state_ == State::Disconnected) {
    receives.stop();
    sends.stop();
  }
  changed_.wake_all();
}

void Channel::stop() {
  stopped_ = true;
  receives.stop();
  sends.stop();
  changed_.wake_all();
}

Result<> Channel::post_send(const verbs::SendWorkRequest& request) {
  const base::SpinGuard guard(world_.lock);
  return queue_pair_->post_send(request);
}

Result<> Channel::post_receive(std::uint64_t wr_id, const verbs::Sge& sge) {
  const base::SpinGuard guard(world_.lock);
  return queue_pair_->post_receive({wr_id, std::span(&sge, 1)});
}

Result<verbs::WorkCompletion> Channel::checked(Result<verbs::WorkCompletion> completion) {
  if (!completion || completion->status == verbs::CompletionStatus::Success) return completion;
  failure_ = completion->status;
  return base::fail(Error::IoError);
}

base::Task<verbs::WorkCompletion> Channel::received(std::uint64_t deadline_ns) {
  auto completion = co_await receives.next(deadline_ns);
  co_return checked(std::move(completion));
}

base::Task<verbs::WorkCompletion> Channel::sent(std::uint64_t deadline_ns) {
  auto completion = co_await sends.next(deadline_ns);
  co_return checked(std::move(completion));
}

}  // namespace verbs_test
