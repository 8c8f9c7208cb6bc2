// SPDX-License-Identifier: Apache-2.0
// The memory monitor, composed: see memory_monitor.h.
#include "memory/service/memory_monitor.h"

#include <algorithm>

namespace memory {

MemoryMonitor::MemoryMonitor(base::EventLoop& loop, rpc::Endpoint& endpoint, rpc::Server& server,
                             const rpc::RegisteredSlabs& slabs, rpc::NodeAddress managers)
    : context_(loop, endpoint, slabs, managers),
      pages_(context_),
      spaces_(context_),
      loader_(context_),
      files_(context_),
      flusher_(context_) {
  pages_.serve(server);
  spaces_.serve(server);
  loader_.serve(server);
  files_.serve(server);
}

void MemoryMonitor::joined(base::NodeId node) {
  context_.set_node(node);
  flusher_.start();
}

base::Task<> MemoryMonitor::processor_died(base::NodeId processor) {
  context_.forget_processor(processor);
  CO_TRY_VOID(co_await spaces_.processor_died(processor));
  co_return co_await files_.processor_died(processor);
}

void MemoryMonitor::serve_excache(std::uint64_t lines) {
  excache_lines_ += lines;
  context_.frames.set_reserve(std::min(excache_lines_, context_.frames.total() / 2));
}

void MemoryMonitor::report(rpc::CounterSink& sink) {
  const FrameStore& frames = context_.frames;
  sink.counter("frames.anonymous", frames.anonymous());
  sink.counter("frames.page_cache", frames.page_cache());
  sink.counter("frames.reserve", frames.reserve());
  sink.counter("page_cache.hits", context_.cache.counters().hits);
  sink.counter("page_cache.misses", context_.cache.counters().misses);
  sink.counter("page_cache.bytes", frames.page_cache() * base::page_bytes);
  sink.counter("page_cache.in_memory_pages", context_.cache.memory_pages());
  sink.counter("page_cache.pages_read", context_.cache.counters().pages_read);
  sink.counter("page_cache.pages_written", context_.cache.counters().pages_written);
  sink.counter("page_cache.dirty_pages", context_.cache.dirty_pages());
  sink.counter("write_back.pages", context_.write_back.counters().pages);
  sink.counter("write_back.overwritten", context_.write_back.counters().overwritten);
  sink.counter("write_back.stale_tags", context_.write_back.counters().stale_tags);
  sink.counter("spaces", context_.holders.count(HolderKind::Space));
  sink.counter("objects", context_.holders.count(HolderKind::AnonymousObject));
  sink.counter("files", context_.holders.count(HolderKind::File));
}

}  // namespace memory
