// SPDX-License-Identifier: Apache-2.0
// The machine and limits: see calls_system.h.
#include "linux-abi/calls/calls_system.h"

#include <algorithm>
#include <cstring>

#include "arch/x86_64/user_ptr.h"
#include "kernel/core/cores.h"
#include "kernel/core/entropy.h"
#include "kernel/memory/frames.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/process/memory_information.h"
#include "linux-abi/time/interval_timers.h"
#include "linux-abi/time/load_averages.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

struct UserNames {
  std::array<char, 65> system{}, node{}, release{}, version{}, machine{}, domain{};
};
static_assert(sizeof(UserNames) == 390);

void put(std::array<char, 65>& field, std::string_view text) {
  std::memcpy(field.data(), text.data(), std::min(text.size(), field.size() - 1));
}

Answer<std::array<char, 65>> read_name(Call& call) {
  if (!call.thread.user.is_root()) return error(EPERM);
  const int length = Call::as_int(call.b());
  if (length < 0 || length > 64) return error(EINVAL);
  std::array<char, 65> name{};
  TRY(call.thread.copy_in(std::as_writable_bytes(std::span(name)).first(static_cast<std::size_t>(length)), call.a()));
  return name;
}

}  // namespace

Answer<std::uint64_t> uname(Call& call) {
  UserNames names;
  put(names.system, "Linux");
  const Persona& persona = call.process().persona;
  put(names.release, persona.has(persona::release_26) ? "2.6.61-lego" : "6.1.0-lego");  // 60 and Linux's second number
  put(names.version, "#1 SMP LegoOS");
  put(names.machine, (persona.bits() & persona::types) == persona::linux_32 ? "i686" : "x86_64");
  {
    const base::SpinGuard guard(tasks_lock);
    names.node = call.process().vnode().hostname;
    names.domain = call.process().vnode().domain_name;
  }
  if (names.domain[0] == 0) put(names.domain, "(none)");
  TRY(UserOut<UserNames>(call.a()).write(names));
  return std::uint64_t{0};
}

Answer<std::uint64_t> sethostname(Call& call) {
  const auto name = TRY(read_name(call));
  const base::SpinGuard guard(tasks_lock);
  call.process().vnode().hostname = name;
  return std::uint64_t{0};
}

Answer<std::uint64_t> setdomainname(Call& call) {
  const auto name = TRY(read_name(call));
  const base::SpinGuard guard(tasks_lock);
  call.process().vnode().domain_name = name;
  return std::uint64_t{0};
}

Answer<std::uint64_t> sysinfo(Call& call) {
  struct UserSystemInformation {
    std::int64_t uptime;
    std::uint64_t loads[3], total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
    std::uint16_t processes, padding;
    std::uint64_t total_high, free_high;
    std::uint32_t unit;
  };
  static_assert(sizeof(UserSystemInformation) == 112);
  const MemoryInformation memory = memory_information();
  UserSystemInformation information{};
  information.uptime = static_cast<std::int64_t>(call.thread.now_ns() / ns_per_second);
  std::ranges::copy(load_averages().averages(), information.loads);
  information.total_ram = memory.total_bytes;
  information.free_ram = memory.free_bytes;
  {
    const base::SpinGuard guard(tasks_lock);
    information.processes = static_cast<std::uint16_t>(call.process().vnode().pids.count());
  }
  information.unit = 1;
  TRY(UserOut<UserSystemInformation>(call.a()).write(information));
  return std::uint64_t{0};
}

// An empty kernel log: what it says stays on the component's console.
Answer<std::uint64_t> syslog(Call& call) {
  constexpr int size_buffer = 10, size_unread = 9, first_read = 2, last_read = 4, console_level = 8;
  const int type = Call::as_int(call.a());
  if (type < 0 || type > size_buffer) return error(EINVAL);
  if (!call.thread.user.may(Capability::Syslog)) return error(EPERM);
  const auto length = static_cast<std::int32_t>(call.c());
  if (type >= first_read && type <= last_read && (call.b() == 0 || length < 0)) return error(EINVAL);
  if (type == console_level && (length < 1 || length > 8)) return error(EINVAL);
  if (type == size_unread) return std::uint64_t{0};
  return type == size_buffer ? std::uint64_t{1} << 14 : std::uint64_t{0};
}

Answer<std::uint64_t> getrandom(Call& call) {
  constexpr std::uint64_t known_flags = 7, random_and_insecure = 6;
  if ((call.c() & ~known_flags) != 0 || (call.c() & random_and_insecure) == random_and_insecure) return error(EINVAL);
  std::array<std::byte, 256> bytes;
  const std::uint64_t wanted = std::min<std::uint64_t>(call.b(), 0x7fffffff);
  for (std::uint64_t done = 0; done < wanted;) {
    const auto piece = std::span(bytes).first(std::min<std::uint64_t>(wanted - done, bytes.size()));
    kernel::fill_random(piece);
    if (const auto copied = call.thread.copy_out(call.a() + done, piece); !copied)
      return done > 0 ? Answer<std::uint64_t>(done) : std::unexpected(copied.error());
    done += piece.size();
    if (call.thread.kernel_thread().interrupted() && done >= bytes.size()) return done;
  }
  return wanted;
}

Answer<std::uint64_t> getcpu(Call& call) {
  const std::uint32_t core = base::platform::current_core(), node = 0;
  if (call.a() != 0) TRY(UserOut<std::uint32_t>(call.a()).write(core));
  if (call.b() != 0) TRY(UserOut<std::uint32_t>(call.b()).write(node));
  return std::uint64_t{0};
}

namespace {

Answer<Limit> change_limit(Call& call, int pid, std::uint64_t resource, const Limit* fresh) {
  const base::SpinGuard guard(tasks_lock);
  Process* process = &call.process();
  Limits* limits = &process->limits;
  if (pid == kernel_pid) {
    process = nullptr;
    limits = &call.process().vnode().init.limits;
  } else if (pid != 0) {
    const PidEntry* entry = process->vnode().pids.find(pid);
    if (entry == nullptr || entry->process == nullptr) return error(ESRCH);
    process = entry->process;
    limits = &process->limits;
  }
  const bool root = call.thread.user.may(Capability::Resources);
  if (process != &call.process() && !root) return error(EPERM);
  if (resource >= resources) return error(EINVAL);
  if (fresh != nullptr && fresh->soft > fresh->hard) return error(EINVAL);
  Limit& limit = limits->values[resource];
  const Limit old = limit;
  if (fresh == nullptr) return old;
  if (fresh->hard > old.hard && !root) return error(EPERM);
  const std::uint64_t most_files = call.process().vnode().most_descriptors.load(std::memory_order_relaxed);
  if (resource == static_cast<std::uint64_t>(Resource::Files) && fresh->hard > most_files) return error(EPERM);
  limit = *fresh;
  if (resource == static_cast<std::uint64_t>(Resource::Cpu) && process != nullptr &&
      process->state != ProcessState::Zombie)
    TRY(bind_processor_time_locked(*process));
  return old;
}

}  // namespace

Answer<std::uint64_t> getrlimit(Call& call) {
  const Limit limit = TRY(change_limit(call, 0, call.a(), nullptr));
  TRY(UserOut<Limit>(call.b()).write(limit));
  return std::uint64_t{0};
}

Answer<std::uint64_t> setrlimit(Call& call) {
  const Limit fresh = TRY(UserIn<Limit>(call.b()).read());
  TRY(change_limit(call, 0, call.a(), &fresh));
  return std::uint64_t{0};
}

Answer<std::uint64_t> prlimit64(Call& call) {
  Limit fresh;
  if (call.c() != 0) fresh = TRY(UserIn<Limit>(call.c()).read());
  const Limit old = TRY(change_limit(call, Call::as_int(call.a()), call.b(), call.c() != 0 ? &fresh : nullptr));
  if (call.d() != 0) TRY(UserOut<Limit>(call.d()).write(old));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
