// SPDX-License-Identifier: Apache-2.0
// Ports and names of a vNode's internet sockets, and its interface to lwIP: see inet_endpoint.h.
#include <algorithm>

#include "linux-abi/sockets/inet_endpoint.h"
#include "linux-abi/sockets/tcp_endpoint.h"
#include "linux-abi/sockets/udp_endpoint.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"

namespace linux_abi {
namespace {

constexpr std::uint16_t first_ephemeral = 32768, last_ephemeral = 60999;  // as net.ipv4.ip_local_port_range

// With inet_lock. 10.0.0.1, 10.0.0.2...: the addresses that only lwIP sees.
ip4_addr_t next_inner_address() {
  static std::uint32_t last = 0;
  constexpr std::uint32_t network = 10U << 24, hosts = (1U << 24) - 2;
  last = last % hosts + 1;
  return {lwip_htonl(network | last)};
}

err_t start_interface(netif* interface) {
  interface->mtu = 0xffff;
  interface->output = [](netif* to, pbuf* packet, const ip4_addr_t*) { return netif_loop_output(to, packet); };
  return ERR_OK;
}

}  // namespace

Answer<processor::Reference<InetSpace>> InetSpace::create() {
  auto space = base::make<InetSpace>();
  if (!space) return error(ENOMEM);
  return processor::Reference<InetSpace>(*space.release());
}

InetSpace::InetSpace() {
  const base::SpinGuard guard(inet_lock);
  static bool started = false;
  if (!started) lwip_init();
  started = true;
  const ip4_addr_t address = next_inner_address(), mask{0xffffffff}, gateway{0};
  netif_add(&interface_, &address, &mask, &gateway, nullptr, start_interface, ip4_input);
  netif_set_up(&interface_);
  netif_set_link_up(&interface_);
}

InetSpace::~InetSpace() {
  const base::SpinGuard guard(inet_lock);
  netif_remove(&interface_);
}

void InetSpace::run_locked(std::uint64_t now_ns) {
  netif_poll(&interface_);
  // Old connections are forgotten when something happens. What there was no memory for has a timer (inet_retries.h).
  static std::uint64_t next_tick_ns = 0;
  if (now_ns < next_tick_ns) return;
  next_tick_ns = now_ns + TCP_TMR_INTERVAL * std::uint64_t{1'000'000};
  tcp_tmr();
}

bool InetSpace::tick_locked() {
  tcp_tmr();
  netif_poll_all();
  for (const tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    if (pcb->refused_data != nullptr || pcb->unacked != nullptr) return true;
    if ((pcb->flags & (TF_NAGLEMEMERR | TF_CLOSEPEND)) != 0) return true;
  }
  return false;
}

template <typename Visit>
void InetSpace::for_port(InetProtocol protocol, std::uint16_t port, Visit visit) {
  struct ByPort {
    bool operator()(const InetEndpoint& endpoint, std::uint16_t wanted) const {
      return endpoint.binding_.own.port < wanted;
    }
    bool operator()(std::uint16_t wanted, const InetEndpoint& endpoint) const {
      return wanted < endpoint.binding_.own.port;
    }
  };
  auto [next, end] = ports(protocol).equal_range(port, ByPort());
  for (; next != end; ++next) visit(*next);
}

bool InetSpace::conflicts_locked(const InetEndpoint& endpoint, std::uint16_t port) {
  bool conflict = false;
  for_port(endpoint.protocol_, port, [&](InetEndpoint& other) {
    if (&other == &endpoint || !other.binding_.overlaps(endpoint.binding_)) return;
    const bool share_port = other.reuse_port_ && endpoint.reuse_port_ && other.uid_ == endpoint.uid_;
    const bool share_address = other.reuse_address_ && endpoint.reuse_address_ && !other.listens_;
    conflict = conflict || !(share_port || share_address);
  });
  return conflict;
}

Answer<> InetSpace::take_port_locked(InetEndpoint& endpoint, std::uint16_t port) {
  constexpr std::uint32_t count = last_ephemeral - first_ephemeral + 1;
  if (port != 0 && conflicts_locked(endpoint, port)) return error(EADDRINUSE);
  for (std::uint32_t tries = 0; port == 0 && tries < count; ++tries) {
    last_port_ = static_cast<std::uint16_t>((last_port_ + 1) % count);
    const auto candidate = static_cast<std::uint16_t>(first_ephemeral + last_port_);
    bool taken = false;
    for_port(endpoint.protocol_, candidate, [&](InetEndpoint&) { taken = true; });
    if (!taken) port = candidate;
  }
  if (port == 0) return error(EADDRINUSE);
  endpoint.binding_.own.port = port;
  ports(endpoint.protocol_).insert(endpoint);
  return {};
}

void InetSpace::share_port_locked(InetEndpoint& endpoint) { ports(endpoint.protocol_).insert(endpoint); }

void InetSpace::release_port_locked(InetEndpoint& endpoint) {
  Ports& all = ports(endpoint.protocol_);
  if (endpoint.is_linked()) all.erase(all.iterator_to(endpoint));
}

bool InetSpace::may_listen_locked(const InetEndpoint& endpoint) {
  return !conflicts_locked(endpoint, endpoint.binding_.own.port);
}

InetEndpoint* InetSpace::find_locked(InetProtocol protocol, const InetAddress& to, const InetAddress* from) {
  InetEndpoint* best = nullptr;
  unsigned best_fit = 0;
  for_port(protocol, to.port, [&](InetEndpoint& each) {
    if (protocol == InetProtocol::Tcp && !each.listens_) return;
    unsigned fit = each.binding_.fits(to);
    if (fit != 0 && from != nullptr && each.peer_.port != 0) fit = each.peer_ == *from ? fit + 4 : 0;
    if (fit <= best_fit) return;
    best = &each;
    best_fit = fit;
  });
  return best;
}

Answer<InetEndpointReference> InetEndpoint::create(processor::Reference<InetSpace> space, int family,
                                                   InetProtocol protocol) {
  InetEndpoint* made = nullptr;
  if (protocol == InetProtocol::Tcp)
    made = base::make<TcpEndpoint>(std::move(space), family).release();
  else
    made = base::make<UdpEndpoint>(std::move(space), family).release();
  if (made == nullptr) return error(ENOMEM);
  return InetEndpointReference(*made);
}

InetEndpoint::InetEndpoint(processor::Reference<InetSpace> space, int family, InetProtocol protocol)
    : space_(std::move(space)), protocol_(protocol) {
  binding_.family = family;
  binding_.own = InetAddress::any(family);
}

void InetEndpoint::set_reuse(bool address, bool port, std::uint32_t uid) {
  const base::SpinGuard guard(inet_lock);
  reuse_address_ = address;
  reuse_port_ = port;
  uid_ = uid;
}

Answer<> InetEndpoint::set_only_v6(bool only) {
  const base::SpinGuard guard(inet_lock);
  if (is_bound_locked()) return error(EINVAL);
  binding_.only_v6 = only;
  return {};
}

Answer<> InetEndpoint::become_v4() {
  const bool connected = peer_name().has_value();
  const base::SpinGuard guard(inet_lock);
  if (!connected) return error(ENOTCONN);
  if (binding_.only_v6 || !peer_.is_v4()) return error(EADDRNOTAVAIL);
  binding_.family = address_family::internet;
  return {};
}

Answer<> InetEndpoint::bind_locked(const InetAddress& address) {
  const InetAddress before = binding_.own;
  binding_.own.bytes = address.bytes;
  const Answer<> taken = space_->take_port_locked(*this, address.port);
  if (!taken) binding_.own = before;
  return taken;
}

Answer<> InetEndpoint::bind(const InetAddress& address, bool privileged) {
  constexpr std::uint16_t first_unprivileged = 1024;
  const base::SpinGuard guard(inet_lock);
  if (binding_.only_v6 && address.is_v4()) return error(EINVAL);
  if (!address.is_any() && !address.is_loopback()) return error(EADDRNOTAVAIL);
  if (address.port != 0 && address.port < first_unprivileged && !privileged) return error(EACCES);
  if (is_bound_locked()) return error(EINVAL);
  TRY(bind_locked(address));
  address_given_ = !address.is_any();
  port_given_ = address.port != 0;
  return {};
}

void InetEndpoint::forget_name_locked() {
  if (!port_given_ && is_bound_locked()) {
    space_->release_port_locked(*this);
    binding_.own.port = 0;
  }
  if (!address_given_) binding_.own.bytes = InetAddress::any(binding_.family).bytes;
}

Answer<InetAddress> InetEndpoint::prepare_locked(const InetAddress& to) {
  InetAddress target = to;
  if (to.is_any()) target.bytes = InetAddress::loopback(to.is_v4()).bytes;
  if (!target.is_loopback()) return error(ENETUNREACH);
  if (target.is_v4() && binding_.only_v6) return error(ENETUNREACH);
  if (!binding_.own.is_any() && binding_.own.is_v4() != target.is_v4()) return error(EINVAL);
  if (!is_bound_locked()) TRY(bind_locked(binding_.own));
  return target;
}

InetAddress InetEndpoint::name() {
  const base::SpinGuard guard(inet_lock);
  return binding_.own;
}

Answer<InetAddress> InetEndpoint::peer_name() {
  const base::SpinGuard guard(inet_lock);
  if (peer_.port == 0) return error(ENOTCONN);
  return peer_;
}

int InetEndpoint::take_error() {
  const base::SpinGuard guard(inet_lock);
  return std::exchange(error_, 0);
}

void InetEndpoint::wake_all_locked() {
  readers_.wake_all();
  writers_.wake_all();
  source_.notify(0);
}

}  // namespace linux_abi

namespace processor {
void ReferenceCount<linux_abi::InetSpace>::take(linux_abi::InetSpace& space) {
  CountedReferences<linux_abi::InetSpace>::take(space);
}
void ReferenceCount<linux_abi::InetSpace>::drop(linux_abi::InetSpace& space) {
  CountedReferences<linux_abi::InetSpace>::drop(space);
}
}  // namespace processor
