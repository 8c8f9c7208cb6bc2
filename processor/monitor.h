// SPDX-License-Identifier: Apache-2.0
// The processor monitor of a pComponent, composed: the ExCache and its registered slab, evictors, connections to
// mComponents, families. The image's top file makes one and starts it; the personality works with what it gives.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/clock.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "net/rpc/buffers.h"
#include "net/rpc/endpoint.h"
#include "processor/excache/counters.h"
#include "processor/process.h"

namespace processor {

struct MonitorConfiguration {
  std::uint64_t excache_bytes = std::uint64_t{64} << 20;  // at least 128 KiB
  bool evictors = true;                                   // test option "evictors=off"
  bool prefetch = true;
  rpc::Endpoint& endpoint;
  verbs::ProtectionDomain& domain;
  base::SpinLock* domain_lock = nullptr;  // taken to register memory, if others may use the domain's device already
  Personality& personality;
};

class Monitor {
 public:
  // Takes the ExCache's frames, registers them, starts the evictors, installs the page-fault hook.
  static base::Result<base::Own<Monitor>> start(const MonitorConfiguration& configuration);
  virtual ~Monitor() = default;

  virtual std::uint32_t lines() const = 0;  // for the Join message
  virtual base::Result<Reference<Family>> create_family(const FamilyHome& home) = 0;
  // From now on every program that is loaded has one more page that it can read, and this code in the pages after it.
  // The data page is returned; the personality writes it. Once, before there are programs.
  virtual base::Result<std::span<std::byte>> start_system_pages(std::span<const std::byte> code) = 0;
  // From the mComponent `memory`: ask before zero-fills (MemoryPressure).
  virtual void memory_pressure(base::NodeId memory, bool low) = 0;
  // The managers say that this mComponent is dead: what waits for it fails.
  virtual void memory_dead(base::NodeId memory) = 0;
  virtual excache::Counters counters() const = 0;
};

}  // namespace processor
