// SPDX-License-Identifier: Apache-2.0
// User page tables: see user_page_table.h.
#include "processor/user_page_table.h"

#include "kernel/memory/kernel_map.h"

namespace processor {
namespace {

excache::PageEntry meaning_of(arch::Entry entry) {
  excache::PageEntry result;
  result.present = entry.present();
  if (!result.present) {
    result.mark = static_cast<excache::Mark>(entry.software());
    return result;
  }
  result.writable = entry.writable();
  result.executable = entry.executable();
  result.accessed = entry.accessed();
  result.dirty = entry.dirty();
  return result;
}

arch::Entry marked(excache::Mark mark) { return arch::Entry::absent(static_cast<std::uint64_t>(mark)); }

arch::PageRights rights_of(excache::PageRights rights) {
  arch::PageRights result = arch::PageRights::User;
  if (rights.write) result = result | arch::PageRights::Write;
  if (rights.execute) result = result | arch::PageRights::Execute;
  return result;
}

}  // namespace

UserPageTable::UserPageTable(base::PhysAddr root)
    : table_(root, arch::DirectMapAccess(kernel::kernel_tables(), kernel::direct_map_base)), domain_(root) {}

UserPageTable::~UserPageTable() {
  if (!ended_) end();
}

void UserPageTable::end() {
  domain_.retire();
  table_.free_tables();
  kernel::kernel_tables().free_table(table_.root());
  ended_ = true;
}

excache::PageEntry UserPageTable::read(base::UserVa page) const { return meaning_of(table_.read(page.value())); }

base::Result<> UserPageTable::prepare(base::UserVa page) {
  const arch::Entry entry = table_.read(page.value());
  if (entry.bits() != 0) return {};
  TRY(table_.replace(page.value(), entry));
  return {};
}

void UserPageTable::install(base::UserVa page, base::PhysAddr frame, excache::PageRights rights) {
  const auto old = table_.replace(page.value(), arch::Entry::page(frame, rights_of(rights)));
  LEGO_ASSERT(old.has_value() && !old->present());
}

excache::PageEntry UserPageTable::remove(base::UserVa page, excache::Mark mark) {
  return meaning_of(table_.unmap(page.value(), marked(mark)));
}

void UserPageTable::set_mark(base::UserVa page, excache::Mark mark) {
  const arch::Entry old = table_.unmap(page.value(), marked(mark));
  LEGO_ASSERT(!old.present());
}

excache::PageEntry UserPageTable::protect(base::UserVa page, excache::PageRights rights) {
  return meaning_of(table_.protect(page.value(), rights_of(rights)));
}

// Once it may not be written, no processor sets the dirty bit any more.
excache::PageEntry UserPageTable::protect_and_clean(base::UserVa page, excache::PageRights rights) {
  excache::PageEntry old = protect(page, rights);
  old.dirty |= table_.clear(page.value(), arch::Entry::dirty_bit).dirty();
  return old;
}

bool UserPageTable::clear_accessed(base::UserVa page) {
  return table_.clear(page.value(), arch::Entry::accessed_bit).accessed();
}

base::UserVa UserPageTable::visit(vma::Range range, unsigned limit, excache::PageVisitor& visitor) {
  unsigned visited = 0;
  return base::UserVa(
      table_.visit_while(range.start.value(), range.end.value(), [&](std::uint64_t address, arch::Entry entry) {
        if (visited == limit) return false;
        ++visited;
        visitor.visit(base::UserVa(address), meaning_of(entry));
        return true;
      }));
}

void UserPageTable::shoot_down(std::span<const base::UserVa> pages) { domain_.shoot_down(pages); }

}  // namespace processor
