// SPDX-License-Identifier: Apache-2.0
// The threads that wait for one core, in the order in which they shall run: High ones first in, first out, then Normal
// ones by weighted running time (the smallest first). The running thread is not on the queue; charge() tells it how
// long that ran. Each queue has a virtual clock of its own, the floor, which never goes back: entities that move to
// another queue keep their distance to it.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "kernel/threads/policy/core_mask.h"
#include "kernel/threads/policy/entity.h"

namespace policy {

class RunQueue {
 public:
  RunQueue() = default;
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // A thread that never ran: neither ahead nor behind.
  void add_new(Entity& entity);
  // A thread that slept and belonged to this queue before (see leave and join otherwise).
  void add_woken(Entity& entity);
  // The running thread, whose slice is over.
  void add_preempted(Entity& entity);
  // The running thread, which lets the others run first, but loses no more than a slice by it.
  void add_yielded(Entity& entity);
  void remove(Entity& entity);

  // Takes the next thread off the queue; nullptr if there is none.
  Entity* take_next();
  // Takes one for an idle core: the first High one, else the Normal one that would wait longest, if may_take says so.
  Entity* take_for(std::uint32_t core, bool (*may_take)(const Entity&, std::uint32_t core));

  // The running thread had the core for so long.
  void charge(Entity& running, std::uint64_t ran_ns);
  // Whether the running thread, `slice_ran_ns` into its slice, shall make room for the first one on the queue.
  bool should_preempt(const Entity& running, std::uint64_t slice_ran_ns) const;

  // Makes virtual_ns of an entity that is not queued relative to the floor, and absolute on another queue.
  void leave(Entity& entity) const;
  void join(Entity& entity) const;

 private:
  struct Earlier {
    bool operator()(const Entity& a, const Entity& b) const { return a.virtual_ns < b.virtual_ns; }
  };
  void add(Entity& entity);

  boost::intrusive::list<Entity, boost::intrusive::constant_time_size<false>> high_;
  boost::intrusive::multiset<Entity, boost::intrusive::compare<Earlier>, boost::intrusive::constant_time_size<false>>
      normal_;
  std::uint32_t size_ = 0;
  std::int64_t floor_ns_ = 0;
};

}  // namespace policy
