// SPDX-License-Identifier: Apache-2.0
// An AF_UNIX socket as its peers know it. It lives for as long as somebody refers to it; close() ends its work. All
// state is guarded by the lock of its UnixSpace. What a sender has under way is charged to the sender, as Linux does;
// datagrams of others than the own peer wait in a short queue.
#pragma once

#include <atomic>

#include "linux-abi/sockets/unix_space.h"

namespace linux_abi {

// Who has the socket open. references(): how many there are, those of packets in flight included.
class UnixOwner {
 public:
  virtual std::uint32_t references() const = 0;

 protected:
  ~UnixOwner() = default;
};

inline constexpr std::size_t default_socket_buffer = 212992;  // as net.core.wmem_default
// What a packet of so many bytes costs, with what Linux needs to keep it.
std::size_t unix_packet_charge(std::size_t bytes, SocketType type);

class UnixEndpoint : public processor::Counted, public UnixBinding, public UnixInFlight {
 public:
  static Answer<UnixEndpointReference> create(processor::Reference<UnixSpace> space, SocketType type);
  static Answer<> connect_pair(UnixEndpoint& one, UnixEndpoint& other, const SocketCredentials& creator);
  UnixEndpoint(processor::Reference<UnixSpace> space, SocketType type);

  SocketType type() const { return type_; }
  UnixSpace& space() const { return *space_; }
  const processor::Reference<UnixSpace>& share_space() const { return space_; }
  void set_owner(UnixOwner* owner);

  // EINVAL: it has a name. EADDRINUSE: another has it. node: of a path.
  Answer<> bind(const UnixName& name, const void* node);
  Answer<> autobind();
  bool is_bound();
  UnixName own_name();
  Answer<UnixName> peer_name();  // ENOTCONN

  Answer<> listen(int backlog, const SocketCredentials& own);
  bool is_listening();
  // EAGAIN, EINVAL.
  Answer<UnixEndpointReference> accept(const SendOptions& options, Caller& caller);
  // To a listening socket: ECONNREFUSED, EAGAIN, EISCONN, EINVAL, EPROTOTYPE.
  Answer<> connect(const UnixEndpointReference& listener, const SocketCredentials& own, const SendOptions& options,
                   Caller& caller);
  // Datagrams: where they go, and whose are taken. Empty: anywhere again. EPERM: that one talks to somebody else.
  Answer<> set_peer(UnixEndpointReference peer);
  bool is_connected();

  // `to`: of datagrams; empty: the peer. EPIPE, ENOTCONN, ECONNREFUSED, EMSGSIZE, EAGAIN. A stream may take a part.
  Answer<std::size_t> send(std::span<const std::byte> from, UnixEndpointReference to, base::Own<Attachment>& attachment,
                           const SocketCredentials& credentials, const SendOptions& options, Caller& caller);
  // 0 bytes: the other end is shut. EAGAIN, ECONNRESET, EINVAL or ENOTCONN when it is not connected.
  Answer<Received> receive(std::span<std::byte> to, const ReceiveOptions& options, Caller& caller);
  void shut_down(bool receiving, bool sending);
  void close();

  int take_error();  // SO_ERROR: an errno, told once
  void set_send_buffer(std::size_t bytes);
  // Of who made the peer; pid 0 and ids -1 if there is none.
  SocketCredentials peer_credentials();
  std::size_t bytes_to_read();    // FIONREAD
  std::size_t bytes_under_way();  // SIOCOUTQ
  std::uint32_t events();
  PollSource& source() { return source_; }

  void last_reference_gone() { base::Own<UnixEndpoint>(this).reset(); }
  ~UnixEndpoint();

 private:
  friend class UnixSpace;
  friend class UnixGarbage;
  enum class State : std::uint8_t { Fresh, Listening, Connected };
  struct Backlog {
    base::Array<UnixEndpointReference> waiting;  // connected, not accepted yet
    std::size_t most = 0;
  };

  bool is_datagram() const { return type_ == SocketType::Datagram; }
  bool is_stream() const { return type_ == SocketType::Stream; }
  void become_connected_locked(UnixEndpointReference peer, const SocketCredentials& peer_credentials);
  void leave_peer_locked(UnixEndpointReference& old);
  void refuse();  // of who was not accepted
  void wake_all_locked();
  void unbind_locked();
  std::size_t send_buffer() const { return send_buffer_.load(std::memory_order_relaxed); }
  bool has_room_locked() const { return charged_ < send_buffer(); }
  bool queue_is_full_locked() const;
  int connect_error_locked(const UnixEndpoint& listener) const;
  void meet_locked(UnixEndpoint& listener, const UnixEndpointReference& embryo, const SocketCredentials& own);
  int send_error_locked(const UnixEndpoint* target);
  Answer<> send_packet(const UnixEndpointReference& to, base::Own<UnixPacket>& packet, const SendOptions& options,
                       Caller& caller);
  void put_locked(UnixEndpoint& target, UnixPacket& packet);
  // Out of the queue: into `done`, to be discarded.
  void remove_locked(UnixPacket& packet, UnixPackets& done);
  // Of peeking from an offset on, what is left of it; null: nothing is there.
  UnixPacket* first_locked(std::size_t& skip);
  void take_locked(UnixPacket& packet, bool peek, Received& received);
  std::size_t take_stream_locked(UnixPacket& first, std::size_t skip, std::span<std::byte> to,
                                 const ReceiveOptions& options, Received& received, UnixPackets& done);
  void take_message_locked(UnixPacket& packet, std::size_t skip, std::span<std::byte> to, const ReceiveOptions& options,
                           Received& received, UnixPackets& done);

  const processor::Reference<UnixSpace> space_;
  const SocketType type_;
  State state_ = State::Fresh;
  bool receiving_shut_ = false, sending_shut_ = false, closed_ = false;
  int error_ = 0;
  UnixOwner* owner_ = nullptr;
  UnixEndpointReference peer_;  // of datagrams: where they go
  SocketCredentials own_credentials_, peer_credentials_{0, ~0U, ~0U};
  Backlog backlog_;
  UnixPackets packets_;  // to be received here
  std::size_t packet_bytes_ = 0;
  std::size_t charged_ = 0;
  std::atomic<std::size_t> send_buffer_{default_socket_buffer};  // relaxed: a number
  base::WaitQueue readers_;                                      // here, and of a listening socket those in accept
  base::WaitQueue writers_;                                      // who sends from here and waits for room
  base::WaitQueue comers_;                                       // others who wait for room in this queue or backlog
  PollSource source_;
  // Of datagrams: who sends here by default. They are told when the queue has room.
  boost::intrusive::list_member_hook<> talker_hook_;
  using Talkers = boost::intrusive::list<
      UnixEndpoint,
      boost::intrusive::member_hook<UnixEndpoint, boost::intrusive::list_member_hook<>, &UnixEndpoint::talker_hook_>>;
  Talkers talkers_;
  // In how many packets it is, and what the search for garbage knows of it.
  std::uint32_t in_flight_ = 0;
  std::uint32_t unexplained_ = 0;
  enum class Mark : std::uint8_t { None, Candidate, Alive } mark_ = Mark::None;
};

}  // namespace linux_abi
