// SPDX-License-Identifier: Apache-2.0
// Copies between kernel and user memory: see user_copy.h.
#include "arch/x86_64/user_copy.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/user_copy_fixup.h"
#include "kernel/base/assert.h"
#include "kernel/base/spinlock.h"

extern "C" {
std::size_t arch_user_copy(void* to, const void* from, std::size_t bytes);
std::size_t arch_user_clear(void* to, std::size_t bytes);
std::int64_t arch_user_string(char* to, const char* from, std::size_t bytes);
bool arch_user_load32(std::uint32_t* value, const std::uint32_t* from);
bool arch_user_compare_exchange32(std::uint32_t* at, std::uint32_t* expected_then_found, std::uint32_t desired);
bool arch_user_touch_write(void* at);

struct UserFixup {
  std::uint64_t first, end, fixup;
};
extern const UserFixup arch_user_fixups[];
extern const UserFixup arch_user_fixups_end[];
}

namespace arch {

using base::Error;
using base::fail;
using base::Result;

namespace {

// While it lives, the kernel may touch user pages. With interrupts disabled (NoFault, or the caller's) a fault goes to
// the fix-up at once, see user_mode_faults.cpp.
class UserAccessWindow {
 public:
  explicit UserAccessWindow(FaultPolicy policy) : no_fault_(policy == FaultPolicy::NoFault) {
    if (no_fault_) {
      state_ = base::platform::disable_interrupts();
    } else {
      LEGO_ASSERT(!base::holds_spinlock() && interrupts_enabled());
    }
    if (cpu_features().smap) allow_user_access();
  }
  UserAccessWindow(const UserAccessWindow&) = delete;
  UserAccessWindow& operator=(const UserAccessWindow&) = delete;
  ~UserAccessWindow() {
    if (cpu_features().smap) forbid_user_access();
    if (no_fault_) base::platform::restore_interrupts(state_);
  }

 private:
  bool no_fault_;
  std::uint64_t state_ = 0;
};

template <typename T>
T* pointer(base::UserVa address) {
  return reinterpret_cast<T*>(address.value());
}

std::size_t copy(void* to, const void* from, std::size_t bytes, FaultPolicy policy) {
  const UserAccessWindow window(policy);
  return arch_user_copy(to, from, bytes);
}

// How much of [start, start + bytes) lies in user space.
std::size_t user_part(base::UserVa start, std::size_t bytes) {
  if (start.value() >= user_space_end) return 0;
  const std::uint64_t room = user_space_end - start.value();
  return bytes < room ? bytes : room;
}

Result<> check_word(base::UserVa address) {
  if (address.value() % sizeof(std::uint32_t) != 0) return fail(Error::InvalidArgument);
  if (!is_user_range(address, sizeof(std::uint32_t))) return fail(Error::BadAddress);
  return {};
}

}  // namespace

Result<> copy_from_user(std::span<std::byte> to, base::UserVa from, FaultPolicy policy) {
  if (!is_user_range(from, to.size())) return fail(Error::BadAddress);
  if (copy(to.data(), pointer<const void>(from), to.size(), policy) != 0) return fail(Error::BadAddress);
  return {};
}

Result<> copy_to_user(base::UserVa to, std::span<const std::byte> from, FaultPolicy policy) {
  if (!is_user_range(to, from.size())) return fail(Error::BadAddress);
  if (copy(pointer<void>(to), from.data(), from.size(), policy) != 0) return fail(Error::BadAddress);
  return {};
}

Result<> clear_user(base::UserVa to, std::size_t bytes) {
  if (!is_user_range(to, bytes)) return fail(Error::BadAddress);
  const UserAccessWindow window(FaultPolicy::MayFault);
  if (arch_user_clear(pointer<void>(to), bytes) != 0) return fail(Error::BadAddress);
  return {};
}

std::size_t copy_from_user_partial(std::span<std::byte> to, base::UserVa from) {
  const std::size_t bytes = user_part(from, to.size());
  return bytes - copy(to.data(), pointer<const void>(from), bytes, FaultPolicy::MayFault);
}

std::size_t copy_to_user_partial(base::UserVa to, std::span<const std::byte> from) {
  const std::size_t bytes = user_part(to, from.size());
  return bytes - copy(pointer<void>(to), from.data(), bytes, FaultPolicy::MayFault);
}

Result<std::size_t> copy_string_from_user(std::span<char> to, base::UserVa from) {
  const std::size_t bytes = user_part(from, to.size());
  const UserAccessWindow window(FaultPolicy::MayFault);
  const std::int64_t length = arch_user_string(to.data(), pointer<const char>(from), bytes);
  if (length < 0) return fail(Error::BadAddress);
  if (static_cast<std::size_t>(length) < bytes) return static_cast<std::size_t>(length);
  return fail(bytes < to.size() ? Error::BadAddress : Error::NameTooLong);
}

Result<> fault_in(base::UserVa address, TouchFor purpose) {
  if (!is_user_range(address, 1)) return fail(Error::BadAddress);
  const UserAccessWindow window(FaultPolicy::MayFault);
  if (purpose == TouchFor::Write) {
    if (!arch_user_touch_write(pointer<void>(address))) return fail(Error::BadAddress);
    return {};
  }
  std::byte ignored;
  if (arch_user_copy(&ignored, pointer<const void>(address), 1) != 0) return fail(Error::BadAddress);
  return {};
}

Result<std::uint32_t> load_user_u32(base::UserVa address, FaultPolicy policy) {
  TRY(check_word(address));
  std::uint32_t value = 0;
  const UserAccessWindow window(policy);
  if (!arch_user_load32(&value, pointer<const std::uint32_t>(address))) return fail(Error::BadAddress);
  return value;
}

Result<std::uint32_t> compare_exchange_user_u32(base::UserVa address, std::uint32_t expected, std::uint32_t desired,
                                                FaultPolicy policy) {
  TRY(check_word(address));
  std::uint32_t found = expected;
  const UserAccessWindow window(policy);
  if (!arch_user_compare_exchange32(pointer<std::uint32_t>(address), &found, desired)) return fail(Error::BadAddress);
  return found;
}

std::uint64_t user_fixup(std::uint64_t instruction) {
  for (const UserFixup* entry = arch_user_fixups; entry != arch_user_fixups_end; ++entry) {
    if (instruction >= entry->first && instruction < entry->end) return entry->fixup;
  }
  return 0;
}

}  // namespace arch
