// SPDX-License-Identifier: Apache-2.0
// See core_dump.h. Who dumps, and how the threads of the process meet.
#include "linux-abi/process/core_dump.h"

#include "arch/x86_64/fpu.h"
#include "kernel/base/memory.h"
#include "linux-abi/process/core_writer.h"
#include "linux-abi/process/signal_sending.h"
#include "processor/thread_sleeper.h"

namespace linux_abi {
namespace {

constexpr std::uint64_t least_limit = base::page_bytes;  // Linux writes no file that could not hold a page

bool leaves_core_locked(const Process& process) {
  return process.dumpable == 1 && process.limits.of(Resource::Core).soft >= least_limit;
}

// Without memory for it the core file knows one thread less.
base::Own<ThreadImage> image_of(Thread& thread, const arch::TrapFrame& frame) {
  auto image = base::make<ThreadImage>();
  if (!image) return image;
  threads::Thread& kernel = thread.kernel_thread();
  image->tid = thread.tid();
  image->frame = frame;
  image->bases = kernel.segment_bases();
  image->pending = thread.pending.set().bits();
  image->blocked = thread.blocked.bits();
  if (!image->vector_registers.append(kernel.read_fpu().bytes())) image.reset();
  return image;
}

// True: this thread is to write a core file. The others are on their way out.
bool begin(Thread& thread, CoreDump& dump, const SignalInformation& information) {
  Process& process = thread.process();
  const base::SpinGuard guard(tasks_lock);
  if (process.group_exit || thread.kernel_thread().killed()) return false;
  const bool leaves_core = leaves_core_locked(process);
  start_group_exit_locked(process, {sig::code::cld_killed, information.signal}, leaves_core ? &thread : nullptr);
  if (!leaves_core) return false;
  dump.writer = &thread;
  process.core_dump = &dump;
  process.for_each_thread([&](processor::Thread& each) {
    if (&each != &thread && !static_cast<Thread&>(each).exiting) ++dump.expected;
  });
  return true;
}

// False: it was killed.
bool wait_for_others(Thread& thread, CoreDump& dump) {
  while (true) {
    processor::Sleeper& sleeper = thread.sleeper();
    {
      const base::SpinGuard guard(tasks_lock);
      if (dump.expected == 0) return true;
      dump.arrivals.add(sleeper);
    }
    if (sleeper.sleep()) continue;
    const base::SpinGuard guard(tasks_lock);
    sleeper.unlink();
    return false;
  }
}

void finish(Process& process, CoreDump& dump, bool written) {
  boost::intrusive::list<ThreadImage> images;
  {
    const base::SpinGuard guard(tasks_lock);
    if (written) process.ended.code = sig::code::cld_dumped;
    process.core_dump = nullptr;
    images.swap(dump.images);
    process.state_changes.wake_all();
  }
  images.clear_and_dispose([](ThreadImage* image) { base::Own<ThreadImage>(image).reset(); });
}

}  // namespace

void end_with_core(Thread& thread, const arch::TrapFrame& frame, const SignalInformation& information) {
  Process& process = thread.process();
  CoreDump dump;
  if (!begin(thread, dump, information)) return;
  bool written = false;
  if (wait_for_others(thread, dump)) {
    if (auto own = image_of(thread, frame)) {
      {
        const base::SpinGuard guard(tasks_lock);
        dump.images.push_front(*own.release());
      }
      // Nobody adds to the images any more.
      written = write_core(thread, dump, information).has_value();
    }
  }
  finish(process, dump, written);
}

bool wait_for_core_dump(Thread& thread) {
  Process& process = thread.process();
  {
    const base::SpinGuard guard(tasks_lock);
    if (process.core_dump == nullptr || process.core_dump->writer == &thread) return false;
  }
  base::Own<ThreadImage> image = image_of(thread, thread.kernel_thread().user_frame());
  processor::ThreadSleeper sleeper(threads::Interruptible::Never);
  bool came = false;
  while (true) {
    {
      const base::SpinGuard guard(tasks_lock);
      CoreDump* dump = process.core_dump;
      if (dump == nullptr) return came;
      if (!came) {
        came = true;
        if (image) dump->images.push_back(*image.release());
        leave_core_dump_locked(process);
      }
      process.state_changes.add(sleeper);
    }
    sleeper.sleep();
  }
}

void leave_core_dump_locked(Process& process) {
  if (process.core_dump == nullptr) return;
  LEGO_ASSERT(process.core_dump->expected > 0);
  --process.core_dump->expected;
  process.core_dump->arrivals.wake_all();
}

}  // namespace linux_abi
