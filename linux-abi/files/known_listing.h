// SPDX-License-Identifier: Apache-2.0
// What a directory held when it was last listed as a whole, if that is little: listing it again costs no message until
// a call made here changes its names. Asking the home takes time: an answer is remembered only if no name changed
// meanwhile.
#pragma once

#include <span>

#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "processor/reference.h"

namespace linux_abi {

// All entries, as messages have them; never changed once made.
struct Listing : processor::Counted {
  base::Array<std::byte> entries;
  void last_reference_gone() { base::Own<Listing>(this).reset(); }
};

class KnownListing {
 public:
  static constexpr std::size_t max_bytes = 2048;  // some fifty names

  // How often names changed; taken before the home is asked.
  std::uint64_t changes() {
    const base::SpinGuard guard(lock_);
    return changes_;
  }
  // Empty: not known.
  processor::Reference<Listing> get() {
    const base::SpinGuard guard(lock_);
    return listing_;
  }
  void changed() {
    processor::Reference<Listing> old;  // dropped outside of the lock
    const base::SpinGuard guard(lock_);
    ++changes_;
    std::swap(old, listing_);
  }
  void remember(std::span<const std::byte> entries, std::uint64_t changes) {
    if (entries.size() > max_bytes) return;
    auto made = base::make<Listing>();
    if (!made || !made->entries.append(entries)) return;  // not remembered: only slower
    processor::Reference<Listing> fresh(*made.release());
    const base::SpinGuard guard(lock_);
    if (changes_ == changes) std::swap(fresh, listing_);
  }

 private:
  base::SpinLock lock_{base::LockRank::Poll};  // guards all below
  std::uint64_t changes_ = 0;
  processor::Reference<Listing> listing_;
};

}  // namespace linux_abi
