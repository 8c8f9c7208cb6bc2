// SPDX-License-Identifier: Apache-2.0
// A queue pair with a completion queue for each direction, and, unless it was brought up by hand, the connection that
// carries it. close() is the fence: after it nothing touches the memory that was posted. Coroutines that use a channel
// end before it is closed; stop() makes their waits end.
#pragma once

#include <array>

#include "net/verbs_test/completions.h"

namespace verbs_test {

struct Depths {
  std::uint32_t sends = 32;
  std::uint32_t receives = 32;
};

class Channel final : public Stoppable, private verbs::ConnectionEvents {
 public:
  explicit Channel(World& world)
      : receives(world), sends(world), world_(world), changed_(world.loop), wake_(*this), alarm_(*this) {
    world.stoppables.push_back(*this);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() { close(); }

  Result<> open(verbs::QpType type, Depths depths);
  void close();
  bool is_open() const { return static_cast<bool>(queue_pair_); }
  std::uint32_t qp_num() const { return queue_pair_->qp_num(); }

  // To ReadyToSend by hand: state is ignored.
  Result<> bring_up(const verbs::QpAttributes& attributes);
  Result<> accept(verbs::ConnectionRequest& request, const verbs::ConnectionParameters& parameters);
  // NotConnected: refused or not answered.
  base::Task<> connect(verbs::Gid peer, std::uint16_t port, verbs::ConnectionParameters parameters,
                       std::uint64_t deadline_ns);
  // What the peer's acceptance said.
  std::span<const std::byte> private_data() const { return std::span(private_data_).first(private_data_bytes_); }
  bool disconnected() const { return state_ == State::Disconnected; }

  Result<> post_send(const verbs::SendWorkRequest& request);
  Result<> post_receive(std::uint64_t wr_id, const verbs::Sge& sge);
  // The next completion, which must be a success: otherwise IoError, and failure() is its status.
  base::Task<verbs::WorkCompletion> received(std::uint64_t deadline_ns);
  base::Task<verbs::WorkCompletion> sent(std::uint64_t deadline_ns);
  // One that is there; Again: none is.
  Result<verbs::WorkCompletion> sent_already() { return checked(sends.poll()); }
  verbs::CompletionStatus failure() const { return failure_; }
  bool stopped() const { return stopped_; }
  // From the loop: ends all waits now and later.
  void stop() override;

  Completions receives;
  Completions sends;

 private:
  enum class State : std::uint8_t { None, Connecting, Established, Rejected, Disconnected };
  struct Wake final : base::Work {
    explicit Wake(Channel& owner) : channel(owner) {}
    void run() override { channel.state_changed(); }
    Channel& channel;
  };
  struct Alarm final : base::Timer {
    explicit Alarm(Channel& owner) : channel(owner) {}
    void expired() override { channel.changed_.wake_all(); }
    Channel& channel;
  };

  // verbs::ConnectionEvents, with the lock held
  void established(verbs::Connection& connection, std::span<const std::byte> private_data) override;
  void rejected(verbs::Connection& connection, verbs::RejectReason reason,
                std::span<const std::byte> private_data) override;
  void disconnected(verbs::Connection& connection) override;
  void state_changed();
  Result<verbs::WorkCompletion> checked(Result<verbs::WorkCompletion> completion);

  World& world_;
  base::Own<verbs::QueuePair> queue_pair_;
  base::Own<verbs::Connection> connection_;
  base::AsyncCondition changed_;
  Wake wake_;
  Alarm alarm_;
  State state_ = State::None;
  bool stopped_ = false;
  verbs::CompletionStatus failure_ = verbs::CompletionStatus::Success;
  std::size_t private_data_bytes_ = 0;
  std::array<std::byte, verbs::max_accept_private_data> private_data_{};
};

}  // namespace verbs_test
