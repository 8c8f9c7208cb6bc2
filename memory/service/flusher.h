// SPDX-License-Identifier: Apache-2.0
// Writes dirty file pages back in the background: some seconds after they became dirty, at once when many are. Sleeps
// while nothing is dirty.
#pragma once

#include "memory/service/context.h"

namespace memory {

class Flusher final : private base::Timer {
 public:
  explicit Flusher(Context& context) : context_(context) {}
  void start();

 private:
  void expired() override;
  base::Task<> flush_all();

  static constexpr std::uint64_t interval_ns = base::second_ns;
  static constexpr std::uint64_t age_intervals = 5;  // as Linux's dirty_writeback_centisecs
  Context& context_;
  std::uint64_t intervals_ = 0;
  bool flushing_ = false;
};

}  // namespace memory
