// SPDX-License-Identifier: Apache-2.0
// The client's end of a session with one boot of a component: queues calls, keeps at most as many outstanding as the
// server has receive buffers, and after a disconnect connects again and repeats what was not answered.
#pragma once

#include "net/rpc/call.h"
#include "net/rpc/identity.h"

namespace rpc {

class Peer {
 public:
  // Takes an idle call. Never fails by itself: everything is told by completed(), which never runs inside submit. May
  // be called with locks of rank before Rpc held.
  virtual void submit(Call& call) = 0;
  // The caller does not want to wait any longer: completed(Interrupted) comes soon, unless completed() was or is
  // already being called, and released() when the memory is free. Only for calls that were submitted and not yet
  // released.
  virtual void abandon(Call& call) = 0;
  virtual const NodeAddress& address() const = 0;
  virtual bool connected() = 0;

 protected:
  ~Peer() = default;
  friend class Reply;
  virtual void drop_reply(std::uint16_t slot) = 0;
};

}  // namespace rpc
