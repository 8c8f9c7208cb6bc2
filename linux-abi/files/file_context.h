// SPDX-License-Identifier: Apache-2.0
// Where a process is in the tree of files (shared by threads and CLONE_FS): its working directory, its root, its umask.
// And what the rest of the personality asks of the files: programs to execute, paths to show.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/spinlock.h"
#include "linux-abi/abi/errno.h"
#include "linux-abi/files/file_tree.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

class FileContext : public processor::Counted {
 public:
  // At the root of the tree.
  static Answer<processor::Reference<FileContext>> create(processor::Reference<FileTree> tree);
  Answer<processor::Reference<FileContext>> copy();

  FileTree& tree() const;
  processor::Reference<Place> working_directory();
  void set_working_directory(processor::Reference<Place> place);
  processor::Reference<Place> root();
  void set_root(processor::Reference<Place> place);
  std::uint32_t umask();
  std::uint32_t set_umask(std::uint32_t umask);  // returns the old one

  void last_reference_gone();

 private:
  processor::Reference<FileTree> tree_;           // constant
  base::SpinLock lock_{base::LockRank::Process};  // guards all below
  PlaceReference working_directory_;
  PlaceReference root_;
  std::uint32_t umask_ = 022;
};

// open(2) from the kernel: with the thread's credentials and working directory.
Answer<OpenFileReference> open_path(Caller& caller, std::string_view path, int flags, std::uint32_t mode);
// What execve runs: a regular file that the thread may execute. EACCES, ENOENT, ETXTBSY...
Answer<OpenFileReference> open_program(Caller& caller, int directory_descriptor, std::string_view path, int flags);
Answer<> change_directory(Caller& caller, std::string_view path);

}  // namespace linux_abi
