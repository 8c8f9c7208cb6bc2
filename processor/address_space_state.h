// SPDX-License-Identifier: Apache-2.0
// What an AddressSpace is, for the sources of this folder. `changes` serialises changing operations and is held while
// they sleep; the VMAs are guarded by the ExCache space's lock, and changed only with both.
#pragma once

#include <boost/intrusive/set.hpp>
#include <optional>

#include "kernel/base/array.h"
#include "kernel/threads/mutex.h"
#include "net/messages/space.h"
#include "processor/address_space.h"
#include "processor/background.h"
#include "processor/change_log.h"
#include "processor/memory_home.h"
#include "processor/process.h"
#include "processor/reference.h"
#include "processor/requests.h"
#include "processor/user_page_table.h"

namespace processor {

class MonitorCore;

class AddressSpace final : public Counted, public Ending, public boost::intrusive::set_base_hook<> {
 public:
  // Of a space that its home has made. NoMemory: the caller tells the home that it is not needed.
  static base::Result<Reference<AddressSpace>> create(Family& family, MemoryHome& home, base::SpaceId id);
  AddressSpace(Family& family, MemoryHome& home, base::SpaceId id, base::PhysAddr root);

  base::SpaceId id() const { return space_.id; }
  arch::TlbDomain& domain() { return table_.domain(); }
  excache::Space& space() { return space_; }
  Family& family() { return *family_; }
  MonitorCore& monitor() { return monitor_; }
  excache::ExCache& cache();
  MemoryHome& home() { return home_; }

  // A vRegion has an owner from its first use on, and keeps it: the home, unless the home said otherwise before.
  base::Result<> provide_owner(base::UserVa address);
  // VRegionOwner[], confirmed by the home: waits for memory if need be. Malformed, Exhausted.
  base::Result<> learn_owners(std::span<const std::byte> owners);

  // With `changes` held from here on.
  threads::Mutex& changes() { return changes_; }
  // The home and this copy differ (the home died in the middle): nothing can be changed any more.
  bool is_lost() const { return lost_ || log_.has_failed(); }
  void set_lost();
  ChangeLog& log() { return log_; }
  // Whether all owners of a range are known; nobody looks at more than two vRegions.
  bool has_owners(vma::Range range);
  base::Result<> hold(SharedObject& object);  // for a VMA
  void drop_unused_objects();
  base::Result<> copy_objects(const AddressSpace& parent);
  // All owners but the home, each once.
  static constexpr std::size_t max_owners = 16;
  struct Owners {
    std::array<excache::Home*, max_owners> homes;
    std::size_t count = 0;
    MemoryHome& operator[](std::size_t index) const { return static_cast<MemoryHome&>(*homes[index]); }
  };
  Owners other_owners();

 private:
  template <typename T>
  friend struct CountedReferences;
  void last_reference_gone();
  void end() override;

  const Reference<Family> family_;
  MonitorCore& monitor_;
  MemoryHome& home_;
  UserPageTable table_;
  SpaceWithCall space_;
  threads::Mutex changes_;
  ChangeLog log_;
  bool lost_ = false;
  base::Array<Reference<SharedObject>> objects_;  // that VMAs map
};

// One changing operation: others wait, the pages it concerns are frozen until it ends.
class Change {
 public:
  Change(AddressSpace& space, Sleeper& sleeper) : space_(space), sleeper_(sleeper) {}
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change();

  // Interrupted; PeerDead when the space is lost.
  base::Result<> begin();
  // Takes the pages of a range (up to two) out of use; afterwards nothing is under way with them. Interrupted.
  base::Result<> clear(vma::Range range, excache::Unmapping unmapping = excache::Unmapping::Unmap);
  // Before anything else is asked of the home about the space: it knows all that was changed. Interrupted; PeerDead.
  base::Result<> settle();
  // Changes the copy first: change(VmaSet&) -> Result<>, whose errors are the caller's, and has the home told. Only
  // what the home cannot refuse for reasons of its own. `fresh`: pages of it may be made at once.
  template <typename F>
  base::Result<> log(const messages::SpaceChange& told, std::optional<vma::Range> fresh, F&& change);
  // To the home, which has then confirmed all that came before. After an error that leaves open what it did, the space
  // is lost.
  template <messages::Body Request>
  base::Result<Answer<typename Request::Reply>> ask_home(const Request& request);
  // What the home has confirmed, done to the copy: change(VmaSet&) -> Result<>. Waits for memory if need be.
  template <typename F>
  void apply(F&& change);
  // The VMAs of a cleared range are gone or were replaced at the home: so are the pages.
  void forget(vma::Range range);
  bool homes_have_pages() const { return home_content_; }

 private:
  void check_answer(base::Error error);
  AddressSpace& space_;
  Sleeper& sleeper_;
  bool begun_ = false;
  bool frozen_ = false;
  bool home_content_ = false;
};

inline constexpr vma::Range every_page{base::UserVa(0), base::UserVa(std::uint64_t{1} << 47)};

// The page-aligned, not empty range of user addresses; InvalidArgument.
base::Result<vma::Range> checked_range(base::UserVa start, std::uint64_t bytes);

// MAP_GROWSDOWN: maps what a touch of the address adds to the stack above. NotFound if there is none any more.
base::Result<> grow_stack(AddressSpace& space, base::UserVa address, Sleeper& sleeper);

// Truncation: private copies of the object's pages from `first_page` on.
void discard_private_copies(AddressSpace& space, base::ObjectId object, std::uint64_t first_page, Sleeper& sleeper);

template <messages::Body Request>
base::Result<Answer<typename Request::Reply>> Change::ask_home(const Request& request) {
  if (!request.validate()) return base::fail(base::Error::InvalidArgument);  // the home would not look at it
  TRY(settle());
  auto answer = ask(space_.home(), request);
  if (!answer) check_answer(answer.error());
  return answer;
}

template <typename F>
base::Result<> Change::log(const messages::SpaceChange& told, std::optional<vma::Range> fresh, F&& change) {
  TRY(space_.log().make_room(sleeper_));
  if (space_.is_lost()) return base::fail(base::Error::PeerDead);
  if (fresh) space_.cache().hold(space_.space(), *fresh);
  base::Result<> done;
  {
    const base::SpinGuard guard(space_.space().lock);
    done = change(space_.space().vmas);
  }
  if (done)
    space_.log().add(told, fresh.has_value());
  else if (fresh)
    space_.cache().let_go_of_last(space_.space());
  return done;
}

template <typename F>
void Change::apply(F&& change) {
  while (true) {
    base::Result<> done;
    {
      const base::SpinGuard guard(space_.space().lock);
      done = change(space_.space().vmas);
    }
    if (done) return;
    if (done.error() != base::Error::NoMemory) return space_.set_lost();
    wait_before_retry();
  }
}

}  // namespace processor
