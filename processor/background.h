// SPDX-License-Identifier: Apache-2.0
// A kernel thread that ends what nobody refers to any more: address spaces, shared objects. Ending sleeps (messages,
// write-backs), and the last reference may be dropped where nobody can sleep.
#pragma once

#include <boost/intrusive/slist.hpp>
#include <cstdint>
#include <string_view>

#include "kernel/base/error.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/waiter.h"

namespace processor {

class Sleeper;

class Ending : public boost::intrusive::slist_base_hook<> {
 public:
  // On the background thread; frees the object.
  virtual void end() = 0;

 protected:
  ~Ending() = default;
};

// Lives as long as the component.
class Background {
 public:
  base::Result<> start(std::string_view name);
  // Any context in which a lock of rank Memory may be taken.
  void add(Ending& ending);
  // Until what was added before has ended, or the thread is killed.
  void settle(Sleeper& sleeper);

 private:
  [[noreturn]] void run();
  Ending* take(base::Waiter& waiter);

  base::SpinLock lock_{base::LockRank::Memory};
  boost::intrusive::slist<Ending, boost::intrusive::cache_last<true>, boost::intrusive::constant_time_size<false>>
      endings_;
  std::uint64_t added_ = 0, ended_ = 0;
  base::WaitQueue idle_;
  base::WaitQueue settling_;
};

}  // namespace processor
