// SPDX-License-Identifier: Apache-2.0
// The AF_UNIX sockets of a vNode: their names, the one lock that guards all of them (rank Process; so every look at
// several sockets is consistent), and the files that are in flight between them. Packets that nobody will receive are
// thrown away in one place (discard), outside of the lock and one after the other, whatever the files in them hold.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include "kernel/base/array.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/abi/errno.h"
#include "linux-abi/files/caller.h"
#include "linux-abi/files/poll_source.h"
#include "linux-abi/sockets/socket_message.h"
#include "linux-abi/sockets/unix_name.h"
#include "processor/reference.h"

namespace linux_abi {

class UnixEndpoint;
using UnixEndpointReference = processor::Reference<UnixEndpoint>;

// A message, or a piece of a stream, on its way. `charge` is what it costs its sender's buffer.
struct UnixPacket : boost::intrusive::list_base_hook<> {
  UnixPacket();
  ~UnixPacket();
  base::Array<std::byte> bytes;
  std::size_t taken = 0;  // of a stream's packet
  std::size_t charge = 0;
  base::Own<Attachment> attachment;
  SocketCredentials credentials;
  std::uint64_t sent_ns = 0;  // wall time; of messages
  UnixEndpointReference sender;
};
using UnixPackets = boost::intrusive::list<UnixPacket>;

// How an endpoint is found by its name. `node`: of a name that is a path, the file; empty for an abstract name.
struct UnixBinding : boost::intrusive::set_base_hook<> {
  UnixName name;
  const void* node = nullptr;
  bool operator<(const UnixBinding& other) const {
    if (node != other.node) return node < other.node;
    return name.abstract() < other.name.abstract();
  }
};

// An endpoint whose socket is in some packet.
struct UnixInFlight : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {};
using UnixSocketsInFlight = boost::intrusive::list<UnixInFlight, boost::intrusive::constant_time_size<false>>;

class UnixSpace : public processor::Counted {
 public:
  static Answer<processor::Reference<UnixSpace>> create();

  base::SpinLock lock{base::LockRank::Process};

  // ECONNREFUSED. By the file that was bound to, or by an abstract name.
  Answer<UnixEndpointReference> find_bound(const void* node);
  Answer<UnixEndpointReference> find_abstract(const UnixName& name);
  // How many files are in flight.
  std::size_t files_in_flight();
  // Ends sockets that only packets in their own queues hold: see unix_garbage.cpp.
  void collect_garbage();
  // The same, now and then: a look costs as much as there is in flight, and is made when as often something ended or
  // was sent.
  void maybe_collect_garbage();
  // Destroys them, without the lock. What is thrown away by that meanwhile goes the same way, not deeper.
  void discard(UnixPackets& packets);
  // Of packets that were received, whose files were taken out.
  static void free(UnixPackets& packets);

  void last_reference_gone() { base::Own<UnixSpace>(this).reset(); }

 private:
  friend class UnixEndpoint;
  friend class UnixGarbage;
  using Bindings = boost::intrusive::set<UnixBinding>;
  Answer<UnixEndpointReference> find_locked(const UnixBinding& wanted);
  // A packet was put into a queue, or taken from one.
  void flies_locked(UnixPacket& packet, bool in_flight);

  Bindings bindings_;
  UnixSocketsInFlight sockets_in_flight_;  // each once, however often it is in flight
  std::size_t socket_count_ = 0;           // of that list
  std::size_t files_in_flight_ = 0;
  std::size_t events_since_look_ = 0;
  std::uint32_t last_number_ = 0;  // of autobind
  UnixPackets discarded_;
  bool discarding_ = false;
};

}  // namespace linux_abi
