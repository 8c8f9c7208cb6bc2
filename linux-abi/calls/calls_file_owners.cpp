// SPDX-License-Identifier: Apache-2.0
// Who is told of a file by signals: fcntl's F_SETOWN and its siblings, O_ASYNC and FIOASYNC, leases and
// notices of directories. See file_owners.h.
#include <linux/fcntl.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/file_owners.h"
#include "linux-abi/files/directory_notices.h"
#include "linux-abi/files/file_owner.h"
#include "linux-abi/files/leases.h"

namespace linux_abi::calls {
namespace {

using arch::UserIn;
using arch::UserOut;

// struct f_owner_ex
struct UserOwner {
  OwnerKind kind;
  std::int32_t number;
};

OwnerName owner_of(OpenFile& file) { return file.owner() == nullptr ? OwnerName{} : file.owner()->get(); }

// A number as F_SETOWN takes it: of a process, or less than zero of a group.
Answer<std::uint64_t> set_owner(Call& call, OpenFile& file, int number) {
  if (number == -0x7fffffff - 1) return error(EINVAL);
  FileOwner* owner = TRY(FileOwner::of(file));
  TRY(owner->set(number < 0 ? OwnerName{OwnerKind::Group, -number} : OwnerName{OwnerKind::Process, number},
                 call.thread));
  return std::uint64_t{0};
}

int plain_number(OwnerName name) { return name.kind == OwnerKind::Group ? -name.number : name.number; }

Answer<std::uint64_t> set_named_owner(Call& call, OpenFile& file) {
  const UserOwner given = TRY(UserIn<UserOwner>(call.c()).read());
  if (given.kind < OwnerKind::Thread || given.kind > OwnerKind::Group || given.number < 0) return error(EINVAL);
  FileOwner* owner = TRY(FileOwner::of(file));
  TRY(owner->set({given.kind, given.number}, call.thread));
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> file_owner_command(Call& call, OpenFile& file, int command) {
  switch (command) {
    case F_SETOWN:
      return set_owner(call, file, Call::as_int(call.c()));
    case F_GETOWN:
      return static_cast<std::uint64_t>(plain_number(owner_of(file)));
    case F_SETOWN_EX:
      return set_named_owner(call, file);
    case F_GETOWN_EX: {
      const OwnerName name = owner_of(file);
      TRY(UserOut<UserOwner>(call.c()).write({name.kind, name.number}));
      return std::uint64_t{0};
    }
    case F_SETSIG: {
      const int signal = Call::as_int(call.c());
      if (signal < 0 || signal > max_signal) return error(EINVAL);
      FileOwner* owner = TRY(FileOwner::of(file));
      owner->set_signal(signal);
      return std::uint64_t{0};
    }
    case F_GETSIG:
      return static_cast<std::uint64_t>(file.owner() == nullptr ? 0 : file.owner()->signal());
    case F_SETLEASE: {
      const int kind = Call::as_int(call.c());
      if (kind < F_RDLCK || kind > F_UNLCK) return error(EINVAL);
      TRY(set_lease(file, Call::as_int(call.a()), static_cast<LeaseKind>(kind), call.thread));
      return std::uint64_t{0};
    }
    case F_NOTIFY:
      TRY(set_notice(file, Call::as_int(call.a()), static_cast<std::uint32_t>(call.c()), call.thread));
      return std::uint64_t{0};
    case F_GETLEASE:
      return static_cast<std::uint64_t>(lease_of(file));
    default:
      return error(EINVAL);
  }
}

Answer<> set_asynchronous(OpenFile& file, int descriptor, bool on) {
  if (can_tell_owner(file)) {
    FileOwner* owner = TRY(FileOwner::of(file));
    if (on)
      owner->start(descriptor);
    else
      owner->stop();
  }
  file.set_flags(on ? file.flags() | FASYNC : file.flags() & ~FASYNC);
  return {};
}

Answer<std::uint64_t> file_owner_control(Call& call, OpenFile& file, std::uint32_t request) {
  switch (request) {
    case owner_request::set_asynchronous: {
      const std::int32_t on = TRY(UserIn<std::int32_t>(call.c()).read());
      if ((on != 0) == ((file.flags() & FASYNC) != 0)) return std::uint64_t{0};
      if (!can_tell_owner(file)) return error(ENOTTY);
      TRY(set_asynchronous(file, Call::as_int(call.a()), on != 0));
      return std::uint64_t{0};
    }
    case owner_request::set_owner:
    case owner_request::set_group:
      return set_owner(call, file, TRY(UserIn<std::int32_t>(call.c()).read()));
    default:
      TRY(UserOut<std::int32_t>(call.c()).write(plain_number(owner_of(file))));
      return std::uint64_t{0};
  }
}

}  // namespace linux_abi::calls
