// SPDX-License-Identifier: Apache-2.0
// TLB shootdowns of a batch: one call for each address space in it.
#include "processor/excache/flush_batch.h"

#include "processor/excache/excache.h"

namespace excache {

// Without the lock: the tags of the batch are flushing, so they, their keys and their spaces stay.
void ExCache::shoot_down(FlushBatch& batch) {
  std::array<base::UserVa, FlushBatch::capacity> pages;
  std::uint64_t handled = 0;  // a bit per entry
  static_assert(FlushBatch::capacity <= 64);
  for (unsigned first = 0; first < batch.count; ++first) {
    if ((handled >> first) & 1) continue;
    Space& space = *batch.tags[first]->space;
    unsigned count = 0;
    for (unsigned i = first; i < batch.count; ++i) {
      if (batch.tags[i]->space != &space) continue;
      handled |= std::uint64_t{1} << i;
      pages[count++] = batch.tags[i]->address();
    }
    space.table.shoot_down({pages.data(), count});
  }
}

void ExCache::settle(FlushBatch& batch) {
  for (unsigned i = 0; i < batch.count; ++i) {
    Tag& tag = *batch.tags[i];
    LEGO_ASSERT(tag.flushing > 0);
    if (--tag.flushing == 0) settled(*tag.line);
  }
  batch.count = 0;
}

}  // namespace excache
