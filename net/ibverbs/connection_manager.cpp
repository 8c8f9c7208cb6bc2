// SPDX-License-Identifier: Apache-2.0
#include "net/ibverbs/connection_manager.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernel/base/log.h"

namespace ibverbs {
namespace {

constexpr int backlog = 128;

Event copy(const rdma_cm_event& from) {
  Event event;
  event.type = from.event;
  event.status = from.status;
  switch (from.event) {
    case RDMA_CM_EVENT_CONNECT_REQUEST:
    case RDMA_CM_EVENT_CONNECT_RESPONSE:
    case RDMA_CM_EVENT_ESTABLISHED:
    case RDMA_CM_EVENT_REJECTED: {
      const auto* data = static_cast<const std::byte*>(from.param.conn.private_data);
      if (data != nullptr) event.private_data.assign(data, data + from.param.conn.private_data_len);
      event.responder_resources = from.param.conn.responder_resources;
      event.initiator_depth = from.param.conn.initiator_depth;
      break;
    }
    default:
      break;
  }
  return event;
}

}  // namespace

Result<base::Own<IbConnectionManager>> IbConnectionManager::create(Context& context) {
  auto manager = TRY(base::try_make<IbConnectionManager>(context));
  manager->channel_ = rdma_create_event_channel();
  if (manager->channel_ == nullptr) {
    const int error = errno;
    base::log_error("verbs", "no connection manager (is the module rdma_ucm loaded?): {}",
                    std::string_view(strerror(error)));
    return base::fail(error_of(error));
  }
  const int fd = manager->events_fd();
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return manager;
}

IbConnectionManager::~IbConnectionManager() {
  listeners_.clear();
  if (channel_ != nullptr) rdma_destroy_event_channel(channel_);
}

Result<> IbConnectionManager::listen(std::uint16_t port, verbs::ConnectionListener& listener) {
  if (listeners_.contains(port)) return base::fail(Error::Exists);
  rdma_cm_id* id = nullptr;
  if (rdma_create_id(channel_, &id, &listener, RDMA_PS_TCP) != 0) return base::fail(error_of(errno));
  Identifier owned(id);
  SocketAddress address(context_.address, port, context_.interface_index);
  if (rdma_bind_addr(id, address.get()) != 0 || rdma_listen(id, backlog) != 0) return base::fail(error_of(errno));
  listeners_[port] = {std::move(owned), &listener};
  return {};
}

Result<base::Own<verbs::Connection>> IbConnectionManager::connect(verbs::QueuePair& queue_pair, verbs::Access access,
                                                                  verbs::Gid peer, std::uint16_t port,
                                                                  verbs::ConnectionEvents& events,
                                                                  const verbs::ConnectionParameters& parameters) {
  auto connection = TRY(
      base::try_make<IbConnection>(context_, static_cast<IbQueuePair&>(queue_pair), access, events, parameters, peer));
  TRY(connection->connect(channel_, port));
  return connection;
}

bool IbConnectionManager::is_listener(const rdma_cm_id& id) const {
  return std::ranges::any_of(listeners_, [&id](const auto& entry) { return entry.second.id.get() == &id; });
}

void IbConnectionManager::take_events() {
  rdma_cm_event* next = nullptr;
  while (rdma_get_cm_event(channel_, &next) == 0) {
    rdma_cm_id* const id = next->id;
    void* const listener = next->listen_id != nullptr ? next->listen_id->context : nullptr;
    Event event = copy(*next);
    rdma_ack_cm_event(next);
    if (event.type == RDMA_CM_EVENT_CONNECT_REQUEST) {
      // Without memory it is refused by its end.
      auto request = base::make<IbConnectionRequest>(context_, Identifier(id), std::move(event));
      if (request) static_cast<verbs::ConnectionListener*>(listener)->requested(std::move(request));
    } else if (id->context != nullptr && !is_listener(*id)) {
      static_cast<IbConnection*>(id->context)->handle(event);
    }
  }
}

}  // namespace ibverbs
