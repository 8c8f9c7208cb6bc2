// SPDX-License-Identifier: Apache-2.0
// The ports of a vNode's netlink sockets: each open socket that has one has it alone.
#pragma once

#include <boost/intrusive/set.hpp>

#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/abi/errno.h"
#include "processor/reference.h"

namespace linux_abi {

struct NetlinkPort : boost::intrusive::set_base_hook<> {
  std::uint32_t number = 0;  // 0: none
  bool operator<(const NetlinkPort& other) const { return number < other.number; }
};

class NetlinkSpace : public processor::Counted {
 public:
  static Answer<processor::Reference<NetlinkSpace>> create();

  // EADDRINUSE. A port that has a number already keeps it.
  Answer<> take(NetlinkPort& port, std::uint32_t number);
  // The process's id, as Linux does it; where that is taken, another one, beyond all ids.
  void take_any(NetlinkPort& port, std::uint32_t process);
  void release(NetlinkPort& port);
  std::uint32_t number_of(const NetlinkPort& port);

  void last_reference_gone() { base::Own<NetlinkSpace>(this).reset(); }

 private:
  bool take_locked(NetlinkPort& port, std::uint32_t number);

  base::SpinLock lock_{base::LockRank::Process};
  boost::intrusive::set<NetlinkPort> ports_;
  std::uint32_t next_ = 0;  // of those beyond all ids
};

}  // namespace linux_abi
