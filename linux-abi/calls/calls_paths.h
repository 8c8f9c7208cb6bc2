// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls that name files by paths, or change what a path leads to.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> open(Call& call);
Answer<std::uint64_t> openat(Call& call);
Answer<std::uint64_t> openat2(Call& call);
Answer<std::uint64_t> creat(Call& call);
Answer<std::uint64_t> memfd_create(Call& call);
Answer<std::uint64_t> stat(Call& call);
Answer<std::uint64_t> lstat(Call& call);
Answer<std::uint64_t> fstat(Call& call);
Answer<std::uint64_t> newfstatat(Call& call);
Answer<std::uint64_t> statx(Call& call);
Answer<std::uint64_t> statfs(Call& call);
Answer<std::uint64_t> fstatfs(Call& call);
Answer<std::uint64_t> access(Call& call);
Answer<std::uint64_t> faccessat(Call& call);
Answer<std::uint64_t> faccessat2(Call& call);
Answer<std::uint64_t> readlink(Call& call);
Answer<std::uint64_t> readlinkat(Call& call);
Answer<std::uint64_t> truncate(Call& call);
Answer<std::uint64_t> chdir(Call& call);
Answer<std::uint64_t> fchdir(Call& call);
Answer<std::uint64_t> getcwd(Call& call);
Answer<std::uint64_t> chroot(Call& call);
Answer<std::uint64_t> umask(Call& call);
Answer<std::uint64_t> mkdir(Call& call);
Answer<std::uint64_t> mkdirat(Call& call);
Answer<std::uint64_t> mknod(Call& call);
Answer<std::uint64_t> mknodat(Call& call);
Answer<std::uint64_t> rmdir(Call& call);
Answer<std::uint64_t> unlink(Call& call);
Answer<std::uint64_t> unlinkat(Call& call);
Answer<std::uint64_t> rename(Call& call);
Answer<std::uint64_t> renameat(Call& call);
Answer<std::uint64_t> renameat2(Call& call);
Answer<std::uint64_t> link(Call& call);
Answer<std::uint64_t> linkat(Call& call);
Answer<std::uint64_t> symlink(Call& call);
Answer<std::uint64_t> symlinkat(Call& call);
Answer<std::uint64_t> chmod(Call& call);
Answer<std::uint64_t> fchmod(Call& call);
Answer<std::uint64_t> fchmodat(Call& call);
Answer<std::uint64_t> fchmodat2(Call& call);
Answer<std::uint64_t> chown(Call& call);
Answer<std::uint64_t> lchown(Call& call);
Answer<std::uint64_t> fchown(Call& call);
Answer<std::uint64_t> fchownat(Call& call);
Answer<std::uint64_t> utime(Call& call);
Answer<std::uint64_t> utimes(Call& call);
Answer<std::uint64_t> futimesat(Call& call);
Answer<std::uint64_t> utimensat(Call& call);
Answer<std::uint64_t> mount(Call& call);
Answer<std::uint64_t> umount2(Call& call);
Answer<std::uint64_t> setxattr(Call& call);
Answer<std::uint64_t> lsetxattr(Call& call);
Answer<std::uint64_t> fsetxattr(Call& call);
Answer<std::uint64_t> getxattr(Call& call);
Answer<std::uint64_t> lgetxattr(Call& call);
Answer<std::uint64_t> fgetxattr(Call& call);
Answer<std::uint64_t> listxattr(Call& call);
Answer<std::uint64_t> llistxattr(Call& call);
Answer<std::uint64_t> flistxattr(Call& call);
Answer<std::uint64_t> removexattr(Call& call);
Answer<std::uint64_t> lremovexattr(Call& call);
Answer<std::uint64_t> fremovexattr(Call& call);

}  // namespace linux_abi::calls
