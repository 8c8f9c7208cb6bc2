// SPDX-License-Identifier: Apache-2.0
// The thread that ends things: see background.h.
#include "processor/background.h"

#include "processor/thread_sleeper.h"

namespace processor {

base::Result<> Background::start(std::string_view name) {
  threads::Thread* thread = TRY(threads::create(
      {.name = name}, [](void* background) { static_cast<Background*>(background)->run(); }, this));
  threads::start(*thread);
  return {};
}

void Background::add(Ending& ending) {
  const base::SpinGuard guard(lock_);
  endings_.push_back(ending);
  ++added_;
  idle_.wake_one();
}

Ending* Background::take(base::Waiter& waiter) {
  const base::SpinGuard guard(lock_);
  if (endings_.empty()) {
    idle_.add(waiter);
    return nullptr;
  }
  Ending& first = endings_.front();
  endings_.pop_front();
  return &first;
}

void Background::run() {
  ThreadSleeper sleeper(threads::Interruptible::Never);
  while (true) {
    Ending* ending = take(sleeper);
    if (ending == nullptr) {
      sleeper.sleep();
      continue;
    }
    ending->end();
    const base::SpinGuard guard(lock_);
    ++ended_;
    settling_.wake_all();
  }
}

void Background::settle(Sleeper& sleeper) {
  std::uint64_t target = 0;
  for (bool first = true, woken = true;; first = false) {
    {
      const base::SpinGuard guard(lock_);
      if (first) target = added_;
      if (ended_ >= target || !woken) {
        sleeper.unlink();
        return;
      }
      settling_.add(sleeper);
    }
    woken = sleeper.sleep();
  }
}

}  // namespace processor
