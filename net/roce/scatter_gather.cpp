// SPDX-License-Identifier: Apache-2.0
#include "net/roce/scatter_gather.h"

#include <algorithm>
#include <cstring>

namespace roce {
namespace {

// Calls visit(entry, offset within it, bytes) for each piece of [offset, offset + length); stops at a fault.
template <typename Visitor>
MemoryFault walk(std::span<const verbs::Sge> list, std::uint32_t offset, std::uint32_t length, Visitor&& visit) {
  for (const verbs::Sge& entry : list) {
    if (length == 0) break;
    if (offset >= entry.length) {
      offset -= entry.length;
      continue;
    }
    const std::uint32_t count = std::min(entry.length - offset, length);
    if (const MemoryFault fault = visit(entry, offset, count); fault != MemoryFault::None) return fault;
    offset = 0;
    length -= count;
  }
  return length == 0 ? MemoryFault::None : MemoryFault::Bounds;
}

}  // namespace

MemoryFault gather(const MemoryTable& memory, const void* domain, std::span<const verbs::Sge> list,
                   std::uint32_t offset, std::uint32_t length, Pieces& pieces) {
  pieces.count = 0;
  return walk(list, offset, length, [&](const verbs::Sge& entry, std::uint32_t start, std::uint32_t count) {
    const std::uint64_t address = entry.address + start;
    const MemoryFault fault = memory.check(entry.lkey, domain, address, count, verbs::Access::None);
    if (fault == MemoryFault::None) pieces.segments[pieces.count++] = Segment(pointer(address), count);
    return fault;
  });
}

MemoryFault scatter(const MemoryTable& memory, const void* domain, std::span<const verbs::Sge> list,
                    std::uint32_t offset, std::span<const std::byte> bytes) {
  const auto length = static_cast<std::uint32_t>(bytes.size());
  const auto check = [&](const verbs::Sge& entry, std::uint32_t start, std::uint32_t count) {
    return memory.check(entry.lkey, domain, entry.address + start, count, verbs::Access::LocalWrite);
  };
  if (const MemoryFault fault = walk(list, offset, length, check); fault != MemoryFault::None) return fault;
  return walk(list, offset, length, [&](const verbs::Sge& entry, std::uint32_t start, std::uint32_t count) {
    std::memcpy(pointer(entry.address + start), bytes.data(), count);
    bytes = bytes.subspan(count);
    return MemoryFault::None;
  });
}

}  // namespace roce
