// SPDX-License-Identifier: Apache-2.0
// Lines and tags. A line is 4 KiB of ExCache; its tags say whose page it holds and who maps it:
//   Private  a page of one address space (after fork: several such tags, one per space, all mapped read-only)
//   Object   a page of a shared object; the first and only tag of its kind on the line
//   Mapper   an address space that maps the page of the object that the line holds
// Each tag is in the hash under (space or object, page); a (space, page) has one tag at most. While a tag of a space
// exists, its page-table entry is present or marked Cached, and the reverse.
//
//   Free -> Filling -> Resident -> Victim -> Free            a clean one
//                      Resident -> Victim -> WritingBack -> Free (or Resident: touched meanwhile)
//                      Resident -> WritingBack -> Resident    a shared page that is cleaned
//           Filling -> Failed -> Free                         its home cannot give it
// All guarded by the ExCache's lock.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <cstddef>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/base/waiter.h"

namespace excache {

struct Line;
class Space;
class Object;

// The content of a page: (space, virtual page) or (object, page of it). Space and object ids never collide.
struct PageKey {
  std::uint64_t id = 0;
  std::uint64_t page = 0;
  bool operator==(const PageKey&) const = default;
};

enum class TagKind : std::uint8_t { Private, Object, Mapper };

struct Tag : boost::intrusive::unordered_set_base_hook<>, boost::intrusive::list_base_hook<> {
  PageKey key;
  Line* line = nullptr;
  Space* space = nullptr;  // nullptr: Object
  TagKind kind = TagKind::Private;
  bool mapped : 1 = false;     // the entry of (space, page) is present
  bool content : 1 = false;    // the home has a page under this tag, current or not
  bool unsaved : 1 = false;    // the line is newer than what the home has for this tag
  bool in_flight : 1 = false;  // named by the write-back under way
  bool busy : 1 = false;       // a copy for this tag is being made: it will move to another line
  std::uint8_t flushing = 0;   // batches under way: its entry lost rights, processors may still use the old translation
  std::uint32_t block = 0;     // it is allocated in; 0: the first ones, which are never given back

  base::UserVa address() const { return base::UserVa(key.page << base::page_shift); }
};

enum class LineState : std::uint8_t { Free, Filling, Resident, Victim, WritingBack, Failed };

struct Line {
  using Hook = boost::intrusive::list_member_hook<>;

  LineState state = LineState::Free;
  bool referenced : 1 = false;            // used through the kernel since the clock hand passed
  bool prefetched : 1 = false;            // nobody has asked for it yet; on the list of prefetched lines once filled
  bool evicting : 1 = false;              // WritingBack: to be freed afterwards
  bool notified : 1 = false;              // of a file: the home knows that it may be written
  bool notifying : 1 = false;             // being told
  base::Error error = base::Error::None;  // Failed: why. Resident: why the home refused to have it written, told once
  std::uint16_t pins = 0;                 // the kernel uses its bytes; never evicted, cleaned or dropped
  std::uint16_t writers = 0;              // of these: may change them
  std::uint32_t soft_pins = 0;            // by FaultContexts
  std::uint32_t private_tags = 0;
  std::uint64_t dirty_since = 0;  // of a file, while on the dirty list
  const void* batch = nullptr;    // of evictions or cleaning, which will settle a Victim or WritingBack line
  Object* object = nullptr;       // whose page it holds, if it has an Object tag
  boost::intrusive::list<Tag, boost::intrusive::constant_time_size<false>> tags;
  base::WaitQueue waiters;  // for the end of what is under way
  Hook queue_hook;          // free list, list of prefetched lines, a home's queue while Filling
  Hook object_hook;         // of the object's lines
  Hook dirty_hook;          // lines of files that may be dirty, oldest first
};

using LineQueue = boost::intrusive::list<Line, boost::intrusive::member_hook<Line, Line::Hook, &Line::queue_hook>,
                                         boost::intrusive::constant_time_size<true>>;
using ObjectLines = boost::intrusive::list<Line, boost::intrusive::member_hook<Line, Line::Hook, &Line::object_hook>,
                                           boost::intrusive::constant_time_size<true>>;
using DirtyLines = boost::intrusive::list<Line, boost::intrusive::member_hook<Line, Line::Hook, &Line::dirty_hook>,
                                          boost::intrusive::constant_time_size<true>>;

// The bytes of the lines.
class LineMemory {
 public:
  virtual std::byte* address(std::uint32_t line) const = 0;
  virtual base::PhysAddr frame(std::uint32_t line) const = 0;
  // Called without a lock; nobody else uses `to`.
  virtual void zero(std::uint32_t to) = 0;
  virtual void copy(std::uint32_t to, std::uint32_t from) = 0;

 protected:
  ~LineMemory() = default;
};

}  // namespace excache
