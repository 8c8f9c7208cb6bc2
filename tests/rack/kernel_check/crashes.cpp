// SPDX-License-Identifier: Apache-2.0
// Ways to die, one for each value of the option crash=. The tests look for the message and for the names of these
// functions in the backtrace.
#include "arch/x86_64/cpu.h"
#include "kernel/base/assert.h"
#include "kernel/base/spinlock.h"
#include "kernel/core/cores.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/layout.h"
#include "tests/rack/kernel_check/check.h"

extern "C" void probe_call(const void* code);  // probes.asm

namespace kernel_check {

// Not in an unnamed namespace and never inlined: their names are looked for. Each does something after its call, so
// that the call is not turned into a jump.
volatile std::uint64_t sink = 0;

[[gnu::noinline]] void crash_by_assertion(std::uint64_t value) {
  LEGO_ASSERT(value > 1000);
  sink = value;
}
[[gnu::noinline]] void crash_outside(std::uint64_t value) {
  crash_by_assertion(value);
  sink = value + 1;
}
[[gnu::noinline]] void crash_by_null_store() { *reinterpret_cast<volatile std::uint64_t*>(sink + 8) = 1; }
[[gnu::noinline]] std::uint64_t crash_by_recursion(std::uint64_t depth) {
  if (depth == sink) return 0;
  volatile std::uint64_t fill[32];
  fill[depth % 32] = depth;
  const std::uint64_t deeper = crash_by_recursion(depth + 1);
  return deeper + fill[depth % 32];
}
[[gnu::noinline]] void crash_by_running_data() {
  const auto frame = kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Kernel);
  *kernel::direct_map<std::uint8_t>(*frame) = 0xc3;  // RET
  probe_call(kernel::direct_map(*frame));
  sink = 1;
}
[[gnu::noinline]] void crash_by_writing_code() {
  *reinterpret_cast<volatile std::uint8_t*>(reinterpret_cast<std::uintptr_t>(&crash_outside)) = 0xc3;
}
[[gnu::noinline]] void crash_by_writing_code_directly() {
  const auto frame = kernel::physical_address(reinterpret_cast<const void*>(&crash_outside));
  *reinterpret_cast<volatile std::uint8_t*>(kernel::direct_map(frame)) = 0xc3;
}
[[gnu::noinline]] void crash_by_lock_order() {
  static base::SpinLock late{base::LockRank::Log}, early{base::LockRank::Frames};
  const base::SpinGuard first(late);
  const base::SpinGuard second(early);
  sink = 1;
}
[[gnu::noinline]] void crash_on_another_core(std::uint32_t core) {
  crash_by_assertion(core);
  sink = 1;
}

[[gnu::noinline]] void crash(std::string_view how) {
  if (how == "assertion") crash_outside(5);
  if (how == "null") crash_by_null_store();
  if (how == "recursion") sink = crash_by_recursion(1);
  if (how == "running-data") crash_by_running_data();
  if (how == "writing-code") crash_by_writing_code();
  if (how == "writing-code-directly") crash_by_writing_code_directly();
  if (how == "lock-order") crash_by_lock_order();
  if (how == "another-core") {
    kernel::run_on_other_cores(crash_on_another_core);
    while (true) base::log_info("check", "core 0 still runs");
  }
}

}  // namespace kernel_check
