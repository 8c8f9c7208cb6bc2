// SPDX-License-Identifier: Apache-2.0
// Root's privileges one by one (capabilities(7)): sets of a thread, and how they follow changes of its ids. Pure.
#pragma once

#include <cstdint>

namespace linux_abi {

// CAP_*
enum class Capability : std::uint8_t {
  Chown = 0,
  DacOverride = 1,
  DacReadSearch = 2,
  FileOwner = 3,
  FileSetId = 4,
  Kill = 5,
  SetGid = 6,
  SetUid = 7,
  SetCapabilities = 8,
  BindService = 10,
  BroadcastNetwork = 11,
  AdministrateNetwork = 12,
  RawNetwork = 13,
  LockMemory = 14,
  IpcOwner = 15,
  ChangeRoot = 18,
  Trace = 19,
  Accounting = 20,
  Administration = 21,
  Boot = 22,
  Nice = 23,
  Resources = 24,
  Time = 25,
  TerminalConfiguration = 26,
  MakeNode = 27,
  Lease = 28,
  Syslog = 34,
  Wake = 35,
  RestoreState = 40,
};
inline constexpr std::uint64_t last_capability = 40;
inline constexpr std::uint64_t all_capabilities = (std::uint64_t{1} << (last_capability + 1)) - 1;

constexpr std::uint64_t bit_of(std::uint64_t capability) { return std::uint64_t{1} << capability; }

namespace secure_bit {
inline constexpr std::uint32_t no_root = 1, no_set_uid_fix = 4, keep = 16, no_ambient_raise = 64;
}

struct Capabilities {
  std::uint64_t effective = all_capabilities;
  std::uint64_t permitted = all_capabilities;
  std::uint64_t inheritable = 0;
  std::uint64_t bounding = all_capabilities;
  std::uint64_t ambient = 0;
  std::uint32_t secure_bits = 0;

  bool has(Capability capability) const { return (effective & bit_of(static_cast<std::uint64_t>(capability))) != 0; }

  // The three user ids before and after a change: privileges go with the last zero among them.
  struct Uids {
    std::uint32_t real, effective, saved;
    bool any_root() const { return real == 0 || effective == 0 || saved == 0; }
  };
  void ids_changed(const Uids& before, const Uids& after) {
    if ((secure_bits & secure_bit::no_set_uid_fix) != 0) return;
    if (before.any_root() && !after.any_root()) {
      if ((secure_bits & secure_bit::keep) == 0) permitted = effective = 0;
      ambient = 0;
    }
    if (before.effective == 0 && after.effective != 0) effective = 0;
    if (before.effective != 0 && after.effective == 0) effective = permitted;
  }
  // setfsuid: those about files follow.
  void file_id_changed(std::uint32_t before, std::uint32_t after) {
    if ((secure_bits & secure_bit::no_set_uid_fix) != 0) return;
    constexpr std::uint64_t about_files = 0x1f | bit_of(9) | bit_of(27) | bit_of(32);
    if (before == 0 && after != 0) effective &= ~about_files;
    if (before != 0 && after == 0) effective |= permitted & about_files;
  }
  // execve of a program without capabilities of its own, with the ids after it; set_id: it changed them.
  void executed(const Uids& ids, bool set_id) {
    if (set_id) ambient = 0;
    const bool root = (secure_bits & secure_bit::no_root) == 0 && (ids.real == 0 || ids.effective == 0);
    const bool root_now = root && ids.effective == 0;
    permitted = root ? inheritable | bounding : ambient;
    effective = root_now ? permitted : ambient;
    secure_bits &= ~secure_bit::keep;
  }
};

}  // namespace linux_abi
