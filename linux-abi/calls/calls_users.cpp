// SPDX-License-Identifier: Apache-2.0
// Users and groups: see calls_identity.h. Changes are the calling thread's; a C library makes them on
// all.
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
  const Capabilities::Uids ids_before = user.uids();
  const std::uint32_t file_uid_before = user.file_uid;
  const Answer<std::uint64_t> result = change(user);
  user.capabilities.file_id_changed(file_uid_before, user.file_uid);
  user.capabilities.ids_changed(ids_before, user.uids());
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
  return change_ids(
      call, [&](Credentials& user) { return set_one(users(user), user.may(Capability::SetUid), id_of(call.a())); });
}
Answer<std::uint64_t> setgid(Call& call) {
  return change_ids(
      call, [&](Credentials& user) { return set_one(groups(user), user.may(Capability::SetGid), id_of(call.a())); });
}
Answer<std::uint64_t> setreuid(Call& call) {
  return change_ids(call, [&](Credentials& user) {
    return set_two(users(user), user.may(Capability::SetUid), id_of(call.a()), id_of(call.b()));
  });
}
Answer<std::uint64_t> setregid(Call& call) {
  return change_ids(call, [&](Credentials& user) {
    return set_two(groups(user), user.may(Capability::SetGid), id_of(call.a()), id_of(call.b()));
  });
}
Answer<std::uint64_t> setresuid(Call& call) {
  return change_ids(call, [&](Credentials& user) {
    return set_three(users(user), user.may(Capability::SetUid), id_of(call.a()), id_of(call.b()), id_of(call.c()));
  });
}
Answer<std::uint64_t> setresgid(Call& call) {
  return change_ids(call, [&](Credentials& user) {
    return set_three(groups(user), user.may(Capability::SetGid), id_of(call.a()), id_of(call.b()), id_of(call.c()));
  });
}
Answer<std::uint64_t> setfsuid(Call& call) {
  return change_ids(
      call, [&](Credentials& user) { return set_file_id(users(user), user.may(Capability::SetUid), id_of(call.a())); });
}
Answer<std::uint64_t> setfsgid(Call& call) {
  return change_ids(call, [&](Credentials& user) {
    return set_file_id(groups(user), user.may(Capability::SetGid), id_of(call.a()));
  });
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
  if (!user.may(Capability::SetGid)) return error(EPERM);
  constexpr std::uint64_t most_of_linux = 65536;
  const auto count = static_cast<std::uint32_t>(call.a());
  if (count > most_of_linux) return error(EINVAL);
  if (count > Credentials::max_groups) {
    TRY(UserIn<std::uint32_t>(call.b() + (count - 1) * sizeof(std::uint32_t)).read());
    return error(EINVAL);
  }
  std::array<std::uint32_t, Credentials::max_groups> groups{};
  TRY(UserIn<std::uint32_t>(call.b()).read_array(std::span(groups).first(count)));
  user.groups = groups;
  user.group_count = count;
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
