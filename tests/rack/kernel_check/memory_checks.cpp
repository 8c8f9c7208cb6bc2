// SPDX-License-Identifier: Apache-2.0
// Frames, the kernel's page table, device mappings and kernel stacks, as they are on the running machine.
#include <cstring>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "kernel/base/memory.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/heap.h"
#include "kernel/memory/kernel_map.h"
#include "tests/rack/kernel_check/check.h"

extern "C" const std::byte image_start[], image_text_end[], image_rodata_end[];

namespace kernel_check {
namespace {

using arch::Entry;
using base::PhysAddr;
using kernel::direct_map;

constexpr std::uint64_t most_frames_written =
    (std::uint64_t{512} << 20) / base::page_bytes;  // the host has to have them

struct Totals {
  std::uint64_t pages = 0, executable = 0, writable = 0;
};

// Everything that is mapped under a table; `address` is what its first entry covers.
void walk(PhysAddr table, unsigned level, std::uint64_t address, Totals& totals) {
  const unsigned shift = base::page_shift + 9 * (level - 1);
  for (std::uint64_t index = 0; index < arch::table_entries; ++index) {
    const Entry entry(direct_map<std::uint64_t>(table)[index]);
    std::uint64_t at = address + (index << shift);
    if (level == 4 && index >= arch::table_entries / 2) at |= 0xffff'0000'0000'0000;
    if (!entry.present()) continue;
    EXPECT(level != 4 || index >= arch::table_entries / 2);  // nothing is mapped in the user half
    if (level > 1 && !(level < 4 && entry.large())) {
      walk(entry.frame(), level - 1, at, totals);
      continue;
    }
    ++totals.pages;
    totals.executable += entry.executable();
    totals.writable += entry.writable();
    EXPECT(!(entry.writable() && entry.executable()));
    EXPECT(!entry.user());
    // Code is found in the image and nowhere else; its frames are not writable under any other address.
    EXPECT(!entry.executable() || (at >= reinterpret_cast<std::uint64_t>(image_start) &&
                                   at < reinterpret_cast<std::uint64_t>(image_text_end)));
    const std::uint64_t bytes = std::uint64_t{1} << shift;
    const std::uint64_t first = reinterpret_cast<std::uint64_t>(image_start) - kernel::image_base;
    const std::uint64_t last = reinterpret_cast<std::uint64_t>(image_rodata_end) - kernel::image_base;
    EXPECT(!entry.writable() || entry.frame().value() + bytes <= first || entry.frame().value() >= last);
  }
}

}  // namespace

void check_frames(const kernel::BootInfo&) {
  kernel::FrameAllocator& frames = kernel::frames();
  const auto before = frames.counters();
  EXPECT(before.total > 0 && before.free > 0 && before.free < before.total);
  const auto run = frames.allocate(kernel::kernel_pool(), kernel::FrameKind::Anonymous, 300);
  EXPECT(run.has_value());
  std::memset(direct_map(*run), 0xa5, 300 * base::page_bytes);
  EXPECT(kernel::physical_address(direct_map(*run)) == *run);
  frames.free(kernel::kernel_pool(), *run, 300);
  EXPECT(frames.counters().free == before.free);
  if (before.free > most_frames_written) return;
  // All of memory can be had and written, frame by frame, and comes back.
  PhysAddr taken;
  std::uint64_t count = 0;
  while (const auto frame = frames.allocate(kernel::kernel_pool(), kernel::FrameKind::Anonymous)) {
    *direct_map<PhysAddr>(*frame) = taken;
    taken = *frame;
    ++count;
  }
  EXPECT(count == before.free);
  EXPECT(base::platform::allocate(100'000) == nullptr);
  while (count-- > 0) {
    const PhysAddr frame = taken;
    taken = *direct_map<PhysAddr>(frame);
    frames.free(kernel::kernel_pool(), frame);
  }
  EXPECT(frames.counters().free == before.free);
}

void check_page_tables(const kernel::BootInfo&) {
  Totals totals;
  walk(kernel::kernel_root(), 4, 0, totals);
  EXPECT(arch::read_cr3() == kernel::kernel_root().value());
  EXPECT(totals.executable > 0 && totals.writable > 0);
  const auto user = kernel::make_user_root(kernel::kernel_tables());
  EXPECT(user.has_value());
  Totals same;
  walk(*user, 4, 0, same);
  EXPECT(same.pages == totals.pages);
  // What is mapped later is seen by every root.
  const auto later = kernel::map_device(arch::apic_address(), 8);
  EXPECT(later.has_value());
  arch::PageTable table(*user, arch::DirectMapAccess(kernel::kernel_tables(), kernel::direct_map_base));
  EXPECT(table.read(reinterpret_cast<std::uint64_t>(*later)).present());
  table.free_tables();
  kernel::kernel_tables().free_table(*user);
}

void check_device_map(const kernel::BootInfo&) {
  const auto odd = kernel::map_device(arch::apic_address() + 0x20, 4);
  EXPECT(odd.has_value());
  EXPECT(arch::uses_x2apic() || *reinterpret_cast<volatile std::uint32_t*>(*odd) >> 24 == arch::read_apic_id());
  const auto large = kernel::map_device(PhysAddr(0x1'4000'3000), 3 * arch::large_page_bytes);
  EXPECT(large.has_value() && reinterpret_cast<std::uintptr_t>(*large) % arch::large_page_bytes == 0x3000);
  EXPECT(!kernel::map_device(PhysAddr(0x1000), 0));
  EXPECT(!kernel::map_device(PhysAddr(~std::uint64_t{0} - 10), 100));
  EXPECT(!kernel::map_device(PhysAddr(0x1000), kernel::device_map_bytes + 1));
}

void check_stacks(const kernel::BootInfo&) {
  const auto first = kernel::allocate_kernel_stack(), second = kernel::allocate_kernel_stack();
  EXPECT(first.has_value() && second.has_value() && first->bottom != second->bottom);
  std::memset(reinterpret_cast<void*>(first->bottom), 0x11, kernel::kernel_stack_bytes);
  std::memset(reinterpret_cast<void*>(second->bottom), 0x22, kernel::kernel_stack_bytes);
  arch::PageTable table(kernel::kernel_root(), arch::DirectMapAccess(kernel::kernel_tables(), kernel::direct_map_base));
  EXPECT(!table.read(first->bottom - 1).present() && !table.read(second->bottom - 1).present());
  kernel::free_kernel_stack(*first);
  const auto again = kernel::allocate_kernel_stack();
  EXPECT(again.has_value() && again->bottom == first->bottom);
  kernel::free_kernel_stack(*again);
  kernel::free_kernel_stack(*second);
}

}  // namespace kernel_check
