// SPDX-License-Identifier: Apache-2.0
// Page faults of user threads: asks the ExCache until the fault is resolved, sleeping with nothing held; what cannot be
// resolved goes to the personality.
#include <optional>
#include <utility>

#include "arch/x86_64/user_mode.h"
#include "processor/monitor_core.h"
#include "processor/thread_sleeper.h"
#include "processor/trace.h"

namespace processor {
namespace {

using excache::FaultKind;
using excache::Work;

MonitorCore* the_core = nullptr;

excache::Access access_of(const arch::PageFault& fault) {
  if (fault.instruction) return excache::Access::Execute;
  return fault.write ? excache::Access::Write : excache::Access::Read;
}

// How often a reason that should pass is waited out: a second or so.
constexpr unsigned most_retries = 200;

class FaultHandler {
 public:
  FaultHandler(Thread& thread, const excache::Fault& fault) : thread_(thread), fault_(fault) {}

  FaultEnd handle() {
    Thread* const traced = traced_thread(Traced::Faults);
    const std::uint64_t began_ns = traced == nullptr ? 0 : sleeper_.now_ns();
    const FaultEnd end = resolve();
    if (traced != nullptr)
      report(*traced,
             FaultReport{
                 .fault = fault_, .end = end, .work = work_, .waits = waits_, .took_ns = sleeper_.now_ns() - began_ns});
    return end;
  }

 private:
  FaultEnd resolve() {
    AddressSpace& space = thread_.space();
    std::uint64_t messages_before = thread_.kernel_thread().messages();
    while (true) {
      if (!space.provide_owner(fault_.address)) return FaultEnd::NoMemory;
      const excache::FaultOutcome outcome =
          the_core->excache().handle_fault(space.space(), fault_, thread_.fault_context, sleeper_);
      work_ = work_ | outcome.work;
      if (asked_) report_request(outcome);
      // That a page of a file will be written is told its home whether or not the page was zero-filled first.
      if (includes(outcome.work, Work::Announced)) ++messages_before;
      if (includes(outcome.work, Work::Zeroed) && thread_.kernel_thread().messages() != messages_before)
        the_core->excache().note_zero_fill_messages(thread_.kernel_thread().messages() - messages_before);
      if (outcome.kind == FaultKind::Wait) {
        if (!wait_after(outcome)) return give_up();
      } else if (outcome.kind == FaultKind::GrowStack) {
        const auto grown = grow_stack(space, fault_.address, sleeper_);
        if (!grown && grown.error() == base::Error::Interrupted) return give_up();
        if (!grown) return grown.error() == base::Error::NoMemory ? FaultEnd::NoMemory : FaultEnd::NotMapped;
        messages_before = thread_.kernel_thread().messages();  // a change of the map, not a fill
      } else if (!passes(outcome)) {
        return end_of(outcome);
      }
    }
  }

  bool wait_after(const excache::FaultOutcome& outcome) {
    const std::uint64_t began_ns = sleeper_.now_ns();
    const bool woken = sleeper_.sleep();
    const std::uint64_t took_ns = sleeper_.now_ns() - began_ns;
    the_core->excache().note_wait(took_ns);
    ++waits_;
    if (outcome.asked != nullptr) asked_ = request_of(outcome, took_ns);
    return woken;
  }
  // The request that an attempt made, without its answer: that goes to the ExCache, in an interrupt.
  static std::optional<RequestReport> request_of(const excache::FaultOutcome& outcome, std::uint64_t took_ns) {
    if (traced_thread(Traced::Requests) == nullptr) return {};
    RequestReport made{.to = static_cast<MemoryHome*>(outcome.asked)->peer().address(), .took_ns = took_ns};
    if (includes(outcome.work, Work::Fetched)) {
      made.operation = messages::PageFetchRequest::operation;
      made.bytes_out = sizeof(messages::PageFetchRequest);
      made.bytes_in = base::page_bytes;
    } else if (includes(outcome.work, Work::AskedForFrames)) {
      made.operation = messages::FrameReserveRequest::operation;
      made.bytes_out = sizeof(messages::FrameReserveRequest);
    } else {
      made.operation = messages::FileReserveRequest::operation;
      made.bytes_out = sizeof(messages::FileReserveRequest);
    }
    return made;
  }
  // The attempt after it tells how it ended.
  void report_request(const excache::FaultOutcome& next) {
    RequestReport made = *std::exchange(asked_, {});
    Thread* traced = traced_thread(Traced::Requests);
    if (traced == nullptr) return;
    if (next.error != base::Error::None) made.error = next.error, made.bytes_in = 0;
    report(*traced, made);
  }
  FaultEnd give_up() {
    the_core->excache().cancel_wait(sleeper_);
    the_core->excache().abandon_fault(thread_.fault_context);
    return FaultEnd::Killed;
  }
  // Waits for better times, some times. Not in a thread that is being killed.
  bool passes(excache::FaultOutcome outcome) {
    const bool may_pass =
        outcome.kind == FaultKind::NoMemory ||
        ((outcome.kind == FaultKind::Lost || outcome.kind == FaultKind::BeyondObject) && is_passing(outcome.error));
    if (!may_pass || retries_ == most_retries || thread_.kernel_thread().killed()) return false;
    ++retries_;
    wait_before_retry();
    return true;
  }
  static FaultEnd end_of(excache::FaultOutcome outcome) {
    switch (outcome.kind) {
      case FaultKind::Resolved:
        return FaultEnd::Resolved;
      case FaultKind::NotPermitted:
        return FaultEnd::NotPermitted;
      case FaultKind::BeyondObject:
        return FaultEnd::BeyondObject;
      case FaultKind::Lost:
        return outcome.error == base::Error::NoMemory ? FaultEnd::NoMemory : FaultEnd::Lost;
      case FaultKind::NoMemory:
        return FaultEnd::NoMemory;
      case FaultKind::NotMapped:
      case FaultKind::GrowStack:
      case FaultKind::Wait:
        break;
    }
    return FaultEnd::NotMapped;
  }

  Thread& thread_;
  const excache::Fault fault_;
  ThreadSleeper sleeper_{threads::Interruptible::KillOnly};
  unsigned retries_ = 0;
  std::uint32_t waits_ = 0;
  Work work_ = Work::None;  // of all attempts
  std::optional<RequestReport> asked_;
};

arch::FaultOutcome handle_page_fault(arch::TrapFrame& frame, const arch::PageFault& fault) {
  Thread* thread = Thread::current_or_null();
  if (thread == nullptr) return arch::FaultOutcome::Failed;
  FaultHandler handler(*thread, {.address = fault.address,
                                 .access = access_of(fault),
                                 .from_kernel = !fault.from_user,
                                 .instruction = frame.rip});
  const FaultEnd end = handler.handle();
  if (end == FaultEnd::Resolved) return arch::FaultOutcome::Retry;
  if (end != FaultEnd::Killed)
    the_core->personality().fault_failed(*thread, frame, end, fault.address, fault.from_user);
  // In user mode the signal, or the end of the thread, comes on the way back.
  return fault.from_user ? arch::FaultOutcome::Retry : arch::FaultOutcome::Failed;
}

}  // namespace

void install_page_fault_handler(MonitorCore& core) {
  the_core = &core;
  arch::user_mode_handlers().page_fault = handle_page_fault;
}

}  // namespace processor
