// SPDX-License-Identifier: Apache-2.0
// The descriptors of a process: see descriptor_table.h.
#include "linux-abi/files/descriptor_table.h"

#include <algorithm>
#include <bit>

#include "kernel/base/memory.h"

namespace linux_abi {

using processor::Reference;

Answer<Reference<DescriptorTable>> DescriptorTable::create() {
  auto table = base::make<DescriptorTable>();
  if (!table) return error(ENOMEM);
  return Reference<DescriptorTable>(*table.release());
}

void DescriptorTable::last_reference_gone() { base::Own<DescriptorTable>(this).reset(); }

Answer<Reference<DescriptorTable>> DescriptorTable::copy() {
  Reference<DescriptorTable> copy = TRY(create());
  while (true) {
    std::size_t wanted = 0;
    {
      const base::SpinGuard guard(lock_);
      wanted = entries_.size();
      while (wanted > 0 && !entries_[wanted - 1].file) --wanted;
    }
    // Memory is taken outside the lock; another thread may have opened files meanwhile.
    TRY(copy->entries_.resize(wanted));
    const base::SpinGuard guard(lock_);
    if (std::any_of(entries_.begin() + wanted, entries_.end(), [](const Entry& entry) { return bool(entry.file); }))
      continue;
    for (std::size_t i = 0; i < wanted; ++i) {
      copy->entries_[i].file = entries_[i].file;
      copy->entries_[i].close_on_exec = entries_[i].close_on_exec;
    }
    return copy;
  }
}

Answer<OpenFileReference> DescriptorTable::get(int descriptor) {
  const base::SpinGuard guard(lock_);
  const auto index = static_cast<std::size_t>(descriptor);
  if (descriptor < 0 || index >= entries_.size() || !entries_[index].file) return error(EBADF);
  return entries_[index].file;
}

// Numbers that come one after the other find room that was doubled: the lock is held meanwhile.
Answer<> DescriptorTable::make_room(std::size_t index) {
  if (index >= 2 * entries_.size()) TRY(entries_.resize(index + 1));
  while (index >= entries_.size()) TRY(entries_.push_back(Entry{}));
  return {};
}

Answer<int> DescriptorTable::install(OpenFileReference file, CloseOnExec close_on_exec, std::uint32_t limit,
                                     int lowest) {
  const base::SpinGuard guard(lock_);
  const bool from_lowest = static_cast<std::size_t>(lowest) <= none_free_below_;
  std::size_t index = from_lowest ? none_free_below_ : static_cast<std::size_t>(lowest);
  while (index < entries_.size() && entries_[index].file) ++index;
  if (index >= limit) return error(EMFILE);
  TRY(make_room(index));
  entries_[index].file = std::move(file);
  entries_[index].close_on_exec = close_on_exec;
  if (from_lowest) none_free_below_ = index + 1;
  return static_cast<int>(index);
}

Answer<> DescriptorTable::install_at(int descriptor, OpenFileReference file, CloseOnExec close_on_exec,
                                     std::uint32_t limit, std::uint64_t process) {
  if (descriptor < 0 || static_cast<std::uint32_t>(descriptor) >= limit) return error(EBADF);
  const auto index = static_cast<std::size_t>(descriptor);
  OpenFileReference replaced;
  {
    const base::SpinGuard guard(lock_);
    TRY(make_room(index));
    replaced = std::move(entries_[index].file);
    entries_[index].file = std::move(file);
    entries_[index].close_on_exec = close_on_exec;
  }
  if (replaced) replaced->descriptor_closed(process);
  return {};
}

Answer<> DescriptorTable::close(int descriptor, std::uint64_t process) {
  OpenFileReference closed;
  {
    const base::SpinGuard guard(lock_);
    const auto index = static_cast<std::size_t>(descriptor);
    if (descriptor < 0 || index >= entries_.size() || !entries_[index].file) return error(EBADF);
    closed = std::move(entries_[index].file);
    none_free_below_ = std::min(none_free_below_, index);
  }
  closed->descriptor_closed(process);
  return {};
}

Answer<CloseOnExec> DescriptorTable::close_on_exec(int descriptor) {
  const base::SpinGuard guard(lock_);
  const auto index = static_cast<std::size_t>(descriptor);
  if (descriptor < 0 || index >= entries_.size() || !entries_[index].file) return error(EBADF);
  return entries_[index].close_on_exec;
}

Answer<> DescriptorTable::set_close_on_exec(int descriptor, CloseOnExec close_on_exec) {
  const base::SpinGuard guard(lock_);
  const auto index = static_cast<std::size_t>(descriptor);
  if (descriptor < 0 || index >= entries_.size() || !entries_[index].file) return error(EBADF);
  entries_[index].close_on_exec = close_on_exec;
  return {};
}

int DescriptorTable::next(int first) {
  const base::SpinGuard guard(lock_);
  for (auto index = static_cast<std::size_t>(first); index < entries_.size(); ++index)
    if (entries_[index].file) return static_cast<int>(index);
  return -1;
}

std::uint32_t DescriptorTable::capacity() {
  constexpr std::uint32_t smallest = 64, step = 128;
  const base::SpinGuard guard(lock_);
  const auto used = static_cast<std::uint32_t>(entries_.size());
  return used <= smallest ? smallest : step * std::bit_ceil((used - 1) / step + 1);
}

void DescriptorTable::close_range(std::uint32_t first, std::uint32_t last, std::uint64_t process) {
  for (int descriptor = next(static_cast<int>(first));
       descriptor >= 0 && static_cast<std::uint32_t>(descriptor) <= last; descriptor = next(descriptor + 1))
    (void)close(descriptor, process);  // another thread may have closed it first
}

void DescriptorTable::mark_range_close_on_exec(std::uint32_t first, std::uint32_t last) {
  const base::SpinGuard guard(lock_);
  for (std::size_t index = first; index < entries_.size() && index <= last; ++index)
    entries_[index].close_on_exec = CloseOnExec::Yes;
}

void DescriptorTable::process_ended(std::uint64_t process) {
  for (int descriptor = next(0); descriptor >= 0; descriptor = next(descriptor + 1))
    if (const auto file = get(descriptor)) (*file)->descriptor_closed(process);
}

void DescriptorTable::close_for_exec(std::uint64_t process) {
  for (int descriptor = next(0); descriptor >= 0; descriptor = next(descriptor + 1)) {
    const auto flag = close_on_exec(descriptor);
    if (flag && *flag == CloseOnExec::Yes) (void)close(descriptor, process);
  }
}

}  // namespace linux_abi
