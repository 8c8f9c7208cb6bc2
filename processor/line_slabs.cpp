// SPDX-License-Identifier: Apache-2.0
// The memory of the ExCache's lines: see line_slabs.h.
#include "processor/line_slabs.h"

#include <algorithm>
#include <cstring>

#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"

namespace processor {
namespace {

constexpr unsigned largest_slab_shift = 14;  // 64 MiB
constexpr unsigned smallest_slab_shift = 6;  // 256 KiB: memory so scattered is no use

}  // namespace

// Large slabs if they can be had; else as large as possible.
base::Result<> LineSlabs::start(std::uint32_t lines, verbs::ProtectionDomain& domain, base::SpinLock* domain_lock) {
  for (lines_shift_ = largest_slab_shift; !take(lines); --lines_shift_) {
    give_back(lines);
    if (lines_shift_ == smallest_slab_shift) return base::fail(base::Error::NoMemory);
  }
  if (domain_lock == nullptr) return register_slabs(lines, domain);
  const base::SpinGuard guard(*domain_lock);
  return register_slabs(lines, domain);
}

base::Result<> LineSlabs::register_slabs(std::uint32_t lines, verbs::ProtectionDomain& domain) {
  for (std::uint32_t first = 0; Slab & slab : slabs_) {
    const std::uint64_t count = std::min<std::uint64_t>(lines - first, std::uint64_t{1} << lines_shift_);
    slab.region =
        TRY(domain.register_memory(reinterpret_cast<std::uint64_t>(kernel::direct_map(slab.frames)),
                                   count * base::page_bytes, verbs::Access::LocalWrite | verbs::Access::RemoteWrite));
    first += static_cast<std::uint32_t>(count);
  }
  return {};
}

base::Result<> LineSlabs::take(std::uint32_t lines) {
  const std::uint32_t per_slab = std::uint32_t{1} << lines_shift_;
  TRY(slabs_.reserve((lines + per_slab - 1) / per_slab));
  for (std::uint32_t first = 0; first < lines; first += per_slab) {
    const std::uint64_t count = std::min(lines - first, per_slab);
    Slab slab;
    slab.frames = TRY(kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::ExCache, count));
    TRY(slabs_.push_back(std::move(slab)));
  }
  return {};
}

void LineSlabs::give_back(std::uint32_t lines) {
  const std::uint32_t per_slab = std::uint32_t{1} << lines_shift_;
  for (std::uint32_t first = 0; const Slab& slab : slabs_) {
    kernel::frames().free(kernel::kernel_pool(), slab.frames, std::min(lines - first, per_slab));
    first += per_slab;
  }
  slabs_.clear();
}

base::PhysAddr LineSlabs::frame(std::uint32_t line) const {
  const std::uint32_t within = line & ((std::uint32_t{1} << lines_shift_) - 1);
  return slabs_[line >> lines_shift_].frames + within * base::page_bytes;
}

std::byte* LineSlabs::address(std::uint32_t line) const { return kernel::direct_map(frame(line)); }

void LineSlabs::zero(std::uint32_t to) { std::memset(address(to), 0, base::page_bytes); }

void LineSlabs::copy(std::uint32_t to, std::uint32_t from) {
  std::memcpy(address(to), address(from), base::page_bytes);
}

rpc::RemoteBuffer LineSlabs::remote(std::uint32_t line) const {
  return {reinterpret_cast<std::uint64_t>(address(line)), slabs_[line >> lines_shift_].region->rkey(),
          static_cast<std::uint32_t>(base::page_bytes)};
}

verbs::Sge LineSlabs::local(std::uint32_t line) const {
  return {reinterpret_cast<std::uint64_t>(address(line)), static_cast<std::uint32_t>(base::page_bytes),
          slabs_[line >> lines_shift_].region->lkey()};
}

}  // namespace processor
