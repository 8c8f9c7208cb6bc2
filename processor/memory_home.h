// SPDX-License-Identifier: Apache-2.0
// An mComponent, for one vNode, as the ExCache's Home: its requests become calls of net/rpc, from pools that are filled
// at start, so that nothing on the fault path allocates. Answers come in any context. A request's memory is the
// ExCache's again only when rpc has released the call (the fencing rule), so that is when the ExCache is told.
#pragma once

#include <array>
#include <boost/intrusive/slist.hpp>

#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "net/messages/file.h"
#include "net/messages/space.h"
#include "net/rpc/call.h"
#include "net/rpc/peer.h"
#include "processor/excache/excache.h"
#include "processor/line_slabs.h"

namespace processor {

class PageCalls;

// An excache::Space with the one call that may ask frames for it.
class SpaceWithCall;

// A call about one line: PageFetch or FileReserve.
class LineCall final : public rpc::Call, public boost::intrusive::slist_base_hook<> {
 private:
  friend class PageCalls;
  friend class MemoryHome;
  void completed(base::Result<rpc::Reply> reply) override;
  void released() override;

  PageCalls* pool_ = nullptr;
  excache::Line* line_ = nullptr;
  bool fetches_ = false;
  base::Error error_ = base::Error::None;
  alignas(8) std::array<std::byte, 24> body_{};
};

class WriteBackCall final : public rpc::Call, public boost::intrusive::slist_base_hook<> {
 private:
  friend class PageCalls;
  friend class MemoryHome;
  static constexpr std::size_t max_description_bytes =
      excache::max_write_back_pages * sizeof(messages::WriteBackEntry) +
      excache::max_write_back_tags * sizeof(messages::PageTag);
  void completed(base::Result<rpc::Reply> reply) override;
  void released() override;
  void describe(const excache::WriteBack& pages);

  PageCalls* pool_ = nullptr;
  excache::WriteBack* pages_ = nullptr;
  base::Error error_ = base::Error::None;
  messages::PageWriteBackRequest body_;
  std::array<std::byte, max_description_bytes> description_;
  std::array<verbs::Sge, excache::max_write_back_pages> segments_;
};

// FrameReserve: the ExCache asks once at a time for a space.
class ReserveCall final : public rpc::Call {
 public:
  ReserveCall(PageCalls& pool, SpaceWithCall& space) : pool_(pool), space_(space) {}

 private:
  friend class MemoryHome;
  void completed(base::Result<rpc::Reply> reply) override;
  void released() override;

  PageCalls& pool_;
  SpaceWithCall& space_;
  std::uint32_t frames_ = 0;
  base::Error error_ = base::Error::None;
  messages::FrameReserveRequest body_;
};

class SpaceWithCall : public excache::Space {
 public:
  SpaceWithCall(base::SpaceId space_id, excache::PageTable& page_table, PageCalls& pool)
      : excache::Space(space_id, page_table), reserve_call(pool, *this) {}
  ReserveCall reserve_call;
};

// The calls of all homes.
class PageCalls {
 public:
  explicit PageCalls(LineSlabs& slabs) : slabs_(slabs) {}
  base::Result<> start(excache::ExCache& cache);
  excache::ExCache& cache() { return *cache_; }
  LineSlabs& slabs() { return slabs_; }
  LineCall* take_line_call();  // nullptr: all are in use
  WriteBackCall& take_write_back_call();
  void give(LineCall& call);
  void give(WriteBackCall& call);

 private:
  // Faults and prefetches that wait for an answer at one time; who gets none tries again a little later.
  static constexpr std::size_t line_calls = 256;

  LineSlabs& slabs_;
  excache::ExCache* cache_ = nullptr;
  excache::Block<LineCall> line_calls_;
  excache::Block<WriteBackCall> write_back_calls_;
  base::SpinLock lock_{base::LockRank::ExCache};  // never held with the ExCache's; guards the lists of free calls
  boost::intrusive::slist<LineCall, boost::intrusive::constant_time_size<false>> free_line_calls_;
  boost::intrusive::slist<WriteBackCall, boost::intrusive::constant_time_size<false>> free_write_back_calls_;
};

class MemoryHome final : public excache::Home {
 public:
  MemoryHome(PageCalls& calls, rpc::Peer& peer, base::VNodeId vnode) : calls_(calls), peer_(peer), vnode_(vnode) {}
  rpc::Peer& peer() { return peer_; }
  base::VNodeId vnode() const { return vnode_; }

  void fetch(excache::Line& line, excache::PageKey key, bool prefetch) override;
  void write_back(excache::WriteBack& pages) override;
  void reserve_frames(excache::Space& space, std::uint32_t frames) override;
  void notify_write(excache::Line& line, excache::PageKey key) override;

 private:
  void submit(rpc::Call& call, messages::Operation operation, std::span<const std::byte> body, rpc::Priority priority);

  PageCalls& calls_;
  rpc::Peer& peer_;
  const base::VNodeId vnode_;
};

// Worth another try a little later, by whoever is told.
bool is_passing(base::Error error);

}  // namespace processor
