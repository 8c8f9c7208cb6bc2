// SPDX-License-Identifier: Apache-2.0
// The memory of the ExCache's lines: equal, physically contiguous slabs of at most 64 MiB, each registered once for the
// network. Constant after start().
#pragma once

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "net/rpc/buffers.h"
#include "net/verbs/verbs.h"
#include "processor/excache/line.h"

namespace processor {

class LineSlabs final : public excache::LineMemory {
 public:
  // NoMemory when there are not so many frames.
  base::Result<> start(std::uint32_t lines, verbs::ProtectionDomain& domain, base::SpinLock* domain_lock);

  std::byte* address(std::uint32_t line) const override;
  base::PhysAddr frame(std::uint32_t line) const override;
  void zero(std::uint32_t to) override;
  void copy(std::uint32_t to, std::uint32_t from) override;

  // As the target of a page reply, and as a piece of a request.
  rpc::RemoteBuffer remote(std::uint32_t line) const;
  verbs::Sge local(std::uint32_t line) const;

 private:
  struct Slab {
    base::PhysAddr frames;
    base::Own<verbs::MemoryRegion> region;
  };
  base::Result<> register_slabs(std::uint32_t lines, verbs::ProtectionDomain& domain);
  base::Result<> take(std::uint32_t lines);
  void give_back(std::uint32_t lines);

  unsigned lines_shift_ = 0;  // of one slab
  base::Array<Slab> slabs_;
};

}  // namespace processor
