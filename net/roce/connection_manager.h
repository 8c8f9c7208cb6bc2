// SPDX-License-Identifier: Apache-2.0
// Makes and ends connections with the CM protocol on QP 1 (IBTA Volume 1, chapter 12), as librdmacm does for its TCP
// port space. Messages may be lost, repeated, late or crossed: requests are repeated until they are answered, and
// repeated requests get the same answer. The table of connections is bounded; those that only wait for late messages
// (TimeWait) make room for new ones.
#pragma once

#include <array>
#include <cstdint>

#include "net/roce/cm_messages.h"
#include "net/roce/connection.h"
#include "net/roce/core.h"
#include "net/roce/datagram_pool.h"
#include "net/roce/frame_input.h"
#include "net/verbs/connection_manager.h"

namespace roce {

class RoceConnectionManager final : public verbs::ConnectionManager, public ManagementHandler, public Sender {
 public:
  RoceConnectionManager(Core& core, DatagramPool& datagrams) : core_(core), datagrams_(datagrams) {}
  ~RoceConnectionManager();
  Result<> initialize();

  // verbs::ConnectionManager
  Result<> listen(std::uint16_t port, verbs::ConnectionListener& listener) override;
  void unlisten(std::uint16_t port) override;
  Result<base::Own<verbs::Connection>> connect(verbs::QueuePair& queue_pair, verbs::Access access, verbs::Gid peer,
                                               std::uint16_t port, verbs::ConnectionEvents& events,
                                               const verbs::ConnectionParameters& parameters) override;

  // The engine
  void receive_management(const Packet& packet, const Arrival& arrival) override;
  void first_packet(std::uint32_t qpn) override;
  Emitted emit() override;

  // The handles
  Result<base::Own<verbs::Connection>> accept(std::uint32_t id, verbs::QueuePair& queue_pair, verbs::Access access,
                                              verbs::ConnectionEvents& events,
                                              const verbs::ConnectionParameters& parameters);
  void reject(std::uint32_t id, verbs::RejectReason reason, std::span<const std::byte> private_data);
  void disconnect(std::uint32_t id);
  void let_go(std::uint32_t id);

  void timed_out(ConnectionEntry& entry);

 private:
  struct Listener {
    std::uint16_t port = 0;
    verbs::ConnectionListener* listener = nullptr;
  };
  // What is sent, how often and how far apart, until something else is.
  struct Repeat {
    std::uint32_t tries = 0;
    std::uint64_t interval_ns = 0;
  };

  // The table (connection_manager.cpp)
  ConnectionEntry* allocate();
  ConnectionEntry* find(std::uint32_t local_id);
  ConnectionEntry* find_from(std::uint32_t local_id, const Arrival& arrival);
  ConnectionEntry* find_remote(std::uint32_t remote_id, const verbs::Gid& peer, bool active);
  Result<> reach(ConnectionEntry& entry, const verbs::Gid& peer);
  void free(ConnectionEntry& entry);
  void time_wait(ConnectionEntry& entry);
  Listener* find_listener(std::uint16_t port);
  void take_parameters(ConnectionEntry& entry, const verbs::ConnectionParameters& parameters);
  void cancel(ConnectionEntry& entry);

  // Transitions
  Result<> bring_up(ConnectionEntry& entry);
  void bring_down(ConnectionEntry& entry);
  void establish(ConnectionEntry& entry, std::span<const std::byte> private_data);
  void report_rejected(ConnectionEntry& entry, verbs::RejectReason reason, std::span<const std::byte> private_data);
  void report_disconnected(ConnectionEntry& entry);
  void send_disconnect(ConnectionEntry& entry);

  // Messages in (cm_input.cpp)
  void receive(const cm::MadHeader& header, const cm::Request& request, const Arrival& arrival);
  void receive(const cm::MadHeader& header, const cm::Reply& reply, const Arrival& arrival);
  void receive(const cm::MadHeader& header, const cm::ReadyToUse& message, const Arrival& arrival);
  void receive(const cm::MadHeader& header, const cm::Reject& reject, const Arrival& arrival);
  void receive(const cm::MadHeader& header, const cm::DisconnectRequest& message, const Arrival& arrival);
  void receive(const cm::MadHeader& header, const cm::DisconnectReply& message, const Arrival& arrival);
  void receive(const cm::MadHeader& header, const cm::MessageReceiptAcknowledgement& message, const Arrival& arrival);
  bool repeated_request(const cm::MadHeader& header, const cm::Request& request, const Arrival& arrival);
  bool stale_request(const cm::MadHeader& header, const cm::Request& request, const Arrival& arrival);
  void new_request(const cm::MadHeader& header, const cm::Request& request, const Arrival& arrival,
                   verbs::ConnectionListener& listener);

  // Messages out (cm_output.cpp)
  template <typename T>
  void send(ConnectionEntry& entry, const T& message, Repeat repeat);
  void send_again(ConnectionEntry& entry);
  void send_request(ConnectionEntry& entry, std::uint16_t port, std::span<const std::byte> private_data);
  void send_reply(ConnectionEntry& entry, std::span<const std::byte> private_data, Repeat repeat);
  void send_ready(ConnectionEntry& entry);
  void send_reject(ConnectionEntry& entry, std::uint16_t reason, std::span<const std::byte> private_data);
  void send_disconnect_reply(ConnectionEntry& entry);
  // Answers that belong to no connection of ours.
  void answer_reject(const cm::MadHeader& header, std::uint32_t remote_id, std::uint8_t message, std::uint16_t reason,
                     const Arrival& arrival);
  void answer_acknowledgement(const cm::MadHeader& header, const ConnectionEntry& entry, const Arrival& arrival);
  void answer_disconnect(const cm::MadHeader& header, const cm::DisconnectRequest& request, const Arrival& arrival);
  template <typename T>
  void answer(const cm::MadHeader& header, const T& message, const Arrival& arrival);
  Sent transmit(const Path& path, std::span<const std::byte, cm::mad_bytes> mad);

  Core& core_;
  DatagramPool& datagrams_;
  base::Array<base::Own<ConnectionEntry>> entries_;
  std::uint32_t index_bits_ = 0;
  std::uint32_t next_index_ = 0;
  std::array<Listener, limits::listeners> listeners_;
  boost::intrusive::list<ConnectionEntry, boost::intrusive::base_hook<DueHook>,
                         boost::intrusive::constant_time_size<false>>
      due_;  // their `mad` is to be sent
  Psn psn_ = 0;
};

}  // namespace roce
