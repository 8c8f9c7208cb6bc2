// SPDX-License-Identifier: Apache-2.0
// The descriptors of a process (shared by threads and CLONE_FILES): numbers for open file descriptions, with the
// close-on-exec flag. Grows up to the limit that the caller gives (RLIMIT_NOFILE). Its own lock, rank Process; files
// are closed outside of it.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/files/open_file.h"

namespace linux_abi {

enum class CloseOnExec : std::uint8_t { No, Yes };

class DescriptorTable : public processor::Counted {
 public:
  static Answer<processor::Reference<DescriptorTable>> create();
  // For fork, and for unshare: the same files under the same numbers.
  Answer<processor::Reference<DescriptorTable>> copy();

  Answer<OpenFileReference> get(int descriptor);  // EBADF
  // The lowest free number at or above `lowest`; EMFILE at the limit.
  Answer<int> install(OpenFileReference file, CloseOnExec close_on_exec, std::uint32_t limit, int lowest = 0);
  // dup2, dup3: what was there is closed. EBADF beyond the limit.
  Answer<> install_at(int descriptor, OpenFileReference file, CloseOnExec close_on_exec, std::uint32_t limit,
                      std::uint64_t process);
  Answer<> close(int descriptor, std::uint64_t process);  // EBADF
  Answer<CloseOnExec> close_on_exec(int descriptor);
  Answer<> set_close_on_exec(int descriptor, CloseOnExec close_on_exec);
  void close_for_exec(std::uint64_t process);
  // The process ends: what it had for itself on open files, record locks, ends too, whoever else has them open.
  void process_ended(std::uint64_t process);
  void close_range(std::uint32_t first, std::uint32_t last, std::uint64_t process);
  void mark_range_close_on_exec(std::uint32_t first, std::uint32_t last);
  // Numbers in use, in rising order from `first`; -1 at the end. For /proc/self/fd.
  int next(int first);
  // How many descriptors there is room for, as Linux counts: 64, then 128 and its doublings. It is FDSize of
  // /proc/PID/status, and select(2) looks at no number beyond it. A copy has room for what is open, and may have less.
  std::uint32_t capacity();

  void last_reference_gone();

 private:
  struct Entry {
    OpenFileReference file;
    CloseOnExec close_on_exec = CloseOnExec::No;
  };
  Answer<> make_room(std::size_t index);

  base::SpinLock lock_{base::LockRank::Process};  // guards all below
  base::Array<Entry> entries_;
  std::size_t none_free_below_ = 0;
};

}  // namespace linux_abi
