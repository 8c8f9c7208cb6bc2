// SPDX-License-Identifier: Apache-2.0
// The VMAs of one address space: ordered, disjoint, split and merged as mmap, munmap, mprotect, mremap and brk demand.
// Both sides of an address space run this code: the home mComponent first chooses (place_...) and then applies, the
// pComponent applies what the reply confirms, so that both hold the same set at the same version.
// Every changing call happens wholly or not at all: memory for nodes is taken before anything is changed.
// No lock of its own; whoever owns the address space guards it.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstddef>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/vma/vma.h"

namespace vma {

// As Linux's vm.max_map_count.
inline constexpr std::size_t max_vmas = 65530;
// Kept free below a GrowsDown VMA, as Linux's stack_guard_gap.
inline constexpr std::uint64_t stack_guard_bytes = 256 * base::page_bytes;

// Where the home places what has no fixed address.
struct Layout {
  base::UserVa lowest{0x10000};             // nothing is mapped below (mmap_min_addr)
  base::UserVa mmap_top{0x7fff'f7ff'f000};  // placed mappings grow down from here
  base::UserVa end{0x7fff'ffff'f000};       // one past the last user address
};

// As messages::MapFlags.
enum class Placement : std::uint8_t { Anywhere, Low32Bit, Fixed, FixedNoReplace };

// As messages::RemapFlags.
struct RemapMode {
  bool may_move = false;
  bool fixed = false;
  bool keep_old = false;  // MREMAP_DONTUNMAP: the old range stays mapped, empty
};

class VmaSet {
 public:
  explicit VmaSet(const Layout& layout = {}) : layout_(layout) {}
  VmaSet(VmaSet&& other) noexcept;
  VmaSet& operator=(VmaSet&& other) noexcept;
  ~VmaSet() { clear(); }

  const Layout& layout() const { return layout_; }
  void set_layout(const Layout& layout) { layout_ = layout; }
  // Counts changing calls that succeeded, equally on both sides.
  std::uint64_t version() const { return version_; }
  std::size_t count() const { return nodes_.size(); }
  std::uint64_t mapped_bytes() const { return mapped_bytes_; }

  // The VMA that contains the address, or the first one that ends above it; nullptr: none.
  const Vma* find(base::UserVa address) const;
  const Vma* find_from(base::UserVa address) const;
  const Vma* next(const Vma& vma) const;  // in rising order; nullptr at the end
  const Vma* first() const { return find_from(base::UserVa(0)); }
  bool is_free(Range range) const;
  bool is_covered(Range range) const { return covered_part(range) == range; }  // without a hole
  Range covered_part(Range range) const;                                       // from its start up to the first hole

  // An address for `bytes` (page-aligned, not 0). Fixed: checks the range. Exists for FixedNoReplace, NoMemory when
  // there is no gap, InvalidArgument for a Fixed address that cannot be.
  base::Result<base::UserVa> place(base::UserVa hint, std::uint64_t bytes, Placement placement) const;

  // Maps vma.range; what was there is replaced. NoMemory: no memory or too many VMAs.
  base::Result<> map(const Vma& vma);
  // Holes are no error.
  base::Result<> unmap(Range range);
  // NoMemory when the range has a hole, AccessDenied when a NoWrite VMA would become writable or
  // a NoExecute one executable.
  base::Result<> protect(Range range, Protection protection);
  // Local flags, of what of the range is mapped: `set` on, `cleared` off. Not a change that both sides count.
  base::Result<> mark(Range range, Flags set, Flags cleared);

  // Whether so many VMAs more may be, and whether unmap() would have room: a set with more borders than the home's
  // may be full when the home's is not.
  bool has_room_for(std::size_t more) const { return count() + more <= max_vmas; }
  bool may_unmap(Range range) const;

  // mremap: where the result is. The same address: shrunk, grown in place, or nothing to do; another one: it moves.
  // BadAddress: the old range is not within one VMA. NoMemory: no room where it may be. old_bytes 0 duplicates a
  // shared mapping.
  base::Result<base::UserVa> place_remap(Range old_range, base::UserVa new_address, std::uint64_t new_bytes,
                                         RemapMode mode) const;
  // Applies it: `address` is what place_remap gave.
  base::Result<> remap(Range old_range, base::UserVa address, std::uint64_t new_bytes, RemapMode mode);

  // brk: [break_start, brk) is anonymous, private, readable and writable. Byte-exact, as the process sees it.
  void set_break_start(base::UserVa address);
  base::UserVa break_start() const { return break_start_; }
  base::UserVa current_break() const { return break_; }
  // Whether set_break(address) may be done: NoMemory when something is in the way, InvalidArgument below the start.
  base::Result<> check_break(base::UserVa address) const;
  base::Result<> set_break(base::UserVa address);
  // The pages that set_break(address) adds or removes; start == end: none.
  Range break_change(base::UserVa address) const;

  // The pages that a touch of `address`, which is in no VMA, would add to a GrowsDown VMA above it, if that may be:
  // the guard gap below and max_stack_bytes are respected. map() them, with the protection and flags of *stack.
  struct Growth {
    Range added;
    const Vma* stack;
  };
  base::Result<Growth> stack_growth(base::UserVa address, std::uint64_t max_stack_bytes) const;

  // Replaces everything by a copy (fork), version included.
  base::Result<> copy_from(const VmaSet& other);
  void clear();

 private:
  struct Node : boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>>, Vma {
    Node* next_spare = nullptr;  // while it is not in the set
  };
  struct StartOf {
    using type = base::UserVa;
    type operator()(const Node& node) const { return node.range.start; }
  };
  using Nodes = boost::intrusive::set<Node, boost::intrusive::key_of_value<StartOf>>;
  // Nodes set aside before a change; what is left over goes back to the heap.
  class Spares;

  Nodes::const_iterator position_of(const Vma& vma) const;
  base::Result<base::UserVa> search(base::UserVa lowest, base::UserVa top, std::uint64_t bytes) const;
  bool has_room(Range range) const;
  void split(base::UserVa at, Spares& spares);  // a VMA that straddles `at` becomes two
  void remove(Range range, Spares& spares);
  void add(const Vma& vma, Spares& spares);  // into a free range
  void merge(Range range, Spares& spares);   // at every border within the range and at its ends
  void changed() { ++version_; }

  Layout layout_;
  Nodes nodes_;
  std::uint64_t version_ = 0;
  std::uint64_t mapped_bytes_ = 0;
  base::UserVa break_start_;
  base::UserVa break_;
};

// Whether `upper`, which starts where `lower` ends, continues it in every respect.
bool continues(const Vma& lower, const Vma& upper);

}  // namespace vma
