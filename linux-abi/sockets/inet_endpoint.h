// SPDX-License-Identifier: Apache-2.0
// What TCP and UDP sockets of a vNode share: names, ports, errors, who waits. One lock (rank Process) guards them and
// lwIP, whose state is one for the whole component. Each vNode has an interface of lwIP with an address of its own, and
// each socket a port there that nobody sees: who is meant by a visible address is looked up in the vNode's own tables,
// so that vNodes with the same addresses and ports know nothing of one another.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include "kernel/base/spinlock.h"
#include "linux-abi/files/poll_source.h"
#include "linux-abi/sockets/inet_address.h"
#include "linux-abi/sockets/inet_reference.h"
#include "linux-abi/sockets/socket_message.h"
#include "linux-abi/sockets/socket_options.h"
#include "linux-abi/sockets/wait.h"
#include "lwip/netif.h"

namespace linux_abi {

inline base::SpinLock inet_lock{base::LockRank::Process};

class InetEndpoint;
class TcpEndpoint;
using InetEndpointReference = processor::Reference<InetEndpoint>;

// Of the datagram that is on its way.
struct DatagramTags {
  InetAddress from, to;
  PacketMarks marks;
  std::uint64_t sent_ns = 0;  // wall time
};

enum class InetProtocol : std::uint8_t { Tcp = 6, Udp = 17 };

class InetEndpoint : public processor::Counted, public boost::intrusive::set_base_hook<> {
 public:
  static Answer<InetEndpointReference> create(processor::Reference<InetSpace> space, int family, InetProtocol protocol);
  InetEndpoint(processor::Reference<InetSpace> space, int family, InetProtocol protocol);
  virtual ~InetEndpoint() = default;

  int family() const { return binding_.family; }  // constant but for become_v4()
  InetProtocol protocol() const { return protocol_; }
  InetSpace& space() const { return *space_; }
  void set_reuse(bool address, bool port, std::uint32_t uid);
  Answer<> set_only_v6(bool only);
  // IPV6_ADDRFORM: of AF_INET from now on. ENOTCONN, EADDRNOTAVAIL: connected to no IPv4 address.
  Answer<> become_v4();

  // EINVAL: it has a name. EADDRINUSE, EADDRNOTAVAIL, EACCES.
  Answer<> bind(const InetAddress& address, bool privileged);
  InetAddress name();
  Answer<InetAddress> peer_name();  // ENOTCONN
  int take_error();
  PollSource& source() { return source_; }

  virtual Answer<> listen(int backlog) = 0;
  virtual bool is_listening() { return false; }
  virtual Answer<InetEndpointReference> accept(const ReceiveOptions& options, Caller& caller) = 0;
  virtual Answer<> connect(const InetAddress& to, const SendOptions& options, Caller& caller) = 0;
  virtual Answer<> disconnect() = 0;
  virtual Answer<> shut_down(bool receiving, bool sending) = 0;
  virtual Answer<std::size_t> send(std::span<const std::byte> from, const InetAddress* to, const SendOptions& options,
                                   Caller& caller) = 0;
  virtual Answer<Received> receive(std::span<std::byte> to, const ReceiveOptions& options, Caller& caller) = 0;
  virtual void close(bool abort) = 0;
  virtual std::uint32_t events() = 0;
  virtual std::size_t bytes_to_read() = 0;
  virtual std::size_t bytes_under_way() = 0;
  virtual std::size_t bytes_unsent() { return 0; }  // of these, what has not left yet
  virtual int tcp_state() { return 0; }             // as struct tcp_info has it
  virtual std::uint32_t segment_bytes() { return 0; }
  virtual void limit_segments(std::uint32_t) {}  // TCP_MAXSEG, of connections to come; 0: not

  bool operator<(const InetEndpoint& other) const { return binding_.own.port < other.binding_.own.port; }
  void last_reference_gone() { base::Own<InetEndpoint>(this).reset(); }

 protected:
  friend class InetSpace;
  bool is_bound_locked() const { return binding_.own.port != 0; }
  Answer<> bind_locked(const InetAddress& address);
  // A port, and towards `to` an address, if it has none yet. ENETUNREACH: `to` is not within this machine.
  Answer<InetAddress> prepare_locked(const InetAddress& to);
  // It is connected no more: what of its name nobody gave it by bind() goes.
  void forget_name_locked();
  void wake_all_locked();

  const processor::Reference<InetSpace> space_;
  const InetProtocol protocol_;
  InetBinding binding_;
  bool address_given_ = false, port_given_ = false;  // by bind()
  InetAddress peer_;                                 // port 0: none
  bool reuse_address_ = false, reuse_port_ = false;
  std::uint32_t uid_ = 0;
  bool listens_ = false;
  bool receiving_shut_ = false, sending_shut_ = false, closed_ = false;
  int error_ = 0;
  std::uint16_t inner_port_ = 0;  // where lwIP knows it
  base::WaitQueue readers_, writers_;
  PollSource source_;
};

// The internet sockets of a vNode. All under inet_lock, but for create().
class InetSpace : public processor::Counted {
 public:
  static Answer<processor::Reference<InetSpace>> create();
  InetSpace();
  ~InetSpace();
  InetSpace(const InetSpace&) = delete;
  InetSpace& operator=(const InetSpace&) = delete;

  netif& interface() { return interface_; }
  const ip_addr_t& inner_address() const { return interface_.ip_addr; }
  // Lets everything happen that has been sent: packets of lwIP come back to this machine at once.
  void run_locked(std::uint64_t now_ns);
  // lwIP's timers, for all vNodes. Whether something waits for the next time: it was not taken, not sent, or got lost.
  static bool tick_locked();

  // 0: a port of its choice. EADDRINUSE.
  Answer<> take_port_locked(InetEndpoint& endpoint, std::uint16_t port);
  // Of an accepted connection, which shares its listener's.
  void share_port_locked(InetEndpoint& endpoint);
  void release_port_locked(InetEndpoint& endpoint);
  bool may_listen_locked(const InetEndpoint& endpoint);
  // Whom a packet to that address would reach; `from`: of datagrams, whose sender some sockets care for.
  InetEndpoint* find_locked(InetProtocol protocol, const InetAddress& to, const InetAddress* from);

  // Who is connecting, until the other side knows its name.
  boost::intrusive::list<TcpEndpoint, boost::intrusive::constant_time_size<false>>& connecting();
  const DatagramTags* passing = nullptr;  // while lwIP carries it

  void last_reference_gone() { base::Own<InetSpace>(this).reset(); }

 private:
  using Ports = boost::intrusive::multiset<InetEndpoint>;
  Ports& ports(InetProtocol protocol) { return protocol == InetProtocol::Tcp ? tcp_ports_ : udp_ports_; }
  template <typename Visit>
  void for_port(InetProtocol protocol, std::uint16_t port, Visit visit);
  bool conflicts_locked(const InetEndpoint& endpoint, std::uint16_t port);

  netif interface_{};
  Ports tcp_ports_, udp_ports_;
  std::uint16_t last_port_ = 0;
};

}  // namespace linux_abi
