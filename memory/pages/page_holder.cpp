// SPDX-License-Identifier: Apache-2.0
// The table of spaces, objects and files: see page_holder.h.
#include "memory/pages/page_holder.h"

namespace memory {

using base::Error;

PageHolders::~PageHolders() {
  while (!holders_.empty()) remove(*holders_.begin());
}

PageHolder& PageHolders::add(base::Own<PageHolder> holder) {
  PageHolder& added = *holder.release();
  LEGO_ASSERT(holders_.insert(added).second);
  ++counts_[static_cast<unsigned>(added.kind())];
  return added;
}

void PageHolders::remove(PageHolder& holder) {
  --counts_[static_cast<unsigned>(holder.kind())];
  holders_.erase(holders_.iterator_to(holder));
  base::Own<PageHolder>(&holder).reset();
}

base::Result<PageHolder*> PageHolders::find(std::uint64_t id, base::VNodeId vnode) {
  const auto found = holders_.find(id);
  if (found == holders_.end()) return base::fail(Error::Stale);
  if (found->vnode() != vnode) return base::fail(Error::NotPermitted);
  return &*found;
}

PageHolder* PageHolders::at_or_after(std::uint64_t id) {
  const auto found = holders_.lower_bound(id);
  return found == holders_.end() ? nullptr : &*found;
}

PageHolder* PageHolders::after(std::uint64_t id) {
  const auto found = holders_.upper_bound(id);
  return found == holders_.end() ? nullptr : &*found;
}

}  // namespace memory
