// SPDX-License-Identifier: Apache-2.0
// User mode: what the user programs see, and what the kernel sees of them. Page tables are in shootdown_tests.cpp.
#include "tests/rack/threads/user_tests.h"

#include <array>
#include <cstring>
#include <optional>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_ptr.h"
#include "kernel/core/panic.h"
#include "kernel/time/clock.h"
#include "tests/rack/threads/user_task.h"

namespace image_test {

using base::Error;
using base::UserVa;
using threads::CoreMask;

void test_user_registers() {
  UserSpace space;
  space.add_page(data_address, user_write);
  {
    UserTask task(space);
    task.start(Program::Registers, {50, data_address.value(), 0});
    CHECK_EQUAL(task.wait(), 0u);
    CHECK_EQUAL(task.calls(), 50u * 3 + 2);
  }
  std::array<std::optional<UserTask>, 6> tasks;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].emplace(space).start(Program::Registers, {300, data_address.value() + 64 * i, 0});
  }
  for (auto& task : tasks) CHECK_EQUAL(task->wait(), 0u);
}

// Threads with different registers, some in one address space and some in another, on one core and on all.
void test_user_vectors() {
  UserSpace first, second;
  for (const CoreMask cores : {CoreMask::only(0), CoreMask::all()}) {
    const std::uint64_t preempted = threads::statistics().preemptions;
    std::array<std::optional<UserTask>, 5> tasks;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i]
          .emplace(i < 3 ? first : second)
          .start(Program::Vectors, {i + 1, 100000, cpu_bits()}, {.affinity = cores});
    }
    for (auto& task : tasks) {
      CHECK_EQUAL(task->wait(), 0u);
      CHECK(task->times().user_ns > 0);
    }
    if (cores == CoreMask::only(0)) CHECK(threads::statistics().preemptions > preempted + 5);
  }
}

void test_user_exceptions() {
  UserSpace space;
  space.add_page(read_only_address, user_read);
  UserTask task(space);
  task.start(Program::Exceptions, {read_only_address.value(), unmapped_address.value(), 0});
  CHECK_EQUAL(task.wait(), 0u);
  CHECK_EQUAL(task.faults(), 4u);
}

void test_user_bad_return() {
  UserSpace space;
  UserTask task(space);
  task.start(Program::BadReturn, {});
  CHECK_EQUAL(task.wait(), 0u);
}

void test_user_fork() {
  UserSpace space;
  UserTask child(space);
  UserTask parent(space);
  parent.child = &child;
  parent.start(Program::ForkVectors, {});
  CHECK_EQUAL(parent.wait(), 0u);
  if (CHECK(child.started())) CHECK_EQUAL(child.wait(), 0u);
}

void test_user_signal_state() {
  UserSpace space;
  const std::uint64_t* page = space.add_page(data_address, user_write);
  UserTask task(space);
  task.start(Program::SignalVectors, {data_address.value(), 0, cpu_bits()});
  CHECK_EQUAL(task.wait(), 0u);
  // The layout that debuggers and signal handlers read.
  arch::FxsaveArea area;
  std::memcpy(static_cast<void*>(&area), page, sizeof area);
  CHECK_EQUAL(area.magic1, arch::fpu_layout().xsave ? arch::signal_magic1 : 0u);
  CHECK_EQUAL(area.state_bytes, arch::fpu_layout().xsave ? arch::fpu_layout().state_bytes : 0u);
}

void test_user_demand() {
  UserSpace space;
  std::array<std::optional<UserTask>, 3> tasks;
  for (auto& task : tasks) {
    task.emplace(space).start(Program::Touch, {demand_address.value(), demand_bytes / base::page_bytes, 0});
  }
  std::uint32_t faults = 0;
  for (auto& task : tasks) {
    CHECK_EQUAL(task->wait(), 0u);
    faults += task->faults();
  }
  CHECK(faults >= demand_bytes / base::page_bytes);
}

void test_user_kill() {
  UserSpace space;
  std::atomic_ref<std::uint64_t> counter(*space.add_page(data_address, user_write));
  UserTask task(space);
  threads::Thread* thread = task.start(Program::Spin, {data_address.value(), 0, 0});
  while (counter.load() == 0) nap();
  thread->interrupt();  // goes through the hook and back
  const std::uint64_t before = counter.load();
  while (counter.load() == before) nap();
  thread->kill();
  task.wait();
  CHECK(task.was_killed());
  const std::uint64_t after = counter.load();
  nap();
  CHECK_EQUAL(counter.load(), after);
}

// Two threads that never stop, one with a third of the other's weight, share a core as their weights say: their times
// come to the weights' ratio and stay with it. How soon is the host's: one that stops this core for a tenth of a second
// gives all of that to one of the two, and the other has to catch up.
void test_user_shares() {
  constexpr std::uint64_t by_weight = 305;  // of nice 0, where nice 5 has 100
  constexpr std::uint64_t enough_ns = 300'000'000, limit_ms = 60'000;
  UserSpace space;
  std::atomic_ref<std::uint64_t> word(*space.add_page(data_address, user_write));
  space.add_page(data_address + base::page_bytes, user_write);
  UserTask heavy(space), light(space);
  const auto start = [](UserTask& task, std::uint64_t offset, int nice) {
    return task.start(Program::Spin, {data_address.value() + offset, 0, 0},
                      {.nice = nice, .affinity = CoreMask::only(0)});
  };
  threads::Thread* first = start(heavy, 0, 0);
  threads::Thread* second = start(light, base::page_bytes, 5);
  const std::uint64_t deadline = in_ms(limit_ms);
  std::uint64_t percent = 0;
  bool as_weighed = false;
  while (!as_weighed && threads::clock().now_ns() < deadline) {
    sleep_ms(50);
    const std::uint64_t light_ns = second->times().user_ns;
    percent = 100 * first->times().user_ns / (light_ns + 1);
    as_weighed = light_ns >= enough_ns && percent > by_weight * 9 / 10 && percent < by_weight * 11 / 10;
  }
  first->kill();
  second->kill();
  heavy.wait();
  light.wait();
  base::log_info("test", "nice 0 : nice 5 = {} : 100 (by weight {})", percent, by_weight);
  CHECK(as_weighed);
  CHECK(word.load() > 0);
}

namespace {

std::atomic<std::uint64_t> nmis{0};

// Whatever was interrupted, the per-core area must be this core's.
void count_nmi(arch::TrapFrame&) {
  nmis.fetch_add(1);
  CHECK(arch::this_cpu().self == &arch::percpu(arch::this_core()));
}

}  // namespace

// NMIs find threads in user mode, on both sides of SWAPGS in system calls, and in the kernel.
void test_user_under_nmis() {
  const std::uint32_t cores = threads::statistics().cores;
  if (cores == 1 || !arch::cpu_features().fsgsbase) return;  // nobody to send them, or nothing to test
  UserSpace space;
  std::atomic_ref<std::uint64_t> over(*space.add_page(data_address, user_write));
  CHECK(threads::current().set_affinity(CoreMask::only(0)).has_value());
  threads::preemption_point();
  arch::set_nmi_handler(count_nmi);
  std::array<std::optional<UserTask>, 2> tasks;
  for (auto& task : tasks) {
    task.emplace(space).start(Program::KernelLikeBase, {data_address.value(), 0, 0},
                              {.affinity = CoreMask(CoreMask::all().bits() - 1)});
  }
  const std::uint64_t end = in_ms(300);
  while (threads::clock().now_ns() < end) {
    arch::send_nmi_to_others();
    kernel::spin_for_ns(20 * base::microsecond_ns);
  }
  over.store(1);
  for (auto& task : tasks) CHECK_EQUAL(task->wait(), 0u);
  CHECK(nmis.load() > 0);
  base::log_info("test", "{} NMIs, {} calls", nmis.load(), tasks[0]->calls() + tasks[1]->calls());
  kernel::start_panic_handling();
  CHECK(threads::current().set_affinity(CoreMask::all()).has_value());
}

void test_user_times() {
  UserSpace space;
  UserTask task(space);
  constexpr std::uint64_t calls = 100000;
  const std::uint64_t start_ns = threads::clock().now_ns();
  task.start(Program::CallMany, {calls, 0, 0});
  CHECK_EQUAL(task.wait(), 0u);
  const std::uint64_t took_ns = threads::clock().now_ns() - start_ns;
  const threads::ThreadTimes times = task.times();
  CHECK(times.user_ns > 0 && times.system_ns > 0 && times.user_ns + times.system_ns <= took_ns);
  base::log_info("test", "a system call in {} ns, {} of them in the kernel", took_ns / calls, times.system_ns / calls);
}

namespace {

template <typename T, std::size_t size>
std::span<std::byte> writable(std::array<T, size>& items) {
  return std::as_writable_bytes(std::span(items));
}

void copy_in_and_out(UserTask&) {
  std::array<std::uint8_t, 3000> out, in{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i * 7 + 1);
  // Every alignment, across pages that are not there yet.
  for (std::uint64_t offset : {0u, 1u, 7u, 63u, 1500u, 4095u}) {
    const UserVa at = demand_address + 8 * base::page_bytes + offset;
    CHECK(arch::copy_to_user(at, std::as_bytes(std::span(out))).has_value());
    in.fill(0);
    CHECK(arch::copy_from_user(writable(in), at).has_value());
    CHECK(in == out);
  }
  // Up to the first bad byte, and no further.
  const UserVa end = data_address + base::page_bytes;
  for (std::uint64_t room : {0u, 1u, 9u, 64u, 100u, 2999u}) {
    CHECK_EQUAL(arch::copy_to_user_partial(end - room, std::as_bytes(std::span(out))), room);
    in.fill(0);
    CHECK_EQUAL(arch::copy_from_user_partial(writable(in), end - room), room);
    CHECK(std::memcmp(in.data(), out.data(), room) == 0);
    CHECK(arch::copy_to_user(end - room, std::as_bytes(std::span(out))) == base::fail(Error::BadAddress));
  }
  CHECK(arch::clear_user(end - 77, 77).has_value());
  CHECK(arch::clear_user(end - 77, 78) == base::fail(Error::BadAddress));
}

void refuse_bad_ranges(UserTask&) {
  std::array<std::uint8_t, 64> bytes{};
  for (const std::uint64_t address :
       {std::uint64_t{0}, arch::user_space_end, arch::user_space_end - 1, std::uint64_t{0x8000'0000'0000'0000},
        kernel::direct_map_base, kernel::image_base, ~std::uint64_t{0}, ~std::uint64_t{0} - 63}) {
    CHECK(arch::copy_from_user(writable(bytes), UserVa(address)) == base::fail(Error::BadAddress));
    CHECK(arch::copy_to_user(UserVa(address), writable(bytes)) == base::fail(Error::BadAddress));
    CHECK_EQUAL(arch::copy_to_user_partial(UserVa(address), writable(bytes)), 0u);
    CHECK(arch::load_user_u32(UserVa(address & ~std::uint64_t{3})) == base::fail(Error::BadAddress));
  }
  // Read-only pages are read-only for the kernel too; the page-fault handler sleeps on one of these.
  CHECK(arch::copy_to_user(read_only_address + 0xff8, writable(bytes)) == base::fail(Error::BadAddress));
  CHECK(arch::copy_from_user(std::span(writable(bytes)).first(8), read_only_address + 0xff8).has_value());
  CHECK(arch::fault_in(read_only_address, arch::TouchFor::Read).has_value());
  CHECK(arch::fault_in(read_only_address, arch::TouchFor::Write) == base::fail(Error::BadAddress));
}

void copy_strings(UserTask&) {
  const UserVa end = data_address + base::page_bytes;
  constexpr char text[] = "sixteen letters!";
  CHECK(arch::copy_to_user(end - sizeof text, std::as_bytes(std::span(text))).has_value());
  std::array<char, 32> to{};
  CHECK(arch::copy_string_from_user(to, end - sizeof text) == 16u);
  CHECK(std::string_view(to.data()) == text);
  CHECK(arch::copy_string_from_user(std::span(to).first(16), end - sizeof text) == base::fail(Error::NameTooLong));
  CHECK(arch::copy_string_from_user(std::span(to).first(17), end - sizeof text) == 16u);
  // Without its zero byte it runs into the page behind.
  CHECK(arch::copy_to_user(end - 1, std::as_bytes(std::span("x", 1))).has_value());
  CHECK(arch::copy_string_from_user(to, end - sizeof text) == base::fail(Error::BadAddress));
}

void use_words(UserTask&) {
  const arch::UserInOut<std::uint32_t> word(data_address + 16);
  CHECK(word.write(5).has_value());
  CHECK(arch::load_user_u32(word.address()) == 5u);
  CHECK(arch::compare_exchange_user_u32(word.address(), 4, 9) == 5u);
  CHECK(word.read() == 5u);
  CHECK(arch::compare_exchange_user_u32(word.address(), 5, 9) == 5u);
  CHECK(word.read() == 9u);
  CHECK(arch::load_user_u32(word.address() + 2) == base::fail(Error::InvalidArgument));
  CHECK(arch::load_user_u32(unmapped_address) == base::fail(Error::BadAddress));
  // Without faults: at once while a lock is held, and the handler is not asked.
  const UserVa absent = demand_address + 40 * base::page_bytes;
  base::SpinLock lock(base::LockRank::Process);
  {
    const base::SpinGuard guard(lock);
    CHECK(arch::load_user_u32(absent, arch::FaultPolicy::NoFault) == base::fail(Error::BadAddress));
    CHECK(arch::compare_exchange_user_u32(absent, 0, 1, arch::FaultPolicy::NoFault) == base::fail(Error::BadAddress));
    CHECK(arch::load_user_u32(word.address(), arch::FaultPolicy::NoFault) == 9u);
  }
  CHECK(arch::fault_in(absent, arch::TouchFor::Write).has_value());
  const base::SpinGuard guard(lock);
  CHECK(arch::load_user_u32(absent, arch::FaultPolicy::NoFault) == 0u);
}

}  // namespace

void test_user_copies() {
  UserSpace space;
  space.add_page(data_address, user_write);
  space.add_page(read_only_address, user_read);
  for (const auto part : {copy_in_and_out, refuse_bad_ranges, copy_strings, use_words}) {
    UserTask task(space);
    task.start_in_kernel(part);
    CHECK_EQUAL(task.wait(), 0u);
  }
}

}  // namespace image_test
