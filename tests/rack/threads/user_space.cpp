// SPDX-License-Identifier: Apache-2.0
// Address spaces of the tests: see user_space.h.
#include "tests/rack/threads/user_space.h"

#include <cstring>

#include "kernel/base/assert.h"

extern "C" const std::uint8_t user_program_begin[];
extern "C" const std::uint8_t user_program_end[];

namespace image_test {

namespace {

base::PhysAddr make_root() {
  auto root = kernel::make_user_root(kernel::kernel_tables());
  LEGO_ASSERT(root.has_value());
  return *root;
}

}  // namespace

base::PhysAddr new_frame() {
  auto frame = kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Anonymous);
  LEGO_ASSERT(frame.has_value());
  std::memset(kernel::direct_map(*frame), 0, base::page_bytes);
  return *frame;
}

void free_frame(base::PhysAddr frame) { kernel::frames().free(kernel::kernel_pool(), frame); }

UserSpace::UserSpace()
    : root_(make_root()),
      table_(root_, arch::DirectMapAccess(kernel::kernel_tables(), kernel::direct_map_base)),
      domain_(root_) {
  const std::size_t bytes = static_cast<std::size_t>(user_program_end - user_program_begin);
  for (std::size_t at = 0; at < bytes; at += base::page_bytes) {
    const std::size_t part = bytes - at < base::page_bytes ? bytes - at : base::page_bytes;
    std::memcpy(add_page(code_address + at, user_execute), user_program_begin + at, part);
  }
}

UserSpace::~UserSpace() {
  domain_.retire();
  table_.visit(0, arch::user_end, [](std::uint64_t, arch::Entry entry) {
    if (entry.present()) free_frame(entry.frame());
  });
  table_.free_tables();
  kernel::kernel_tables().free_table(root_);
}

base::UserVa UserSpace::entry(Program program) const {
  std::uint64_t offset = 0;
  std::memcpy(&offset, user_program_begin + static_cast<std::size_t>(program) * sizeof offset, sizeof offset);
  return code_address + offset;
}

std::uint64_t* UserSpace::add_page(base::UserVa address, arch::PageRights rights) {
  const base::PhysAddr frame = new_frame();
  const auto mapped = table_.map(address.value(), arch::Entry::page(frame, rights));
  LEGO_ASSERT(mapped.has_value());
  return kernel::direct_map<std::uint64_t>(frame);
}

base::UserVa UserSpace::add_stack() {
  const base::UserVa bottom = stacks_address + 2 * base::page_bytes * stacks_++;
  add_page(bottom, user_write);
  return bottom + base::page_bytes;
}

bool UserSpace::demand_page(base::UserVa address) {
  if (address < demand_address || address - demand_address >= demand_bytes) return false;
  const std::uint64_t page = base::round_down(address.value(), base::page_bytes);
  const base::PhysAddr frame = new_frame();
  const auto mapped = table_.map(page, arch::Entry::page(frame, user_write));
  if (!mapped) free_frame(frame);  // another thread was faster
  return true;
}

}  // namespace image_test
