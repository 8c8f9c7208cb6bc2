// SPDX-License-Identifier: Apache-2.0
// The ExCache: a fully associative cache of 4 KiB lines, found by page tables (a hit costs no software) and by a hash
// of tags. Pure and non-blocking: what has to wait links the caller's Waiter and says so, and the caller starts over.
// It knows no threads, no network and no processor; those come as PageTable, Home, LineMemory and Clock.
//
// One lock of rank ExCache guards lines, tags, page tables, objects and all counters. It is released for everything
// that takes long: zeroing and copying lines, TLB shootdowns, starting messages. What is under way meanwhile shows in
// the state of lines (Filling, Victim, WritingBack) and tags (busy, flushing); whoever meets it waits on Line::waiters.
// A line is only used for something else when no processor can have a translation of it, no message names it, and
// nobody has pinned it.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <cstdint>
#include <optional>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/clock.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/waiter.h"
#include "processor/excache/block.h"
#include "processor/excache/configuration.h"
#include "processor/excache/counters.h"
#include "processor/excache/fault.h"
#include "processor/excache/fault_context.h"
#include "processor/excache/flush_batch.h"
#include "processor/excache/home.h"
#include "processor/excache/line.h"
#include "processor/excache/object.h"
#include "processor/excache/prefetch_plan.h"
#include "processor/excache/space.h"

namespace excache {

enum class Progress : std::uint8_t { Done, Wait };  // Wait: the waiter is linked; call again after it was woken

// What quiesce() does to the pages of a frozen range besides waiting for what is under way with them.
enum class Unmapping : std::uint8_t { Keep, Unmap };

// The state of a quiesce() over its calls.
struct Quiesce {
  vma::Range range;
  Unmapping unmapping = Unmapping::Unmap;
  base::UserVa position = range.start;
  bool home_content = false;  // the home has something in the range
};

// How the kernel uses a page of an object.
enum class PageUse : std::uint8_t { Read, Write, Overwrite };

struct PinOutcome {
  FaultOutcome fault;  // Resolved: the page is pinned. Wait, Lost.
  Line* line = nullptr;
  std::byte* bytes = nullptr;
};

class ExCache {
 public:
  static base::Result<base::Own<ExCache>> create(const Configuration& configuration, LineMemory& memory,
                                                 const base::Clock& clock);
  ~ExCache();

  // --- Faults -------------------------------------------------------------------------------------------------------
  // One attempt. Counted once per fault: the context remembers that one is being handled until its outcome is not Wait.
  FaultOutcome handle_fault(Space& space, const Fault& fault, FaultContext& context, base::Waiter& waiter);
  // The thread gives the fault up (it is being killed).
  void abandon_fault(FaultContext& context);
  // Before a context ends.
  void forget(FaultContext& context);
  // Takes the waiter off whatever it waits for here.
  void cancel_wait(base::Waiter& waiter);
  void note_wait(std::uint64_t waited_ns);
  void note_zero_fill_messages(std::uint64_t messages);

  // --- Evictors -----------------------------------------------------------------------------------------------------
  struct EvictResult {
    bool progress = false;
    std::uint64_t events = 0;                    // for wait_for_work
    std::uint64_t retry_at_ns = base::never_ns;  // without progress: worth trying then
  };
  // Frees lines ahead of demand and cleans lines of files; to be repeated while it makes progress. By one thread at a
  // time. `in_fault`: the caller is handling a page fault, which must never be; it is counted.
  EvictResult evict(bool in_fault);
  // Links the waiter until there may be something to do; Done: something happened since evict() gave `events`.
  Progress wait_for_work(std::uint64_t events, base::Waiter& waiter);

  // --- Address spaces -----------------------------------------------------------------------------------------------
  base::Result<> set_owner(Space& space, std::uint64_t vregion, Home& home);
  Home* owner(Space& space, base::UserVa address);
  // Every home once; returns how many there are.
  std::size_t owners(Space& space, std::span<Home*> homes);
  base::Result<> copy_owners(const Space& parent, Space& child);

  // Operations on ranges, one at a time per space: freeze up to two ranges, quiesce them, tell the homes, then change
  // the VMAs and discard or move the pages (or, if the homes refused, do nothing), and thaw.
  void freeze(Space& space, vma::Range range);
  Progress quiesce(Space& space, Quiesce& state, base::Waiter& waiter);
  void discard(Space& space, vma::Range range);
  base::Result<> prepare_move(Space& space, vma::Range from, base::UserVa to);
  void move(Space& space, vma::Range from, base::UserVa to);
  void thaw(Space& space);
  // A range whose pages must not go home yet. Up to max_held_ranges of a space; let go of in the same order, or the
  // last one, because it is not needed after all.
  void hold(Space& space, vma::Range range);
  void let_go(Space& space, unsigned ranges);
  void let_go_of_last(Space& space);
  // After the parent is frozen and quiesced and the homes have forked: gives the child all pages of the parent.
  // NoMemory: the child has some; discard() them.
  base::Result<> fork(Space& parent, Space& child);
  // For a fork that found too few tags: Done when there are so many, or as many as can be hoped for. Evictors see to
  // it, with the lines that spaces share; so nothing must be frozen meanwhile.
  Progress provide_tags(std::size_t wanted, base::Waiter& waiter);
  // After the VMAs of the range have changed: takes from the page table what they do not permit any more.
  void apply_protection(Space& space, vma::Range range);
  // Nothing of the space is here any more (all was discarded) and nothing of it is under way.
  Progress retire(Space& space, base::Waiter& waiter);

  bool is_resident(Space& space, base::UserVa page);
  // The first page of the range that this space has touched (`only_private`: of which it has its own content).
  std::optional<base::UserVa> first_touched(Space& space, vma::Range range, bool only_private);
  struct MappedPages {
    std::uint64_t now = 0, most = 0;
  };
  MappedPages mapped_pages(Space& space);

  // --- Shared objects -----------------------------------------------------------------------------------------------
  void add_object(Object& object);
  // All its lines were dropped, and no VMA maps it.
  void remove_object(Object& object);

  std::uint64_t object_bytes(const Object& object);
  // After its home was told a new size, and pages beyond were dropped.
  void resize_object(Object& object, std::uint64_t bytes);
  // Of a write-back in the background, told once.
  base::Error take_write_error(Object& object);

  // The page of an object, pinned: it stays and, for Write and Overwrite (the caller will write the whole page), is not
  // written back until unpin_page(). The home of a file was told about the write beforehand. Pages beyond the end can
  // be written; the object then reaches to `object_bytes` at least. The history is for prefetch alone.
  PinOutcome pin_page(Object& object, std::uint64_t page, PageUse use, FaultContext& history, base::Waiter& waiter);
  void unpin_page(Line& line, PageUse use, std::uint64_t object_bytes = 0);
  // The first page of [first, end) that the home does not know to be written; end if there is none.
  std::uint64_t first_clean_page(Object& object, std::uint64_t first_page, std::uint64_t end_page);

  // Done: the home has every line of the object that was dirty at the first call (upto: ~0).
  Progress flush(Object& object, std::uint64_t& upto, base::Waiter& waiter);
  std::uint64_t dirty_file_lines();

  // Truncation, holes and release: freeze, quiesce, tell the home, drop (and clear what is gone of pages that are gone
  // in part), thaw. Ranges are [from, end).
  static constexpr std::uint64_t no_end = ~std::uint64_t{0};
  void freeze_object(Object& object, std::uint64_t from_page, std::uint64_t end_page = no_end);
  Progress quiesce_object(Object& object, base::Waiter& waiter);
  void drop_pages(Object& object, std::uint64_t from_page, std::uint64_t end_page = no_end);
  // Bytes within one page.
  void clear_part(Object& object, std::uint64_t offset, std::uint64_t bytes);
  void thaw_object(Object& object);

  // --- Homes: answers, and news -------------------------------------------------------------------------------------
  void fetch_done(Line& line, base::Error error);
  void write_back_done(WriteBack& pages, base::Error error);
  void frames_reserved(Space& space, std::uint32_t frames, base::Error error);
  void write_notified(Line& line, base::Error error);
  void set_low_memory(Home& home, bool low);

  // ------------------------------------------------------------------------------------------------------------------
  Counters counters() const;
  std::size_t free_lines() const;
  std::size_t tag_count() const;
  std::uint32_t line_count() const { return static_cast<std::uint32_t>(lines_.size()); }
  std::uint32_t index_of(const Line& line) const { return static_cast<std::uint32_t>(&line - lines_.data()); }
  std::byte* bytes_of(const Line& line) const { return memory_.address(index_of(line)); }
  // Checks every invariant (tests); what is wrong, or nullptr.
  const char* audit();

 private:
  struct Step;
  struct Visit;
  struct EvictBatch;
  struct WriteBackBuilder;
  struct TagBlock;
  struct HashTag {
    std::size_t operator()(const PageKey& key) const;
  };
  struct KeyOfTag {
    using type = PageKey;
    const type& operator()(const Tag& tag) const { return tag.key; }
  };
  struct KeyOfObject {
    using type = base::ObjectId;
    const type& operator()(const Object& object) const { return object.id; }
  };
  struct HashObject {
    std::size_t operator()(base::ObjectId id) const { return HashTag()({id.value(), 0}); }
  };
  using TagTable =
      boost::intrusive::unordered_set<Tag, boost::intrusive::key_of_value<KeyOfTag>, boost::intrusive::hash<HashTag>,
                                      boost::intrusive::power_2_buckets<true>,
                                      boost::intrusive::constant_time_size<true>>;
  using ObjectTable =
      boost::intrusive::unordered_set<Object, boost::intrusive::key_of_value<KeyOfObject>,
                                      boost::intrusive::hash<HashObject>, boost::intrusive::power_2_buckets<true>,
                                      boost::intrusive::constant_time_size<true>>;
  using ContextList = boost::intrusive::list<FaultContext, boost::intrusive::constant_time_size<false>>;

  template <typename T, typename... Arguments>
  friend base::Own<T> base::make(Arguments&&...);
  ExCache(const Configuration& configuration, LineMemory& memory, const base::Clock& clock, Block<Line> lines,
          Block<Tag> tags, Block<TagTable::bucket_type> tag_buckets, Block<ObjectTable::bucket_type> object_buckets);

  // Faults (fault.cpp): decide_...() and use_...() hold both locks, perform() none.
  Step decide(Space& space, const Fault& fault, FaultContext& context, base::Waiter& waiter);
  Step decide_mapped(Space& space, const vma::Vma& vma, const Fault& fault, FaultContext& context,
                     base::Waiter& waiter);
  Step use_private(Space& space, const vma::Vma& vma, const Fault& fault, FaultContext& context, Tag& tag,
                   base::Waiter& waiter);
  Step use_object(Space& space, const vma::Vma& vma, const Fault& fault, FaultContext& context, Tag* mapper,
                  base::Waiter& waiter);
  bool may_write_object(Object& object, Line& line, base::Waiter& waiter, Step& step);
  void map(Tag& tag, PageRights rights, FaultContext& context);
  void perform(Step& step);
  static Step done(FaultKind kind, base::Error error = base::Error::None);
  static Step wait_on(base::WaitQueue& queue, base::Waiter& waiter);
  Step join_fill(Line& line, FaultContext& context, base::Waiter& waiter);
  Step lost(Line& line);

  // Fills (fill.cpp).
  Step wait_for_free(bool from_kernel, base::Waiter& waiter);
  Step wait_for_tag(bool from_kernel, base::Waiter& waiter);
  bool frame_granted(Space& space, Home* home, base::Waiter& waiter, Step& step);
  Step fill_private(Space& space, const Fault& fault, FaultContext& context, bool content, base::Waiter& waiter);
  Step fill_object(Object& object, std::uint64_t page, Space* space, bool from_kernel, FaultContext& context,
                   base::Waiter& waiter);
  void take_object_line(Object& object, Line& line, const PageKey& key, bool content);
  Step start_fill(Line& line, const PageKey& key, Home* home, base::Waiter& waiter);
  void finish_fill(Line& line);
  Step make_copy(Space& space, const Fault& fault, FaultContext& context, Line& source, Tag* tag, base::Waiter& waiter);
  void finish_copy(Step& step);

  // Lines and tags (lines.cpp).
  Line* take_line(bool from_kernel);
  bool lines_short() const { return free_.size() <= configuration_.low_water; }
  void wait_for_line(base::Waiter& waiter, bool from_kernel);
  bool somebody_waits_for_line() const { return !line_waiters_.empty() || !kernel_line_waiters_.empty(); }
  void settled(Line& line);
  void free_line(Line& line);
  void wake_line_waiters();
  base::Result<> add_tags(std::size_t wanted);
  void tag_came_free(Tag& tag);
  void tags_came_free();
  void give_back(TagBlock& block);
  Tag* take_tag(const PageKey& key, Line& line, TagKind kind, Space* space);
  void drop_tag(Tag& tag);  // the page table is the caller's business
  Tag* find_tag(const PageKey& key);
  void attach(Tag& tag, Line& line);
  void detach(Tag& tag);
  void drop_line(Line& line);
  void release_if_unused(Line& line);
  void unmap(Tag& tag, Mark mark);
  static Tag* object_tag(Line& line);
  static bool under_way(const Line& line, const Tag& tag);
  void set_resident(Line& line);
  void touch_prefetched(Line& line);
  void set_dirty_listed(Line& line, bool dirty);
  void kick_evictors();
  // There are more victims than before: evictors that found too few look again. They cost two context switches.
  void kick_evictors_if_short() {
    if (evicting_ || tags_wanted_ > 0 || must_clean() || somebody_waits_for_line()) kick_evictors();
  }
  static Home* owner_locked(const Space& space, base::UserVa address);

  // Pins of threads (pins.cpp).
  void begin_fault(FaultContext& context, const Fault& fault);
  void pin(FaultContext& context, Line& line);
  void release_pins(FaultContext& context);
  void expire_pins();
  bool break_pins();

  // TLB shootdowns (flush_batch.cpp).
  static void shoot_down(FlushBatch& batch);
  void settle(FlushBatch& batch);

  // Eviction (evict.cpp).
  std::size_t lines_wanted();
  void select_victims(EvictBatch& batch);
  static bool frozen(const Line& line);
  static bool evictable(const Line& line);
  bool was_used(Line& line, EvictBatch& batch);
  static Tag* first_unsaved(Line& line);
  bool try_victim(Line& line, EvictBatch& batch);
  void finish_batch(EvictBatch& batch);
  void settle_line(Line& line, WriteBackBuilder& builder);

  // Write-back and cleaning (write_back.cpp).
  static Home* home_of(const Tag& tag);
  bool reserve_write_back(Home* home, EvictBatch& batch) const;
  WriteBack* open_message(Home& home, unsigned tags, WriteBackBuilder& builder);
  bool add_to_write_back(Line& line, WriteBackBuilder& builder);
  static void submit(WriteBackBuilder& builder);
  void settle_written(Line& line, base::Error error);
  std::size_t dirty_lines() const { return dirty_on_disk_.size() + dirty_in_memory_.size(); }
  bool must_clean() const { return dirty_lines() > configuration_.dirty_file_lines / 2; }
  DirtyLines& dirty_list(const Object& object);
  void grow_old();
  void clean_some(EvictBatch& batch);
  void select_cleaning(DirtyLines& lines, EvictBatch& batch, const Object* object, std::uint64_t upto);
  static base::WaitQueue* cleaning_waits_for(Line& line);
  bool try_clean(Line& line, EvictBatch& batch);
  void settle_cleaned(Line& line, WriteBackBuilder& builder);
  Line* oldest_dirty(const Object& object);

  // Pages of objects (objects.cpp).
  Object* find_object_locked(base::ObjectId id);
  Step decide_pin(Object& object, std::uint64_t page, PageUse use, FaultContext& history, base::Waiter& waiter,
                  PinOutcome& outcome);
  Step pin_step(Object& object, std::uint64_t page, PageUse use, FaultContext& history, base::Waiter& waiter);

  // Prefetch (prefetch.cpp).
  static void note_history(FaultContext& context, std::uint64_t page);
  unsigned pages_ahead(FaultContext& context) const;
  void plan_prefetch(Space& space, const vma::Vma& vma, FaultContext& context, base::UserVa address, Step& step) const;
  void plan_object_prefetch(const Object& object, std::uint64_t page, FaultContext& context, Step& step) const;
  Line* prefetch_line(const PrefetchPlan& plan, std::uint64_t page, std::uint64_t object_page, PageKey& key,
                      Home*& home);
  void prefetch(const PrefetchPlan& plan);

  const char* audit_line(Line& line);
  const char* audit_tag(const Line& line, const Tag& tag);

  const Configuration configuration_;
  LineMemory& memory_;
  const base::Clock& clock_;
  mutable base::SpinLock lock_{base::LockRank::ExCache};
  Block<Line> lines_;
  Block<Tag> first_tags_;
  Block<TagTable::bucket_type> tag_buckets_;
  Block<ObjectTable::bucket_type> object_buckets_;
  struct TagBlock {
    Block<Tag> tags;  // empty: given back
    std::uint32_t used = 0;
  };
  base::Array<TagBlock> tag_blocks_;  // Tag::block - 1 is the index
  std::size_t tag_count_ = 0;         // in all blocks and the first
  TagTable tags_;
  ObjectTable objects_;
  boost::intrusive::list<Tag, boost::intrusive::constant_time_size<true>> free_tags_;
  std::size_t tags_wanted_ = 0;  // until so many are free, evictors go on
  LineQueue free_;
  LineQueue prefetched_;  // filled and not asked for yet, oldest first
  DirtyLines dirty_on_disk_, dirty_in_memory_;
  std::uint64_t dirty_sequence_ = 0;
  // Lines with a dirty_since up to old_until_ are old, and those up to old_next_ will be at ageing_at_ns_; which is
  // never_ns if none on disk was dirty when this was looked at last.
  std::uint64_t old_until_ = 0, old_next_ = 0;
  std::uint64_t ageing_at_ns_ = base::never_ns;
  ContextList contexts_;  // with pins, in the order in which their instructions began
  base::WaitQueue line_waiters_;
  base::WaitQueue kernel_line_waiters_;
  base::WaitQueue dirty_waiters_;       // for fewer dirty lines of files
  base::WaitQueue write_back_waiters_;  // for the end of any write-back
  base::WaitQueue tag_waiters_;         // for tags_wanted_
  base::WaitQueue evictors_;
  std::uint64_t events_ = 0;   // that evictors may want to know about
  std::uint32_t freeing_ = 0;  // lines in write-backs that end free
  std::uint32_t hand_ = 0;     // of the clock
  std::size_t barren_ = 0;     // lines that the hand passed since it found a victim
  bool evicting_ = false;      // fewer than low_water were free, and not yet high_water again
  std::array<WriteBack, max_write_backs> write_backs_;
  WriteBack* free_write_backs_ = nullptr;
  unsigned free_write_back_count_ = 0;
  Counters counters_;
};

}  // namespace excache
