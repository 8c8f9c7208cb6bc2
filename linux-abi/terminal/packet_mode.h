// SPDX-License-Identifier: Apache-2.0
// Packet mode of a pseudo-terminal's master (TIOCPKT, ioctl_tty(2)): a read gives a zero and bytes behind it, or one
// byte that says what has happened since. Changed under the terminal's lock; on() and pending() may be asked without.
#pragma once

#include <atomic>
#include <cstdint>

namespace linux_abi {

namespace packet_status {
inline constexpr std::uint8_t input_flushed = 1, output_flushed = 2, stopped = 4, started = 8, no_flow_keys = 16,
                              flow_keys = 32;
}

class PacketMode {
 public:
  bool on() const { return on_.load(std::memory_order_relaxed); }
  const std::atomic<std::uint8_t>& pending() const { return status_; }

  void turn(bool on) {
    if (on != this->on()) status_.store(0, std::memory_order_relaxed);
    on_.store(on, std::memory_order_relaxed);
  }
  // What it contradicts is no longer told.
  void note(std::uint8_t status) {
    if (!on()) return;
    using namespace packet_status;
    std::uint8_t noted = status_.load(std::memory_order_relaxed);
    for (const int pair : {stopped | started, no_flow_keys | flow_keys})
      if ((status & pair) != 0) noted = static_cast<std::uint8_t>(noted & ~pair);
    status_.store(static_cast<std::uint8_t>(noted | status), std::memory_order_relaxed);
  }
  // 0: nothing has happened.
  std::uint8_t take() { return on() ? status_.exchange(0, std::memory_order_relaxed) : std::uint8_t{0}; }

 private:
  std::atomic<bool> on_{false};
  std::atomic<std::uint8_t> status_{0};
};

}  // namespace linux_abi
