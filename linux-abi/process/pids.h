// SPDX-License-Identifier: Apache-2.0
// The pids of a vNode: numbers for processes, threads, process groups and sessions, each used by one of them at a time
// and reused only after all others (Linux's order). Guarded by the tasks lock.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "linux-abi/abi/errno.h"

namespace linux_abi {

class Process;
class Thread;

// The vNode's init, which is part of the kernel (process/init.h): pids of others begin above it.
inline constexpr int kernel_pid = 1;

// A number in use: by a process or thread of that number, and by the processes whose group or session it names.
struct PidEntry : boost::intrusive::set_base_hook<> {
  int pid = 0;
  Thread* thread = nullptr;
  Process* process = nullptr;    // its leader has this pid (a zombie as well)
  std::uint32_t references = 0;  // thread or process of this number, members of the group, of the session
};

class Pids {
 public:
  static constexpr int max_pid = 4194304;  // as Linux on 64-bit machines
  static constexpr int first_pid = kernel_pid + 1;

  ~Pids();
  Answer<PidEntry*> allocate();  // with one reference; EAGAIN
  PidEntry* find(int pid);       // nullptr
  void retain(PidEntry& entry) { ++entry.references; }
  void release(PidEntry& entry);
  // Entries in rising order from `pid` on; nullptr at the end.
  PidEntry* next(int pid);
  std::size_t count() const { return entries_.size(); }
  // The one that was given last; the next one is the first free one after it.
  int last() const { return last_; }
  void set_last(int pid) { last_ = pid; }

 private:
  struct KeyOf {
    using type = int;
    const type& operator()(const PidEntry& entry) const { return entry.pid; }
  };
  boost::intrusive::set<PidEntry, boost::intrusive::key_of_value<KeyOf>> entries_;
  int last_ = first_pid - 1;
};

}  // namespace linux_abi
