// SPDX-License-Identifier: Apache-2.0
// One connection: queue pair, completion queue and CM connection, with what the engine tells about them noted down, so
// that it is acted upon outside the engine. Internal to net/rpc. Everything is guarded by the endpoint's lock. close()
// is the fence: after it nothing touches the memory that was posted.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <span>

#include "kernel/base/memory.h"
#include "net/rpc/buffers.h"
#include "net/verbs/connection_manager.h"

namespace rpc {

class EndpointCore;
class Link;

enum class WorkKind : std::uint8_t { Receive = 1, Request = 2, Reply = 3, Bulk = 4, Probe = 5 };
constexpr std::uint64_t work_id(WorkKind kind, std::uint16_t index) {
  return static_cast<std::uint64_t>(kind) << 16 | index;
}
constexpr WorkKind work_kind(std::uint64_t id) { return static_cast<WorkKind>(id >> 16); }
constexpr std::uint16_t work_index(std::uint64_t id) { return static_cast<std::uint16_t>(id); }

class LinkOwner {
 public:
  virtual void received_locked(std::uint16_t buffer, const verbs::WorkCompletion& completion) = 0;
  virtual void sent_locked(WorkKind kind, std::uint16_t index) = 0;

 protected:
  ~LinkOwner() = default;
};

class Link final : public verbs::ConnectionEvents,
                   public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  enum class Event : std::uint8_t { None, Established, Rejected };

  Link(EndpointCore& core, LinkOwner& owner) : core_(core), owner_(owner) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { close(); }

  // Makes the queues, in Reset.
  Result<> open(std::uint32_t sends, std::uint32_t receives, std::uint32_t send_segments);
  // Disconnects and destroys everything; afterwards it can be opened again.
  void close();
  bool is_open() const { return static_cast<bool>(queue_pair_); }
  std::uint64_t generation() const { return generation_; }  // of what is open; never the same twice

  verbs::QueuePair& queue_pair() { return *queue_pair_; }
  void set_connection(base::Own<verbs::Connection> connection) { connection_ = std::move(connection); }
  Result<> post_receive(std::uint16_t index, const Buffer& buffer);
  // A failure is noted: the link is to be closed by maintenance.
  Result<> post_send(const verbs::SendWorkRequest& request);
  void note_failure();

  // Handles up to a bounded number of completions; if there may be more the link is ready again.
  void drain();

  // The last thing that the connection manager told, once.
  Event take_event() { return std::exchange(event_, Event::None); }
  verbs::RejectReason reject_reason() const { return reject_reason_; }
  std::span<const std::byte> private_data() const { return std::span(private_data_).first(private_data_bytes_); }
  bool failed() const { return failed_; }

 private:
  void established(verbs::Connection& connection, std::span<const std::byte> private_data) override;
  void rejected(verbs::Connection& connection, verbs::RejectReason reason,
                std::span<const std::byte> private_data) override;
  void disconnected(verbs::Connection& connection) override;
  void note(Event event, std::span<const std::byte> private_data);
  static void completions_ready(void* link);
  void handle(const verbs::WorkCompletion& completion);

  EndpointCore& core_;
  LinkOwner& owner_;
  base::Own<verbs::CompletionQueue> completions_;
  base::Own<verbs::QueuePair> queue_pair_;
  base::Own<verbs::Connection> connection_;
  std::uint64_t generation_ = 0;
  Event event_ = Event::None;
  bool failed_ = false;
  verbs::RejectReason reject_reason_{};
  std::size_t private_data_bytes_ = 0;
  std::array<std::byte, verbs::max_accept_private_data> private_data_{};
};

}  // namespace rpc
