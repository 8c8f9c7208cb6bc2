// SPDX-License-Identifier: Apache-2.0
// The memory monitor, composed: frames, page cache, spaces and their services on one EventLoop. The image's top file
// makes one and gives it memory; the simulation does the same.
#pragma once

#include "memory/service/context.h"
#include "memory/service/file_service.h"
#include "memory/service/flusher.h"
#include "memory/service/load_service.h"
#include "memory/service/page_service.h"
#include "memory/service/space_service.h"
#include "net/rpc/stats_service.h"

namespace memory {

class MemoryMonitor final : public rpc::CounterSource {
 public:
  // Registers all handlers.
  MemoryMonitor(base::EventLoop& loop, rpc::Endpoint& endpoint, rpc::Server& server, const rpc::RegisteredSlabs& slabs,
                rpc::NodeAddress managers);

  // Frames for spaces and the page cache; several slabs may be given. lkey: of registered memory around it.
  base::Result<> add_frames(std::byte* memory, std::uint32_t frames, std::uint32_t lkey) {
    return context_.frames.add_slab(memory, frames, lkey);
  }
  // A staging buffer of FileStorage::max_read_bytes, registered for remote writing (in the RegisteredSlabs).
  base::Result<> add_staging(std::span<std::byte> staging) { return context_.storage.add_staging(staging); }
  // Before the first request is served.
  void joined(base::NodeId node);
  void observe_processors(ProcessorObserver& observer) { context_.processors = &observer; }
  // The pComponent is gone: what it had ends. Says when that is done.
  base::Task<> processor_died(base::NodeId processor);
  void set_rack_memory(std::uint64_t bytes) { spaces_.set_rack_memory_bytes(bytes); }
  void set_rack_refresher(RackRefresher& refresher) { context_.rack = &refresher; }
  // A pComponent with this many ExCache lines may write back here: that many frames stay in reserve (at most half).
  void serve_excache(std::uint64_t lines);

  std::uint64_t frames_total() const { return context_.frames.total(); }
  std::uint64_t frames_free() const { return context_.frames.free(); }
  std::uint64_t frames_peak_used() const { return context_.frames.peak_used(); }
  void report(rpc::CounterSink& sink) override;

 private:
  Context context_;
  PageService pages_;
  SpaceService spaces_;
  LoadService loader_;
  FileService files_;
  Flusher flusher_;
  std::uint64_t excache_lines_ = 0;
};

}  // namespace memory
