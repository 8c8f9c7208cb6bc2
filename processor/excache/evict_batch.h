// SPDX-License-Identifier: Apache-2.0
// What one round of eviction or cleaning works on, and the write-backs that come out of it. Private to the ExCache's
// sources.
#pragma once

#include <array>

#include "processor/excache/excache.h"

namespace excache {

// Lines are Victim (to be freed) or WritingBack (to be cleaned) until the batch is settled.
struct ExCache::EvictBatch {
  FlushBatch flush;
  std::array<Line*, max_victims> lines;
  unsigned line_count = 0;
  bool scanning = false;  // there is more to look at before nothing can be said to be left
  // Dirty lines that found no room in messages because too many are under way: what ends one calls the evictors again.
  unsigned refused = 0;

  // Dirty lines in the batch by home: they must find room in messages.
  struct Share {
    Home* home = nullptr;
    unsigned pages = 0;
  };
  std::array<Share, max_write_backs> shares;

  bool full() const { return line_count == max_victims; }
};

struct ExCache::WriteBackBuilder {
  std::array<WriteBack*, max_write_backs> messages{};
  unsigned count = 0;
};

}  // namespace excache
