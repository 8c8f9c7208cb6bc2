// SPDX-License-Identifier: Apache-2.0
// Making an ExCache, owners of vRegions, waiting, counters.
#include "processor/excache/excache.h"

#include <algorithm>
#include <bit>

namespace excache {
namespace {

constexpr std::size_t object_bucket_count = 1024;

}  // namespace

base::Result<base::Own<ExCache>> ExCache::create(const Configuration& configuration, LineMemory& memory,
                                                 const base::Clock& clock) {
  LEGO_ASSERT(configuration.lines > configuration.high_water && configuration.high_water > configuration.low_water &&
              configuration.low_water >= configuration.kernel_reserve && configuration.dirty_file_lines > 0);
  Block<Line> lines = TRY(Block<Line>::create(configuration.lines));
  Block<Tag> tags = TRY(Block<Tag>::create(configuration.initial_tags));
  auto tag_buckets = TRY(Block<TagTable::bucket_type>::create(std::bit_ceil(2 * tags.size())));
  auto object_buckets = TRY(Block<ObjectTable::bucket_type>::create(object_bucket_count));
  return base::try_make<ExCache>(configuration, memory, clock, std::move(lines), std::move(tags),
                                 std::move(tag_buckets), std::move(object_buckets));
}

ExCache::ExCache(const Configuration& configuration, LineMemory& memory, const base::Clock& clock, Block<Line> lines,
                 Block<Tag> tags, Block<TagTable::bucket_type> tag_buckets,
                 Block<ObjectTable::bucket_type> object_buckets)
    : configuration_(configuration),
      memory_(memory),
      clock_(clock),
      lines_(std::move(lines)),
      first_tags_(std::move(tags)),
      tag_buckets_(std::move(tag_buckets)),
      object_buckets_(std::move(object_buckets)),
      tags_({tag_buckets_.data(), tag_buckets_.size()}),
      objects_({object_buckets_.data(), object_buckets_.size()}) {
  counters_.lines = lines_.size();
  for (Line& line : lines_) free_.push_back(line);
  for (Tag& tag : first_tags_) free_tags_.push_back(tag);
  tag_count_ = first_tags_.size();
  for (WriteBack& record : write_backs_) {
    record.next_free = free_write_backs_;
    free_write_backs_ = &record;
    ++free_write_back_count_;
  }
}

ExCache::~ExCache() {
  LEGO_ASSERT(tags_.empty() && objects_.empty() && free_write_back_count_ == max_write_backs);
  free_.clear();
  free_tags_.clear();
  contexts_.clear();
}

base::Result<> ExCache::set_owner(Space& space, std::uint64_t vregion, Home& home) {
  const base::SpinGuard guard(lock_);
  auto position =
      std::lower_bound(space.owners_.begin(), space.owners_.end(), vregion,
                       [](const Space::Owner& owner, std::uint64_t index) { return owner.vregion < index; });
  if (position != space.owners_.end() && position->vregion == vregion) {
    position->home = &home;
    return {};
  }
  return space.owners_.insert(static_cast<std::size_t>(position - space.owners_.begin()), {vregion, &home});
}

Home* ExCache::owner_locked(const Space& space, base::UserVa address) {
  const std::uint64_t vregion = address.value() >> base::vregion_shift;
  auto position =
      std::lower_bound(space.owners_.begin(), space.owners_.end(), vregion,
                       [](const Space::Owner& owner, std::uint64_t index) { return owner.vregion < index; });
  return position != space.owners_.end() && position->vregion == vregion ? position->home : nullptr;
}

Home* ExCache::owner(Space& space, base::UserVa address) {
  const base::SpinGuard guard(lock_);
  return owner_locked(space, address);
}

std::size_t ExCache::owners(Space& space, std::span<Home*> homes) {
  const base::SpinGuard guard(lock_);
  std::size_t count = 0;
  for (const Space::Owner& owner : space.owners_) {
    const auto known = homes.first(std::min(count, homes.size()));
    if (std::find(known.begin(), known.end(), owner.home) != known.end()) continue;
    if (count < homes.size()) homes[count] = owner.home;
    ++count;
  }
  return count;
}

base::Result<> ExCache::copy_owners(const Space& parent, Space& child) {
  const base::SpinGuard guard(lock_);
  child.owners_.clear();
  return child.owners_.append(parent.owners_.span());
}

void ExCache::cancel_wait(base::Waiter& waiter) {
  const base::SpinGuard guard(lock_);
  waiter.unlink();
  wake_line_waiters();
}

void ExCache::note_wait(std::uint64_t waited_ns) {
  const base::SpinGuard guard(lock_);
  counters_.wait_ns += waited_ns;
}

void ExCache::note_zero_fill_messages(std::uint64_t messages) {
  const base::SpinGuard guard(lock_);
  counters_.zero_fill_messages += messages;
}

bool ExCache::is_resident(Space& space, base::UserVa page) {
  const base::SpinGuard space_guard(space.lock);
  const base::SpinGuard guard(lock_);
  Tag* tag = find_tag({space.id.value(), page.value() >> base::page_shift});
  if (tag == nullptr) {
    const vma::Vma* vma = space.vmas.find(page);
    if (vma != nullptr && vma->object) tag = find_tag({vma->object.value(), vma->object_page(page)});
  }
  return tag != nullptr && tag->line->state != LineState::Filling && tag->line->state != LineState::Failed;
}

ExCache::MappedPages ExCache::mapped_pages(Space& space) {
  const base::SpinGuard guard(lock_);
  return {space.mapped_pages_, space.most_mapped_pages_};
}

std::size_t ExCache::free_lines() const {
  const base::SpinGuard guard(lock_);
  return free_.size();
}

Counters ExCache::counters() const {
  const base::SpinGuard guard(lock_);
  return counters_;
}

}  // namespace excache
