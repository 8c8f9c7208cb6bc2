// SPDX-License-Identifier: Apache-2.0
// Capabilities: capget, capset, and prctl's commands about them.
#include "linux-abi/calls/calls_capabilities.h"

#include <linux/capability.h>
#include <linux/prctl.h>

#include <optional>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_identity.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

struct CapabilityHeader {
  std::uint32_t version;
  std::int32_t pid;
};
struct CapabilityData {
  std::uint32_t effective, permitted, inheritable;
};
using AllData = std::array<CapabilityData, 2>;

struct Asked {
  std::size_t words = 0;  // how many CapabilityData the version has
  int pid = 0;
};

// EINVAL after telling the version that is understood; nullopt: that was all that was asked for.
Answer<std::optional<Asked>> read_header(std::uint64_t address, bool data_wanted) {
  CapabilityHeader header = TRY(UserIn<CapabilityHeader>(address).read());
  const bool first = header.version == _LINUX_CAPABILITY_VERSION_1;
  if (!first && header.version != _LINUX_CAPABILITY_VERSION_2 && header.version != _LINUX_CAPABILITY_VERSION_3) {
    header.version = _LINUX_CAPABILITY_VERSION_3;
    TRY(UserOut<CapabilityHeader>(address).write(header));
    if (!data_wanted) return std::optional<Asked>();
    return error(EINVAL);
  }
  return Asked{first ? std::size_t{1} : std::size_t{2}, header.pid};
}

// Of the thread with that number. EINVAL, ESRCH.
Answer<Capabilities> capabilities_of(Call& call, int pid) {
  if (pid < 0) return error(EINVAL);
  if (pid == 0 || pid == call.thread.tid()) return call.thread.user.capabilities;
  const base::SpinGuard guard(tasks_lock);
  if (pid == kernel_pid) return call.process().vnode().init.user.capabilities;
  const PidEntry* entry = call.process().vnode().pids.find(pid);
  if (entry == nullptr || entry->thread == nullptr) return error(ESRCH);
  return entry->thread->user.capabilities;
}

std::uint64_t joined(const AllData& data, std::uint32_t CapabilityData::*set) {
  return (data[0].*set | std::uint64_t{data[1].*set} << 32) & all_capabilities;
}

Answer<std::uint64_t> change_ambient(Capabilities& sets, Call& call) {
  const std::uint64_t what = call.b(), capability = call.c();
  if (call.d() != 0 || call.e() != 0) return error(EINVAL);
  if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
    if (capability != 0) return error(EINVAL);
    sets.ambient = 0;
    return std::uint64_t{0};
  }
  if (capability > last_capability) return error(EINVAL);
  const std::uint64_t bit = bit_of(capability);
  switch (what) {
    case PR_CAP_AMBIENT_IS_SET:
      return std::uint64_t{(sets.ambient & bit) != 0 ? 1U : 0U};
    case PR_CAP_AMBIENT_LOWER:
      sets.ambient &= ~bit;
      return std::uint64_t{0};
    case PR_CAP_AMBIENT_RAISE:
      if ((sets.permitted & sets.inheritable & bit) == 0 || (sets.secure_bits & secure_bit::no_ambient_raise) != 0)
        return error(EPERM);
      sets.ambient |= bit;
      return std::uint64_t{0};
    default:
      return error(EINVAL);
  }
}

// Locked bits (every second one) stay as they are.
Answer<std::uint64_t> set_secure_bits(Capabilities& sets, std::uint64_t wanted) {
  constexpr std::uint64_t locks = 0xaa, all = 0xff;
  const std::uint64_t locked = sets.secure_bits & locks;
  if (!sets.has(Capability::SetCapabilities) || (wanted & ~all) != 0 || (locked & ~wanted) != 0 ||
      ((wanted ^ sets.secure_bits) & (locked >> 1)) != 0)
    return error(EPERM);
  sets.secure_bits = static_cast<std::uint32_t>(wanted);
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> capget(Call& call) {
  const std::optional<Asked> asked = TRY(read_header(call.a(), call.b() != 0));
  if (!asked) return std::uint64_t{0};
  const Capabilities sets = TRY(capabilities_of(call, asked->pid));
  if (call.b() == 0) return std::uint64_t{0};
  AllData data{};
  for (unsigned i = 0; i < data.size(); ++i)
    data[i] = {static_cast<std::uint32_t>(sets.effective >> (32 * i)),
               static_cast<std::uint32_t>(sets.permitted >> (32 * i)),
               static_cast<std::uint32_t>(sets.inheritable >> (32 * i))};
  TRY(UserOut<CapabilityData>(call.b()).write_array(std::span(data).first(asked->words)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> capset(Call& call) {
  const std::optional<Asked> asked = TRY(read_header(call.a(), true));
  if (asked->pid != 0 && asked->pid != call.thread.tid()) return error(EPERM);
  AllData data{};
  TRY(UserIn<CapabilityData>(call.b()).read_array(std::span(data).first(asked->words)));
  const std::uint64_t effective = joined(data, &CapabilityData::effective);
  const std::uint64_t permitted = joined(data, &CapabilityData::permitted);
  const std::uint64_t inheritable = joined(data, &CapabilityData::inheritable);
  Capabilities& sets = call.thread.user.capabilities;
  if (!sets.has(Capability::SetCapabilities) && (inheritable & ~(sets.inheritable | sets.permitted)) != 0)
    return error(EPERM);
  if ((inheritable & ~(sets.inheritable | sets.bounding)) != 0) return error(EPERM);
  if ((permitted & ~sets.permitted) != 0 || (effective & ~permitted) != 0) return error(EPERM);
  sets.effective = effective;
  sets.permitted = permitted;
  sets.inheritable = inheritable;
  sets.ambient &= permitted & inheritable;
  return std::uint64_t{0};
}

std::optional<Answer<std::uint64_t>> capability_prctl(Call& call) {
  Capabilities& sets = call.thread.user.capabilities;
  switch (Call::as_int(call.a())) {
    case PR_CAPBSET_READ:
      if (call.b() > last_capability) return error(EINVAL);
      return std::uint64_t{(sets.bounding & bit_of(call.b())) != 0 ? 1U : 0U};
    case PR_CAPBSET_DROP:
      if (!sets.has(Capability::SetCapabilities)) return error(EPERM);
      if (call.b() > last_capability) return error(EINVAL);
      sets.bounding &= ~bit_of(call.b());
      return std::uint64_t{0};
    case PR_GET_KEEPCAPS:
      return std::uint64_t{(sets.secure_bits & secure_bit::keep) != 0 ? 1U : 0U};
    case PR_SET_KEEPCAPS:
      if (call.b() > 1) return error(EINVAL);
      if ((sets.secure_bits & (secure_bit::keep << 1)) != 0) return error(EPERM);
      sets.secure_bits = (sets.secure_bits & ~secure_bit::keep) | (call.b() != 0 ? secure_bit::keep : 0);
      return std::uint64_t{0};
    case PR_GET_SECUREBITS:
      return std::uint64_t{sets.secure_bits};
    case PR_SET_SECUREBITS:
      return set_secure_bits(sets, call.b());
    case PR_CAP_AMBIENT:
      return change_ambient(sets, call);
    default:
      return std::nullopt;
  }
}

}  // namespace linux_abi::calls
