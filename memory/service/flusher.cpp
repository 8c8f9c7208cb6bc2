// SPDX-License-Identifier: Apache-2.0
// Background write-back: see flusher.h.
#include "memory/service/flusher.h"

#include "kernel/base/log.h"

namespace memory {

void Flusher::start() { context_.loop.arm(*this, context_.loop.now_ns() + interval_ns); }

void Flusher::expired() {
  const std::uint64_t dirty = context_.cache.dirty_pages();
  intervals_ = dirty == 0 ? 0 : intervals_ + 1;
  const bool many = dirty > context_.frames.total() / 8;
  if (!flushing_ && dirty > 0 && (many || intervals_ >= age_intervals)) {
    flushing_ = true;
    intervals_ = 0;
    base::spawn(flush_all(), [this](base::Result<> done) {
      flushing_ = false;
      if (!done) base::log_warning("memory", "writing back files failed: {}", done.error());
    });
  }
  start();
}

base::Task<> Flusher::flush_all() {
  std::uint64_t last = 0;
  for (FileObject* file = context_.files.next_dirty(nullptr, last); file != nullptr;
       file = context_.files.next_dirty(nullptr, last)) {
    last = file->id();
    const auto pin = context_.files.pin(*file);
    const base::Result<> done = co_await context_.cache.flush(*file);
    if (!done && done.error() == base::Error::Stale) {
      context_.cache.discard(*file);  // replaced by a rename: the disk does not know it any more
    } else if (!done) {
      file->write_error = done.error();
    }
  }
  co_return {};
}

}  // namespace memory
