// SPDX-License-Identifier: Apache-2.0
// The verbs test service in an image: see image_service.h. It has a protection domain of its own, so that its keys open
// nothing else.
#include "net/verbs_test/image_service.h"

#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "net/component/frame_buffers.h"
#include "net/verbs_test/service.h"

namespace verbs_test {
namespace {

base::Own<verbs::ProtectionDomain> domain;
base::Own<verbs::MemoryRegion> all_memory;
base::Own<component::FrameBuffers> buffers;
base::Own<Service> service;

}  // namespace

base::Result<> start_if_wanted(const kernel::BootInfo& boot, component::Component& component, base::EventLoop& loop) {
  if (boot.command_line().find("verbs_test") != "1") return {};
  const base::PhysAddr frames = TRY(kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Kernel,
                                                              SlotPool::memory_bytes / base::page_bytes));
  roce::Engine& engine = component.port().engine();
  {
    const base::SpinGuard guard(component.port().lock());
    domain = TRY(engine.device().allocate_protection_domain());
    all_memory = TRY(component::FrameBuffers::register_all(*domain));
  }
  buffers = TRY(base::try_make<component::FrameBuffers>(all_memory->lkey()));
  service = TRY(base::try_make<Service>(loop, component.port().lock(), engine.device(), *domain, engine.connections(),
                                        *buffers, kernel::direct_map(frames)));
  return service->start();
}

}  // namespace verbs_test
