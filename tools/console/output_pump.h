// SPDX-License-Identifier: Apache-2.0
// Writes to one of lego's output descriptors on a thread of its own: a reader that does not read (a full pipe, Ctrl-S)
// must not keep lego from acknowledging packets. The descriptor's flags are left alone, for other programs share them.
// How much may wait is the caller's business, by waiting_bytes().
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace console {

class OutputPump {
 public:
  explicit OutputPump(int fd);
  OutputPump(const OutputPump&) = delete;
  OutputPump& operator=(const OutputPump&) = delete;
  // What waits still is lost; a write that hangs is left behind.
  ~OutputPump();

  // The bytes are written in the order of the calls.
  void write(std::span<const std::byte> bytes);
  std::size_t waiting_bytes() const;
  // Nobody reads any more (EPIPE and the like): bytes are thrown away. True once for each time it was noticed.
  bool take_broken();

  // Readable after bytes were written or found to have no reader; acknowledge() makes it wait again.
  int event_fd() const;
  void acknowledge();

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace console
