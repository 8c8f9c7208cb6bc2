// SPDX-License-Identifier: Apache-2.0
// The server's end of a session: receives requests, remembers per slot the last sequence number and its reply, and
// sends answers. It outlives its connection, so that a client that comes back finds its slots; a request that was being
// handled meanwhile goes on, and its answer is given to the retry. Receive buffers are posted again before the answer
// goes out, so the client, which has one slot per buffer, never finds none. Internal to net/rpc; guarded by the
// endpoint's lock.
#pragma once

#include <boost/intrusive/list.hpp>

#include "net/rpc/buffer_pool.h"
#include "net/rpc/endpoint_core.h"
#include "net/rpc/link.h"
#include "net/rpc/server.h"

namespace rpc {

class ServerSession;

// A request being served. Made with its session, two for each slot, because one may still be running when the slot has
// a new request: after its answer, or after a disconnect. More are made if that does not suffice.
class ServerCallRecord final : public ServerCall, public base::Work {
 public:
  enum class Sending : std::uint8_t { No, Bulk, Last, Done };

  boost::intrusive::list_member_hook<> list_hook;  // free, or waiting for room in the send queue

  void run() override;  // on the server's loop: starts the handler, or resumes it after a SendWait

  ServerSession* session = nullptr;
  const Server::Entry* entry = nullptr;
  std::uint16_t index = 0;
  std::uint16_t buffer = 0;  // receive buffer that body and tail lie in
  bool has_buffer = false;
  bool started = false;
  bool finished = false;  // the handler has returned
  bool one_way = false;
  std::uint64_t generation = 0;  // of the connection that the answer goes over; 0: the slot has moved on
  std::uint64_t received_ns = 0;
  std::uint64_t bytes_in = 0;
  // The answer with memory in place.
  Sending sending = Sending::No;
  Error send_result = Error::None;
  std::span<const verbs::Sge> bulk;  // what is still to be posted
  std::uint64_t bulk_offset = 0;     // where it goes in the requester's buffer
  std::uint32_t reply_bytes = 0;     // of the SEND that follows
  std::coroutine_handle<> waiter;
  PeerInfo peer_info;
  std::array<std::byte, max_body_bytes> body_copy;
};

class ServerSession final : private LinkOwner {
 public:
  ServerSession(EndpointCore& core, Server& server, const PeerInfo& who, std::uint32_t session)
      : core_(core), server_(server), who_(who), session_(session), link_(core, *this) {}
  ~ServerSession();

  Result<> allocate(std::uint16_t slots);
  const PeerInfo& who() const { return who_; }
  bool is(base::BootId boot_id, std::uint32_t session) const { return who_.boot_id == boot_id && session_ == session; }
  void promote(const PeerInfo& who) { who_ = who; }
  EndpointCore& core() { return core_; }
  Server& server() { return server_; }

  // Ends the old connection, if any, and takes the request. Busy: handlers still hold receive buffers.
  Result<> accept(verbs::ConnectionRequest& request, const PeerInfo& who, bool resumed);
  void maintain(std::uint64_t now_ns);
  std::uint64_t next_action_ns() const { return link_.is_open() ? base::never_ns : expires_ns_; }
  void forget();  // the connection is ended and the session is to be destroyed when no handler runs any more
  bool may_be_destroyed() const { return forgotten_ && free_count_ == calls_.size(); }
  bool forgotten() const { return forgotten_; }

  // --- of ServerCall ---
  Result<> reply(ServerCallRecord& call, Error status, std::span<const std::byte> body,
                 std::span<const std::byte> tail);
  Result<> start_bulk(ServerCallRecord& call, std::span<const std::byte> body, std::span<const verbs::Sge> spans);
  Result<> start_page(ServerCallRecord& call, const verbs::Sge& page);
  void finish(ServerCallRecord& call);

 private:
  struct Slot {
    std::uint32_t sequence = 0;
    bool fresh = true;        // no request has come yet
    bool remembered = false;  // reply_ holds the answer to `sequence`
    bool sending = false;     // a send of ours has not completed
    std::uint32_t reply_bytes = 0;
    ServerCallRecord* running = nullptr;   // not yet answered
    ServerCallRecord* sender = nullptr;    // wants to know when `sending` ends
    ServerCallRecord* deferred = nullptr;  // waits until `sending` ends
  };
  using CallList =
      boost::intrusive::list<ServerCallRecord,
                             boost::intrusive::member_hook<ServerCallRecord, boost::intrusive::list_member_hook<>,
                                                           &ServerCallRecord::list_hook>,
                             boost::intrusive::constant_time_size<false>>;

  // server_receive.cpp
  void received_locked(std::uint16_t buffer, const verbs::WorkCompletion& completion) override;
  bool receive(std::uint16_t buffer, std::uint32_t bytes);
  bool repeat(Slot& slot, const RequestHeader& header);
  bool begin(Slot& slot, const RequestHeader& header, std::uint16_t buffer, std::uint32_t bytes);
  void dispatch(ServerCallRecord& call);
  Error admit(ServerCallRecord& call, std::uint32_t bytes);
  void keep_request(ServerCallRecord& call);
  void give_buffer_back(ServerCallRecord& call);
  void post_receive(std::uint16_t buffer);
  ServerCallRecord* take_call();
  Result<> add_call();
  void recycle(ServerCallRecord& call);

  // server_session.cpp
  void sent_locked(WorkKind kind, std::uint16_t index) override;
  void lost();
  void answered(ServerCallRecord& call, Error status, std::uint64_t bytes_out);
  std::uint32_t write_reply(ServerCallRecord& call, Error status, std::span<const std::byte> body,
                            std::span<const std::byte> tail, std::uint64_t bulk_bytes);
  void send_reply(std::uint16_t slot, std::uint32_t bytes);
  void push_bulk(ServerCallRecord& call);
  void end_send(ServerCallRecord& call, Error result);
  Slot& slot_of(const ServerCallRecord& call) { return slots_[call.header().slot]; }
  bool attached(const ServerCallRecord& call) const { return call.generation != 0; }
  bool can_send(const ServerCallRecord& call) const {
    return call.generation != 0 && call.generation == link_.generation();
  }

  EndpointCore& core_;
  Server& server_;
  PeerInfo who_;
  const std::uint32_t session_;
  base::Array<Slot> slots_;
  base::Array<base::Own<ServerCallRecord>> calls_;
  CallList free_calls_;
  std::size_t free_count_ = 0;
  std::uint16_t held_buffers_ = 0;
  BufferPool receive_buffers_;
  BufferPool reply_buffers_;  // of each slot
  CallList bulk_waiting_;     // for room in the send queue
  std::uint32_t bulk_outstanding_ = 0;
  std::uint64_t expires_ns_ = base::never_ns;
  bool forgotten_ = false;
  Link link_;
};

}  // namespace rpc
