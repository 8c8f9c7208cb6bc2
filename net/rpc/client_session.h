// SPDX-License-Identifier: Apache-2.0
// The client's end of a session: see peer.h. Slots outlive connections: an unanswered request is sent again, with its
// slot and sequence number, over the next connection. A slot is free again when its request has been answered, sent
// completely, and the answer's receive buffer is posted again; so requests outstanding never exceed the buffers posted
// on either side. Internal to net/rpc; guarded by the endpoint's lock.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>

#include "net/rpc/buffer_pool.h"
#include "net/rpc/endpoint_core.h"
#include "net/rpc/limits.h"
#include "net/rpc/link.h"
#include "net/rpc/peer.h"

namespace rpc {

class ClientSession final : public Peer, private LinkOwner {
 public:
  ClientSession(EndpointCore& core, const NodeAddress& address, std::uint32_t session)
      : core_(core), address_(address), session_(session), link_(core, *this) {}
  ~ClientSession();

  // --- without the lock ---
  void submit(Call& call) override;
  void abandon(Call& call) override;
  const NodeAddress& address() const override { return address_; }
  bool connected() override;
  void drop_reply(std::uint16_t slot) override;

  // --- with the lock ---
  void maintain(std::uint64_t now_ns);
  std::uint64_t next_action_ns() const {
    return state_ == State::Waiting ? retry_at_ns_ : state_ == State::Established ? probe_at_ns_ : base::never_ns;
  }
  void deadline_passed(Call& call);
  void declare_dead();

 private:
  enum class State : std::uint8_t {
    Idle,     // never used, or refused: the next call connects
    Waiting,  // until retry_at_ns_, then connects
    Connecting,
    Established,
    Dead,
  };
  struct Slot {
    Call* call = nullptr;  // null while in use: nobody waits for the answer any more
    std::uint32_t sequence = 0;
    std::uint16_t operation = 0;
    std::uint64_t request_id = 0;
    std::uint16_t reply_buffer = 0;
    Priority priority = Priority::Demand;
    bool in_use = false;
    bool sending = false;  // the send has not completed: our memory may be read
    bool answered = false;
    bool settled = false;  // answered and done with: it counts no longer against the limits
    bool held = false;     // a Reply has the receive buffer
    bool resend = false;   // not answered before the connection ended; nothing can touch its memory
  };
  using CallQueue = boost::intrusive::list<Call, boost::intrusive::member_hook<Call, CallListHook, &Call::list_hook_>,
                                           boost::intrusive::constant_time_size<false>>;

  // client_session.cpp: calls and slots
  static Error check(const CallRequest& request);
  void pump();
  bool may_send(Priority priority) const;
  std::uint16_t free_slot();
  void start(Call& call, std::uint16_t index);
  void post(std::uint16_t index, bool retry);
  void received_locked(std::uint16_t buffer, const verbs::WorkCompletion& completion) override;
  void sent_locked(WorkKind kind, std::uint16_t index) override;
  void received_page(const verbs::WorkCompletion& completion);
  bool received_message(std::uint16_t buffer, std::uint32_t bytes);
  void answer(std::uint16_t index, Error outcome, Reply reply, std::uint64_t bytes_in);
  void leave(Call& call, Error outcome);
  void release_if_possible(Slot& slot);
  void settle_if_possible(Slot& slot);
  void free_if_possible(Slot& slot);
  void post_receive(std::uint16_t buffer);
  static bool names_memory(const CallRequest& request) { return request.bulk.bytes != 0 || !request.tail.empty(); }

  // client_connect.cpp: connections
  void want_connection();
  void watch_silence();
  void probe(std::uint64_t now_ns);
  bool awaits_answer() const;
  Result<> allocate();
  void connect();
  Result<> try_connect();
  void established();
  void rejected();
  void lost();
  void end_unanswered(Slot& slot, Error error);
  void fail_all(Error error);
  void wait_and_retry();
  void resume_slots(bool resumed, bool same_boot);
  static bool safe_to_repeat(messages::Operation operation);

  EndpointCore& core_;
  NodeAddress address_;
  const std::uint32_t session_;
  State state_ = State::Idle;
  std::uint64_t retry_at_ns_ = 0;
  std::uint64_t backoff_ns_ = 0;
  std::uint64_t heard_ns_ = 0;                  // the last time that the server's end showed life
  std::uint64_t probe_at_ns_ = base::never_ns;  // when to look whether it still does
  bool probing_ = false;
  base::BootId server_boot_;  // of the last welcome
  std::uint32_t max_request_bytes_ = 0;
  std::uint16_t granted_ = 0;    // slots that may be used
  std::uint16_t next_slot_ = 0;  // the search begins there: both ends may still wait to hear that the last one is done
  std::array<std::uint16_t, priority_count> in_use_{};  // not settled
  std::array<CallQueue, priority_count> queues_;
  base::Array<Slot> slots_;
  BufferPool send_buffers_;  // of each slot: header, body, copied tail
  BufferPool receive_buffers_;
  base::Array<bool> receive_held_;  // by a Reply
  Link link_;
};

}  // namespace rpc
