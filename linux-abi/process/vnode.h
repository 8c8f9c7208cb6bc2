// SPDX-License-Identifier: Apache-2.0
// A vNode as far as it runs on this pComponent: its name, its pids, its files. Made with the first program that is
// launched in it, gone with the last.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "kernel/base/spinlock.h"
#include "kernel/base/types.h"
#include "linux-abi/files/file_tree.h"
#include "linux-abi/files/mapped_files.h"
#include "linux-abi/ipc/space.h"
#include "linux-abi/process/init.h"
#include "linux-abi/process/pids.h"
#include "linux-abi/sockets/inet_reference.h"
#include "linux-abi/sockets/netlink/netlink_space.h"
#include "linux-abi/sockets/unix_space.h"
#include "processor/reference.h"

namespace linux_abi {

// Guards the tree of processes, pids, groups, sessions, and all signal state. Rank Tasks: taken before everything else.
inline base::SpinLock tasks_lock{base::LockRank::Tasks};

class VNode : public processor::Counted {
 public:
  explicit VNode(base::VNodeId id) : id_(id) {}
  base::VNodeId id() const { return id_; }
  std::array<char, 65> hostname{};  // ended by a zero byte; guarded by tasks_lock
  std::array<char, 65> domain_name{};
  Pids pids;  // guarded by tasks_lock
  Init init;  // likewise
  // /proc/sys/kernel/core_pattern, ended by a zero byte, and core_uses_pid; guarded by tasks_lock.
  struct CoreNames {
    std::array<char, 128> pattern{"core"};
    bool add_pid = false;
  } core;
  // /proc/sys/fs/nr_open, kernel/printk and vm/max_map_count; relaxed: numbers that stand alone.
  std::atomic<std::uint32_t> most_descriptors{1U << 20};
  std::array<std::atomic<std::uint32_t>, 4> log_levels{7, 4, 1, 7};
  std::atomic<std::uint32_t> most_mappings{65530};
  std::atomic<std::uint32_t> randomizing{2};  // kernel/randomize_va_space; 0: programs get fixed addresses
  processor::Reference<FileTree> files;
  processor::Reference<UnixSpace> unix_sockets;
  processor::Reference<InetSpace> inet_sockets;
  processor::Reference<NetlinkSpace> netlink_sockets;
  ipc::Space ipc;            // has its own locks
  MappedFiles mapped_files;  // likewise

  void last_reference_gone();

 private:
  base::VNodeId id_;
};

}  // namespace linux_abi
