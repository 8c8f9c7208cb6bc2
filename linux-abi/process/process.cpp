// SPDX-License-Identifier: Apache-2.0
// A Linux process: see process.h.
#include "linux-abi/process/process.h"

#include <atomic>

#include "kernel/base/memory.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/time/interval_timers.h"

namespace linux_abi {
namespace {
std::atomic<std::uint64_t> last_serial{0};  // relaxed: only the numbers must differ
}

void SharedActions::last_reference_gone() { base::Own<SharedActions>(this).reset(); }
void VNode::last_reference_gone() { base::Own<VNode>(this).reset(); }

int WaitStatus::encoded() const {
  switch (code) {
    case sig::code::cld_exited:
      return (value & 0xff) << 8;
    case sig::code::cld_killed:
      return value & 0x7f;
    case sig::code::cld_dumped:
      return (value & 0x7f) | 0x80;
    case sig::code::cld_stopped:
      return (value & 0xff) << 8 | 0x7f;
    case sig::code::cld_trapped:
      return (value & 0xffff) << 8 | 0x7f;
    case sig::code::cld_continued:
      return 0xffff;
    default:
      return 0;
  }
}

Process::Process(processor::Reference<processor::Family> family, processor::Reference<processor::AddressSpace> space,
                 processor::Reference<VNode> vnode)
    : processor::Process(std::move(family), std::move(space)),
      vnode_(std::move(vnode)),
      serial_(last_serial.fetch_add(1, std::memory_order_relaxed) + 1) {
  start_ns = threads::clock().now_ns();
}

Process::~Process() { base::Own<IntervalTimers>(timers).reset(); }

Answer<Process*> Process::create(processor::Reference<processor::Family> family,
                                 processor::Reference<processor::AddressSpace> space,
                                 processor::Reference<VNode> vnode) {
  void* memory = base::platform::allocate(sizeof(Process));
  if (memory == nullptr) return error(ENOMEM);
  return ::new (memory) Process(std::move(family), std::move(space), std::move(vnode));
}

}  // namespace linux_abi
