// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about open files and descriptors.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> read(Call& call);
Answer<std::uint64_t> write(Call& call);
Answer<std::uint64_t> readv(Call& call);
Answer<std::uint64_t> writev(Call& call);
Answer<std::uint64_t> pread64(Call& call);
Answer<std::uint64_t> pwrite64(Call& call);
Answer<std::uint64_t> preadv(Call& call);
Answer<std::uint64_t> pwritev(Call& call);
Answer<std::uint64_t> preadv2(Call& call);
Answer<std::uint64_t> pwritev2(Call& call);
Answer<std::uint64_t> lseek(Call& call);
Answer<std::uint64_t> close(Call& call);
Answer<std::uint64_t> close_range(Call& call);
Answer<std::uint64_t> dup(Call& call);
Answer<std::uint64_t> dup2(Call& call);
Answer<std::uint64_t> dup3(Call& call);
Answer<std::uint64_t> fcntl(Call& call);
Answer<std::uint64_t> ioctl(Call& call);
Answer<std::uint64_t> pipe(Call& call);
Answer<std::uint64_t> pipe2(Call& call);
Answer<std::uint64_t> sendfile(Call& call);
Answer<std::uint64_t> copy_file_range(Call& call);
Answer<std::uint64_t> fsync(Call& call);
Answer<std::uint64_t> fdatasync(Call& call);
Answer<std::uint64_t> sync(Call& call);
Answer<std::uint64_t> syncfs(Call& call);
Answer<std::uint64_t> ftruncate(Call& call);
Answer<std::uint64_t> fallocate(Call& call);
Answer<std::uint64_t> fadvise64(Call& call);
Answer<std::uint64_t> readahead(Call& call);
Answer<std::uint64_t> sync_file_range(Call& call);
Answer<std::uint64_t> flock(Call& call);
Answer<std::uint64_t> getdents(Call& call);
Answer<std::uint64_t> getdents64(Call& call);
Answer<std::uint64_t> splice(Call& call);
Answer<std::uint64_t> tee(Call& call);
Answer<std::uint64_t> vmsplice(Call& call);

// Installs a file and returns its descriptor.
Answer<std::uint64_t> install(Call& call, OpenFileReference file, bool close_on_exec);

}  // namespace linux_abi::calls
