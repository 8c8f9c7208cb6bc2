// SPDX-License-Identifier: Apache-2.0
// Translations that processors must forget, gathered with the ExCache's lock held and flushed without it. A tag in a
// batch is `flushing`: neither it nor its line goes away, and its line is not used for anything else, until settled.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/base/assert.h"
#include "processor/excache/line.h"

namespace excache {

struct FlushBatch {
  static constexpr unsigned capacity = 64;
  std::array<Tag*, capacity> tags;
  unsigned count = 0;

  unsigned room() const { return capacity - count; }
  bool empty() const { return count == 0; }
  void add(Tag& tag) {
    LEGO_ASSERT(count < capacity);
    ++tag.flushing;
    tags[count++] = &tag;
  }
};

}  // namespace excache
