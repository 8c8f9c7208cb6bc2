// SPDX-License-Identifier: Apache-2.0
// What administers a whole machine, as far as a vNode has something to say to it: namespaces, restarts, file systems.
#include <linux/reboot.h>
#include <linux/sched.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_system.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/calls/user_text.h"

namespace linux_abi::calls {

using arch::UserOut;

namespace {

constexpr std::uint64_t namespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | 0x80;

constexpr std::string_view file_systems[] = {"sysfs", "tmpfs", "devtmpfs", "proc", "ext4"};

}  // namespace

// There is one namespace of each kind; what threads of a process share, they go on sharing.
Answer<std::uint64_t> unshare(Call& call) {
  constexpr std::uint64_t of_threads = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
  const std::uint64_t flags = call.a();
  if ((flags & ~(namespaces | of_threads | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM)) != 0) return error(EINVAL);
  Process& process = call.process();
  {
    const base::SpinGuard guard(tasks_lock);
    const bool alone = process.live_threads == 1;
    if ((flags & of_threads) != 0 && !alone) return error(EINVAL);
    if ((flags & (CLONE_FS | CLONE_FILES)) != 0 && !alone) return error(EINVAL);
  }
  if ((flags & namespaces) != 0) return error(call.thread.user.is_root() ? EINVAL : EPERM);
  if ((flags & CLONE_FILES) != 0) process.replace(process.descriptors, TRY(process.descriptors->copy()));
  if ((flags & CLONE_FS) != 0) process.replace(process.files, TRY(process.files->copy()));
  return std::uint64_t{0};
}

Answer<std::uint64_t> setns(Call& call) {
  if (!call.thread.descriptors().get(Call::as_int(call.a()))) return error(EBADF);
  return error(EINVAL);  // no file is a namespace
}

// A vNode ends with its programs; nobody in it restarts it.
Answer<std::uint64_t> reboot(Call& call) {
  const auto magic = static_cast<std::uint32_t>(call.a()), again = static_cast<std::uint32_t>(call.b());
  if (!call.thread.user.may(Capability::Boot)) return error(EPERM);
  if (magic != LINUX_REBOOT_MAGIC1 || (again != LINUX_REBOOT_MAGIC2 && again != LINUX_REBOOT_MAGIC2A &&
                                       again != LINUX_REBOOT_MAGIC2B && again != LINUX_REBOOT_MAGIC2C))
    return error(EINVAL);
  switch (static_cast<std::uint32_t>(call.c())) {
    case LINUX_REBOOT_CMD_CAD_ON:
    case LINUX_REBOOT_CMD_CAD_OFF:
      return std::uint64_t{0};  // there is no keyboard
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
      return error(EPERM);
    default:
      return error(EINVAL);
  }
}

// Without a controlling terminal there is nothing to hang up; one is not taken from those who use it.
Answer<std::uint64_t> vhangup(Call& call) {
  if (!call.thread.user.may(Capability::TerminalConfiguration)) return error(EPERM);
  const base::SpinGuard guard(tasks_lock);
  return call.process().terminal == nullptr ? Answer<std::uint64_t>(0) : error(EPERM);
}

Answer<std::uint64_t> sysfs(Call& call) {
  constexpr int index_of = 1, name_of = 2, count = 3;
  switch (Call::as_int(call.a())) {
    case index_of: {
      const UserPath name = TRY(UserPath::read(call.b()));
      for (std::size_t i = 0; i < std::size(file_systems); ++i)
        if (file_systems[i] == name.text()) return std::uint64_t{i};
      return error(EINVAL);
    }
    case name_of: {
      if (call.b() >= std::size(file_systems)) return error(EINVAL);
      const std::string_view name = file_systems[call.b()];
      TRY(call.thread.copy_out(call.c(), std::as_bytes(std::span(name.data(), name.size() + 1))));
      return std::uint64_t{0};
    }
    case count:
      return std::uint64_t{std::size(file_systems)};
    default:
      return error(EINVAL);
  }
}

// Of the file systems that the process stands in: its root's, and its working directory's.
Answer<std::uint64_t> ustat(Call& call) {
  struct UserFileSystem {
    std::int32_t free_blocks;
    std::uint32_t padding;
    std::uint64_t free_inodes;
    std::array<char, 12> names;
  };
  FileContext& files = call.thread.file_context();
  for (const PlaceReference& place : {files.root(), files.working_directory()}) {
    const FileStatus status = TRY(place->node().status(call.thread));
    if (static_cast<std::uint32_t>(status.device) != static_cast<std::uint32_t>(call.a())) continue;
    const FileSystemStatus system = TRY(place->node().file_system(call.thread));
    UserFileSystem user{};
    user.free_blocks = static_cast<std::int32_t>(system.free_blocks);
    user.free_inodes = system.free_files;
    TRY(UserOut<UserFileSystem>(call.b()).write(user));
    return std::uint64_t{0};
  }
  return error(EINVAL);
}

}  // namespace linux_abi::calls
