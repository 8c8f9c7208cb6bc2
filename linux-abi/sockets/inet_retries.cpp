// SPDX-License-Identifier: Apache-2.0
// lwIP's timers after memory was short: see inet_retries.h.
#include "linux-abi/sockets/inet_retries.h"

#include "kernel/threads/scheduler.h"
#include "linux-abi/sockets/inet_endpoint.h"
#include "linux-abi/time/timer_service.h"
#include "lwip/priv/tcp_priv.h"

namespace linux_abi {
namespace {

class Retries final : public KernelTimer {
 public:
  // With inet_lock. Who could not send is told at every second time, so there are some in any case.
  void begin_locked() {
    constexpr unsigned least = 4;
    if (left_ == 0) arm();
    left_ = least;
  }

 private:
  void arm() { arm_timer(*this, threads::clock().now_ns() + TCP_TMR_INTERVAL * std::uint64_t{1'000'000}); }
  void expired() override {
    const base::SpinGuard guard(inet_lock);
    const bool waits = InetSpace::tick_locked();
    if (!waits || left_ > 1) --left_;
    if (left_ > 0) arm();
  }

  unsigned left_ = 0;  // guarded by inet_lock; 0: not armed
};
Retries retries;

}  // namespace

void start_inet_retries() {
  lego_lwip_starved = [] { retries.begin_locked(); };
}

}  // namespace linux_abi
