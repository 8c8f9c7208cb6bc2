// SPDX-License-Identifier: Apache-2.0
// Connections by librdmacm: its event channel, and the ports that are listened on.
#pragma once

#include <map>

#include "net/ibverbs/connection.h"

namespace ibverbs {

class IbConnectionManager final : public verbs::ConnectionManager {
 public:
  // What is wrong is logged.
  static Result<base::Own<IbConnectionManager>> create(Context& context);
  explicit IbConnectionManager(Context& context) : context_(context) {}
  IbConnectionManager(const IbConnectionManager&) = delete;
  IbConnectionManager& operator=(const IbConnectionManager&) = delete;
  ~IbConnectionManager() override;  // connections and requests have gone

  Result<> listen(std::uint16_t port, verbs::ConnectionListener& listener) override;
  void unlisten(std::uint16_t port) override { listeners_.erase(port); }
  Result<base::Own<verbs::Connection>> connect(verbs::QueuePair& queue_pair, verbs::Access access, verbs::Gid peer,
                                               std::uint16_t port, verbs::ConnectionEvents& events,
                                               const verbs::ConnectionParameters& parameters) override;

  // Readable when there are events; take_events() handles them, with the lock held.
  int events_fd() const { return channel_->fd; }
  void take_events();

 private:
  struct Listener {
    Identifier id;
    verbs::ConnectionListener* listener = nullptr;
  };

  bool is_listener(const rdma_cm_id& id) const;

  Context& context_;
  rdma_event_channel* channel_ = nullptr;
  std::map<std::uint16_t, Listener> listeners_;
};

}  // namespace ibverbs
