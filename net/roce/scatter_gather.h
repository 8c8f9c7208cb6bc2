// SPDX-License-Identifier: Apache-2.0
// Between a row of registered pieces of memory and a packet's bytes. Keys are checked at each use, so that a region may
// go away at any time. These are the only places where the engine turns numbers from work requests into pointers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "net/roce/frame_sink.h"
#include "net/roce/limits.h"
#include "net/roce/memory_table.h"

namespace roce {

struct Pieces {
  std::array<Segment, limits::sge> segments;
  std::size_t count = 0;
  std::span<const Segment> span() const { return std::span(segments).first(count); }
};

// Points `pieces` at bytes [offset, offset + length) of the list, which is at least that long.
MemoryFault gather(const MemoryTable& memory, const void* domain, std::span<const verbs::Sge> list,
                   std::uint32_t offset, std::uint32_t length, Pieces& pieces);

// Copies bytes into the list from `offset` on. Nothing is written if any of it may not be.
MemoryFault scatter(const MemoryTable& memory, const void* domain, std::span<const verbs::Sge> list,
                    std::uint32_t offset, std::span<const std::byte> bytes);

// The memory at an address that was checked.
inline std::byte* pointer(std::uint64_t address) {
  return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(address));
}

}  // namespace roce
