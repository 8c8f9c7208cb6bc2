// SPDX-License-Identifier: Apache-2.0
// Hosts, connections and the order of events of the test fabric: see fabric.h.
#include "net/loopback/fabric.h"

#include "net/loopback/objects.h"

namespace loopback {

Fabric::~Fabric() = default;

std::unique_ptr<Host> Fabric::attach(std::uint32_t ip) {
  auto host = std::make_unique<Host>(*this, ip);
  hosts_[ip] = host.get();
  return host;
}

const Fabric::Region* Fabric::find(std::uint32_t key, std::uint32_t ip, std::uint64_t address,
                                   std::uint64_t bytes) const {
  const auto found = regions_.find(key);
  if (found == regions_.end() || found->second.ip != ip) return nullptr;
  const Region& region = found->second;
  if (address < region.address || bytes > region.length || address - region.address > region.length - bytes) {
    return nullptr;
  }
  return &region;
}

bool Fabric::step() {
  std::vector<LoopQueuePair*> movable;
  for (const auto& [number, queue_pair] : queue_pairs_) {
    if (is_cut(queue_pair->ip())) continue;
    if (queue_pair->can_deliver() || queue_pair->can_acknowledge()) movable.push_back(queue_pair);
  }
  while (!events_.empty() || !movable.empty()) {
    const std::size_t choice = random_.below(movable.size() + (events_.empty() ? 0 : 1));
    if (choice == movable.size()) {
      Event event = std::move(events_.front());
      events_.pop_front();
      handle(std::move(event));
      return true;
    }
    if (move_message(*movable[choice])) return true;
    movable.erase(movable.begin() + static_cast<std::ptrdiff_t>(choice));
  }
  return false;
}

bool Fabric::move_message(LoopQueuePair& queue_pair) {
  const auto peer = queue_pairs_.find(queue_pair.peer());
  if (peer != queue_pairs_.end() && is_cut(peer->second->ip())) return false;
  if (queue_pair.can_acknowledge() && (!queue_pair.can_deliver() || random_.below(2) == 0)) {
    queue_pair.acknowledge();
    return true;
  }
  return queue_pair.can_deliver() && queue_pair.deliver();
}

void Fabric::run() {
  while (step()) {
  }
}

void Fabric::break_connections(std::uint32_t a, std::uint32_t b) {
  std::vector<LoopConnection*> broken;
  for (const auto& [id, connection] : connections_) {
    if (connection->connected && connection->ip == a && connection->peer_ip == b) broken.push_back(connection);
  }
  for (LoopConnection* connection : broken) connection->disconnect();
}

void Fabric::set_cut(std::uint32_t ip, bool cut) { cut_[ip] = cut; }

void Fabric::handle(Event event) {
  if (event.kind == Event::Kind::Request) {
    handle_request(event);
    return;
  }
  const auto found = connections_.find(event.connection);
  if (found == connections_.end()) return;
  LoopConnection& connection = *found->second;
  LoopQueuePair* queue_pair = connection.queue_pair();
  switch (event.kind) {
    case Event::Kind::Established:
      connection.connected = true;
      connection.events.established(connection, event.data);
      break;
    case Event::Kind::Rejected:
      connection.events.rejected(connection, event.reason, event.data);
      break;
    case Event::Kind::Disconnected:
      connection.connected = false;
      if (queue_pair != nullptr) queue_pair->fail(verbs::CompletionStatus::WorkRequestFlushed);
      connection.events.disconnected(connection);
      break;
    case Event::Kind::Request:
      break;
  }
}

void Fabric::handle_request(const Event& event) {
  const auto asker = connections_.find(event.connection);
  if (asker == connections_.end()) return;
  const auto host = hosts_.find(event.to_ip);
  Event refusal{Event::Kind::Rejected, event.connection, 0, 0, verbs::RejectReason::Timeout, {}};
  if (host == hosts_.end() || is_cut(event.to_ip) || is_cut(asker->second->ip)) {
    tell(std::move(refusal));
    return;
  }
  const auto listener = host->second->listeners_.find(event.port);
  if (listener == host->second->listeners_.end()) {
    refusal.reason = verbs::RejectReason::InvalidServiceId;
    tell(std::move(refusal));
    return;
  }
  listener->second->requested(
      base::make<LoopRequest>(*this, event.to_ip, asker->second->ip, event.connection, event.data));
}

Host::~Host() { fabric_.hosts_.erase(ip_); }

Result<base::Own<verbs::ProtectionDomain>> Host::allocate_protection_domain() {
  return base::Own<verbs::ProtectionDomain>(TRY(base::try_make<LoopDomain>(fabric_, ip_)));
}

Result<base::Own<verbs::CompletionQueue>> Host::create_completion_queue(std::uint32_t entries) {
  return base::Own<verbs::CompletionQueue>(TRY(base::try_make<LoopCompletions>(entries)));
}

Result<base::Own<verbs::QueuePair>> Host::create_queue_pair(verbs::ProtectionDomain&,
                                                            const verbs::QpInitAttributes& attributes) {
  constexpr std::uint32_t most_segments = 10;  // as net/roce
  if (attributes.capabilities.max_send_sge > most_segments) return base::fail(Error::InvalidArgument);
  return base::Own<verbs::QueuePair>(TRY(base::try_make<LoopQueuePair>(fabric_, ip_, attributes)));
}

Result<> Host::listen(std::uint16_t port, verbs::ConnectionListener& listener) {
  if (!listeners_.emplace(port, &listener).second) return base::fail(Error::Exists);
  return {};
}

Result<base::Own<verbs::Connection>> Host::connect(verbs::QueuePair& queue_pair, verbs::Access access, verbs::Gid peer,
                                                   std::uint16_t port, verbs::ConnectionEvents& events,
                                                   const verbs::ConnectionParameters& parameters) {
  auto connection = TRY(base::try_make<LoopConnection>(fabric_, ip_, peer.ipv4(), events, queue_pair.qp_num(), access));
  fabric_.tell({Fabric::Event::Kind::Request,
                connection->id,
                peer.ipv4(),
                port,
                {},
                {parameters.private_data.begin(), parameters.private_data.end()}});
  return base::Own<verbs::Connection>(std::move(connection));
}

LoopConnection::LoopConnection(Fabric& owner, std::uint32_t own_ip, std::uint32_t other_ip,
                               verbs::ConnectionEvents& connection_events, std::uint32_t queue_pair,
                               verbs::Access peer_access)
    : fabric(owner),
      id(++owner.last_connection_),
      ip(own_ip),
      peer_ip(other_ip),
      events(connection_events),
      qpn(queue_pair),
      access(peer_access) {
  fabric.connections_[id] = this;
}

LoopConnection::~LoopConnection() {
  disconnect();
  fabric.connections_.erase(id);
}

LoopQueuePair* LoopConnection::queue_pair() {
  const auto found = fabric.queue_pairs_.find(qpn);
  return found == fabric.queue_pairs_.end() ? nullptr : found->second;
}

void LoopConnection::disconnect() {
  if (!std::exchange(connected, false)) return;
  if (LoopQueuePair* own = queue_pair()) own->fail(verbs::CompletionStatus::WorkRequestFlushed);
  fabric.tell({Fabric::Event::Kind::Disconnected, id, 0, 0, {}, {}});
  fabric.tell({Fabric::Event::Kind::Disconnected, other, 0, 0, {}, {}});
}

Result<base::Own<verbs::Connection>> LoopRequest::accept(verbs::QueuePair& queue_pair, verbs::Access access,
                                                         verbs::ConnectionEvents& events,
                                                         const verbs::ConnectionParameters& parameters) {
  answered_ = true;
  const auto found = fabric_.connections_.find(from_);
  if (found == fabric_.connections_.end()) return base::fail(Error::NotConnected);
  LoopConnection& initiator = *found->second;
  LoopQueuePair* peer = initiator.queue_pair();
  if (peer == nullptr) return base::fail(Error::NotConnected);
  auto connection = TRY(base::try_make<LoopConnection>(fabric_, ip_, peer_ip_, events, queue_pair.qp_num(), access));
  connection->other = initiator.id;
  connection->connected = true;
  initiator.other = connection->id;
  static_cast<LoopQueuePair&>(queue_pair).connect_to(peer->qp_num(), access);
  peer->connect_to(queue_pair.qp_num(), initiator.access);
  fabric_.tell({Fabric::Event::Kind::Established,
                initiator.id,
                0,
                0,
                {},
                {parameters.private_data.begin(), parameters.private_data.end()}});
  fabric_.tell({Fabric::Event::Kind::Established, connection->id, 0, 0, {}, {}});
  return base::Own<verbs::Connection>(std::move(connection));
}

void LoopRequest::reject(verbs::RejectReason reason, std::span<const std::byte> private_data) {
  answered_ = true;
  fabric_.tell({Fabric::Event::Kind::Rejected, from_, 0, 0, reason, {private_data.begin(), private_data.end()}});
}

}  // namespace loopback
