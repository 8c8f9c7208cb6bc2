// SPDX-License-Identifier: Apache-2.0
// Users, groups and capabilities: see calls_identity.h. Changes are the calling thread's; a C library makes them on
// all.
#include <linux/capability.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_identity.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

constexpr std::uint32_t unchanged = ~std::uint32_t{0};

// A triple of real, effective and saved id; the file id follows the effective one.
struct Ids {
  std::uint32_t& real;
  std::uint32_t& effective;
  std::uint32_t& saved;
  std::uint32_t& file;
};
Ids users(Credentials& user) { return {user.uid, user.effective_uid, user.saved_uid, user.file_uid}; }
Ids groups(Credentials& user) { return {user.gid, user.effective_gid, user.saved_gid, user.file_gid}; }

std::uint32_t id_of(std::uint64_t argument) { return static_cast<std::uint32_t>(argument); }

Answer<std::uint64_t> set_one(Ids ids, bool privileged, std::uint32_t id) {
  if (id == unchanged) return error(EINVAL);
  if (privileged)
    ids.real = ids.effective = ids.saved = id;
  else if (id == ids.real || id == ids.saved)
    ids.effective = id;
  else
    return error(EPERM);
  ids.file = ids.effective;
  return std::uint64_t{0};
}

Answer<std::uint64_t> set_two(Ids ids, bool privileged, std::uint32_t real, std::uint32_t effective) {
  const std::uint32_t old_real = ids.real, old_effective = ids.effective, old_saved = ids.saved;
  if (real != unchanged && !privileged && real != old_real && real != old_effective) return error(EPERM);
  if (effective != unchanged && !privileged && effective != old_real && effective != old_effective &&
      effective != old_saved)
    return error(EPERM);
  if (real != unchanged) ids.real = real;
  if (effective != unchanged) ids.effective = effective;
  if (real != unchanged || (effective != unchanged && effective != old_real)) ids.saved = ids.effective;
  ids.file = ids.effective;
  return std::uint64_t{0};
}

Answer<std::uint64_t> set_three(Ids ids, bool privileged, std::uint32_t real, std::uint32_t effective,
                                std::uint32_t saved) {
  const std::uint32_t old[] = {ids.real, ids.effective, ids.saved};
  for (const std::uint32_t id : {real, effective, saved})
    if (id != unchanged && !privileged && id != old[0] && id != old[1] && id != old[2]) return error(EPERM);
  if (real != unchanged) ids.real = real;
  if (effective != unchanged) ids.effective = effective;
  if (saved != unchanged) ids.saved = saved;
  ids.file = ids.effective;
  return std::uint64_t{0};
}

Answer<std::uint64_t> write_three(Call& call, Ids ids) {
  TRY(UserOut<std::uint32_t>(call.a()).write(ids.real));
  TRY(UserOut<std::uint32_t>(call.b()).write(ids.effective));
  TRY(UserOut<std::uint32_t>(call.c()).write(ids.saved));
  return std::uint64_t{0};
}

// Returns the old one, whatever happened.
Answer<std::uint64_t> set_file_id(Ids ids, bool privileged, std::uint32_t id) {
  const std::uint32_t old = ids.file;
  if (privileged || id == ids.real || id == ids.effective || id == ids.saved || id == ids.file) ids.file = id;
  if (id == unchanged) ids.file = old;
  return std::uint64_t{old};
}

// Whoever becomes somebody else must not be looked into by others (prctl(2), PR_SET_DUMPABLE).
template <typename Change>
Answer<std::uint64_t> change_ids(Call& call, Change change) {
  Credentials& user = call.thread.user;
  const auto shown = [&] { return std::array{user.effective_uid, user.file_uid, user.effective_gid, user.file_gid}; };
  const auto before = shown();
  const Answer<std::uint64_t> result = change(user);
  if (shown() != before) {
    const base::SpinGuard guard(tasks_lock);
    call.process().dumpable = 0;
  }
  return result;
}

}  // namespace

Answer<std::uint64_t> getuid(Call& call) { return std::uint64_t{call.thread.user.uid}; }
Answer<std::uint64_t> geteuid(Call& call) { return std::uint64_t{call.thread.user.effective_uid}; }
Answer<std::uint64_t> getgid(Call& call) { return std::uint64_t{call.thread.user.gid}; }
Answer<std::uint64_t> getegid(Call& call) { return std::uint64_t{call.thread.user.effective_gid}; }
Answer<std::uint64_t> getresuid(Call& call) { return write_three(call, users(call.thread.user)); }
Answer<std::uint64_t> getresgid(Call& call) { return write_three(call, groups(call.thread.user)); }

Answer<std::uint64_t> setuid(Call& call) {
  return change_ids(call, [&](Credentials& user) { return set_one(users(user), user.is_root(), id_of(call.a())); });
}
Answer<std::uint64_t> setgid(Call& call) {
  return change_ids(call, [&](Credentials& user) { return set_one(groups(user), user.is_root(), id_of(call.a())); });
}
Answer<std::uint64_t> setreuid(Call& call) {
  return change_ids(
      call, [&](Credentials& user) { return set_two(users(user), user.is_root(), id_of(call.a()), id_of(call.b())); });
}
Answer<std::uint64_t> setregid(Call& call) {
  return change_ids(
      call, [&](Credentials& user) { return set_two(groups(user), user.is_root(), id_of(call.a()), id_of(call.b())); });
}
Answer<std::uint64_t> setresuid(Call& call) {
  return change_ids(call, [&](Credentials& user) {
    return set_three(users(user), user.is_root(), id_of(call.a()), id_of(call.b()), id_of(call.c()));
  });
}
Answer<std::uint64_t> setresgid(Call& call) {
  return change_ids(call, [&](Credentials& user) {
    return set_three(groups(user), user.is_root(), id_of(call.a()), id_of(call.b()), id_of(call.c()));
  });
}
Answer<std::uint64_t> setfsuid(Call& call) {
  return change_ids(call, [&](Credentials& user) { return set_file_id(users(user), user.is_root(), id_of(call.a())); });
}
Answer<std::uint64_t> setfsgid(Call& call) {
  return change_ids(call,
                    [&](Credentials& user) { return set_file_id(groups(user), user.is_root(), id_of(call.a())); });
}

Answer<std::uint64_t> getgroups(Call& call) {
  const Credentials& user = call.thread.user;
  const int room = Call::as_int(call.a());
  if (room < 0) return error(EINVAL);
  if (room == 0) return std::uint64_t{user.group_count};
  if (static_cast<std::uint32_t>(room) < user.group_count) return error(EINVAL);
  TRY(UserOut<std::uint32_t>(call.b()).write_array(std::span(user.groups).first(user.group_count)));
  return std::uint64_t{user.group_count};
}

Answer<std::uint64_t> setgroups(Call& call) {
  Credentials& user = call.thread.user;
  if (!user.is_root()) return error(EPERM);
  if (call.a() > Credentials::max_groups) return error(EINVAL);
  const auto count = static_cast<std::uint32_t>(call.a());
  std::array<std::uint32_t, Credentials::max_groups> groups{};
  TRY(UserIn<std::uint32_t>(call.b()).read_array(std::span(groups).first(count)));
  user.groups = groups;
  user.group_count = count;
  return std::uint64_t{0};
}

namespace {

struct CapabilityHeader {
  std::uint32_t version;
  std::int32_t pid;
};
struct CapabilityData {
  std::uint32_t effective, permitted, inheritable;
};

// How many CapabilityData the version has; EINVAL after telling the version that is understood.
Answer<std::size_t> capability_words(std::uint64_t address) {
  CapabilityHeader header = TRY(UserIn<CapabilityHeader>(address).read());
  switch (header.version) {
    case _LINUX_CAPABILITY_VERSION_1:
      return std::size_t{1};
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3:
      return std::size_t{2};
    default:
      header.version = _LINUX_CAPABILITY_VERSION_3;
      TRY(UserOut<CapabilityHeader>(address).write(header));
      return error(EINVAL);
  }
}

}  // namespace

Answer<std::uint64_t> capget(Call& call) {
  const std::size_t words = TRY(capability_words(call.a()));
  if (call.b() == 0) return std::uint64_t{0};
  const bool root = call.thread.user.is_root();
  std::array<CapabilityData, 2> data{};
  if (root) data = {{{~0U, ~0U, 0}, {0x1ff, 0x1ff, 0}}};
  TRY(UserOut<CapabilityData>(call.b()).write_array(std::span(data).first(words)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> capset(Call& call) {
  const std::size_t words = TRY(capability_words(call.a()));
  std::array<CapabilityData, 2> data{};
  TRY(UserIn<CapabilityData>(call.b()).read_array(std::span(data).first(words)));
  if (call.thread.user.is_root()) return std::uint64_t{0};
  for (const CapabilityData& word : data)
    if ((word.effective | word.permitted) != 0) return error(EPERM);
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
