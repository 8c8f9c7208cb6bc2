// SPDX-License-Identifier: Apache-2.0
// The kernel's page table and the frame allocator's memory: see address_space.h. Tables are taken upwards from the
// largest free range below 4 GiB, where the boot page tables reach; the rest of the range goes to the frame allocator.
#include "kernel/start/address_space.h"

#include <cstring>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/paging.h"
#include "kernel/base/assert.h"
#include "kernel/base/log.h"
#include "kernel/boot/memory_map.h"
#include "kernel/core/image_symbols.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/memory/layout.h"

extern "C" {
// image.ld: the first two are physical addresses.
extern const std::byte boot_start[], boot_end[];
extern const std::byte image_start[], image_text_end[], image_rodata_end[], image_data_end[];
extern const std::byte boot_stack_guard[];  // kernel_entry.cpp
}

namespace kernel {
namespace {

using arch::PageRights;
using base::PhysAddr;

constexpr std::uint64_t identity_end = std::uint64_t{1} << 32;
constexpr std::uint64_t low_memory_end = 1u << 20;  // firmware, boot loaders and old hardware live there

std::uint64_t address_of(const std::byte* symbol) { return reinterpret_cast<std::uint64_t>(symbol); }
std::uint64_t image_frame(const std::byte* symbol) { return address_of(symbol) - image_base; }

// The symbols are the last of the image, from image_data_end on.
const std::byte* image_end() {
  return image_data_end + base::round_up(image_symbols().size(), std::size_t{base::page_bytes});
}

// Frames before there is an allocator.
class EarlyTables final : public arch::TableSource {
 public:
  explicit EarlyTables(PhysRange range) : range_(range), next_(range.start) {}
  base::Result<PhysAddr> allocate_table() override {
    if (next_ == range_.end) return base::fail(base::Error::NoMemory);
    const PhysAddr table(next_);
    next_ += base::page_bytes;
    std::memset(reinterpret_cast<void*>(table.value()), 0, base::page_bytes);
    return table;
  }
  void free_table(PhysAddr) override {}
  PhysRange used() const { return {range_.start, next_}; }

 private:
  PhysRange range_;
  std::uint64_t next_;
};

void require(const base::Result<>& result) {
  if (!result) base::platform::panic("too little memory for the kernel's page tables");
}

class KernelTables {
 public:
  explicit KernelTables(EarlyTables& tables)
      : table_(first_table(tables), arch::DirectMapAccess(tables, 0)),
        largest_(arch::cpu_features().huge_pages ? arch::huge_page_bytes : arch::large_page_bytes) {}

  PhysAddr root() const { return table_.root(); }

  void map_image() {
    map_section(image_start, image_text_end, PageRights::Execute);
    map_section(image_text_end, image_rodata_end, PageRights::Read);
    map_section(image_rodata_end, boot_stack_guard, PageRights::Write);
    map_section(boot_stack_guard + base::page_bytes, image_data_end, PageRights::Write);
    map_section(image_data_end, image_end(), PageRights::Read);
  }
  // What the image may not write, nothing may write through the direct map either.
  void map_memory(RangeSet& ranges) {
    const PhysRange constant[] = {{image_frame(image_start), image_frame(image_rodata_end)},
                                  {image_frame(image_data_end), image_frame(image_end())}};
    for (const PhysRange& range : constant) {
      ranges.remove(range);
      map_direct(range, PageRights::Read);
    }
    for (const PhysRange& range : ranges.ranges()) map_direct(range, PageRights::Write);
  }
  void make_shared_areas() {
    require(table_.make_top_level(device_map_base));
    require(table_.make_top_level(stack_map_base));
  }

 private:
  static PhysAddr first_table(EarlyTables& tables) {
    const auto table = tables.allocate_table();
    if (!table) base::platform::panic("no memory below 4 GiB");
    return *table;
  }
  void map_section(const std::byte* start, const std::byte* end, PageRights rights) {
    require(table_.map_range(address_of(start), PhysAddr(image_frame(start)), address_of(end) - address_of(start),
                             rights | PageRights::Global));
  }
  void map_direct(PhysRange range, PageRights rights) {
    require(table_.map_range(direct_map_base + range.start, PhysAddr(range.start), range.bytes(),
                             rights | PageRights::Global, arch::CacheMode::WriteBack, largest_));
  }

  arch::PageTable table_;
  std::uint64_t largest_;
};

PhysRange pages_of(const BootModule& module) {
  return {base::round_down(module.start.value(), base::page_bytes),
          base::round_up(module.start.value() + module.bytes, base::page_bytes)};
}

void collect_free(const BootInfo& boot, RangeSet& set) {
  collect_usable(boot.memory(), set);
  set.remove({0, low_memory_end});
  set.remove({address_of(boot_start), image_frame(image_end())});
  for (const BootModule& module : boot.modules()) set.remove(pages_of(module));
  set.remove_from(direct_map_bytes);
}

// The states take one byte per frame, from the end of the largest range.
void start_frames(RangeSet& ranges) {
  const std::uint64_t state_count = ranges.end() / base::page_bytes;
  const std::uint64_t bytes = base::round_up(state_count, base::page_bytes);
  const PhysRange largest = ranges.longest();
  if (largest.bytes() <= bytes) base::platform::panic("too little memory for the frame allocator");
  const PhysRange states{largest.end - bytes, largest.end};
  ranges.remove(states);
  frames().start({direct_map<std::uint8_t>(PhysAddr(states.start)), state_count});
  for (const PhysRange& range : ranges.ranges()) frames().add(PhysAddr(range.start), range.bytes() / base::page_bytes);
}

}  // namespace

std::span<const std::byte> IdentityReader::view(PhysAddr address, std::uint64_t bytes) const {
  if (address.value() == 0 || bytes > identity_end || address.value() > identity_end - bytes) return {};
  return {reinterpret_cast<const std::byte*>(address.value()), bytes};
}

void start_memory(const BootInfo& boot) {
  static RangeSet free, direct;
  collect_free(boot, free);
  collect_direct_map(boot.memory(), direct);
  direct.remove_from(direct_map_bytes);

  EarlyTables early(free.longest(identity_end));
  KernelTables tables(early);
  tables.map_image();
  tables.map_memory(direct);
  tables.make_shared_areas();
  arch::write_cr3(tables.root().value());
  set_kernel_root(tables.root());

  free.remove(early.used());
  start_frames(free);
  if (free.dropped() + direct.dropped() + boot.dropped() > 0)
    base::log_warning("kernel", "the memory map has too many holes: some memory is not used");
}

PhysAddr low_page(const BootInfo& boot) {
  static RangeSet low;
  collect_usable(boot.memory(), low);
  low.remove_from(low_memory_end);
  low.remove({0, base::page_bytes});
  for (const BootModule& module : boot.modules()) low.remove(pages_of(module));
  const PhysRange range = low.longest();
  return PhysAddr(range.bytes() == 0 ? 0 : range.end - base::page_bytes);
}

}  // namespace kernel
