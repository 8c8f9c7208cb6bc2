// SPDX-License-Identifier: Apache-2.0
// Changes of an address space that this pComponent has made to its copy of the VMAs and that its home has not confirmed
// yet. Only such changes are logged as can be wrong for no reason that is not known here: then the caller need not
// wait. They go to the home in their order, one message at a time with all that came meanwhile. Until the home has
// confirmed that a range is mapped, its pages stay in the ExCache (excache::ExCache::hold): nothing about them can
// arrive there before. Whatever else is asked of the home about the space waits for the end of the log (settle).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "kernel/base/spinlock.h"
#include "kernel/base/waiter.h"
#include "kernel/vma/vma.h"
#include "net/messages/space.h"
#include "processor/memory_home.h"
#include "processor/sleeper.h"

namespace processor {

class ChangeLog final : public rpc::Call {
 public:
  ChangeLog(MemoryHome& home, excache::Space& space, PageCalls& calls) : home_(home), space_(space), calls_(calls) {}

  // By one thread at a time: whoever may change the space.
  // Waits until one more change may be added. Interrupted.
  base::Result<> make_room(Sleeper& sleeper);
  // With room. `holds`: the caller has made the ExCache hold a range for it.
  void add(const messages::SpaceChange& change, bool holds);
  // Waits until the home has confirmed everything, or is lost. Interrupted.
  base::Result<> settle(Sleeper& sleeper);

  // The home did not do what was taken to be done, or nobody knows: the copy here is not its any more.
  bool has_failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  void completed(base::Result<rpc::Reply> reply) override;
  void released() override;
  void send_locked();
  template <typename Condition>
  base::Result<> wait_for(Sleeper& sleeper, Condition condition);

  MemoryHome& home_;
  excache::Space& space_;
  PageCalls& calls_;
  std::atomic<bool> failed_ = false;
  base::Error error_ = base::Error::None;  // of the last message
  unsigned done_ = 0;                      // without an error
  messages::SpaceChangesRequest body_;

  base::SpinLock lock_{base::LockRank::Memory};  // guards:
  std::array<messages::SpaceChange, messages::max_space_changes> changes_;
  std::array<bool, messages::max_space_changes> holds_{};
  unsigned count_ = 0;
  unsigned sent_ = 0;  // of them; 0: no message is under way
  base::WaitQueue waiters_;
};

}  // namespace processor
