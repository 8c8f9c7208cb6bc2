// SPDX-License-Identifier: Apache-2.0
// A file system that is mounted (Linux's super block) and one mount of it (Linux's vfsmount): what mount(2) was told.
// A Place belongs to the mount that it was found in. Which mount is where in the tree is in mount_table.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "linux-abi/abi/errno.h"
#include "processor/reference.h"

namespace linux_abi {

class HomeFileSystem;
class Mount;
class Place;
class Node;
using MountReference = processor::Reference<Mount>;

// MS_* of linux/mount.h, as far as a mount keeps them.
namespace mount_flag {
inline constexpr std::uint32_t read_only = 1, no_set_id = 2, no_devices = 4, no_execution = 8, no_links = 256,
                               no_access_times = 1024, no_directory_access_times = 2048,
                               relative_access_times = 1U << 21, strict_access_times = 1U << 24;
inline constexpr std::uint32_t access_times =
    no_access_times | no_directory_access_times | relative_access_times | strict_access_times;
inline constexpr std::uint32_t settable =
    read_only | no_set_id | no_devices | no_execution | no_links | no_access_times | no_directory_access_times;
}  // namespace mount_flag

class MountedSystem : public processor::Counted {
 public:
  MountedSystem(std::string_view system_type, std::uint64_t system_device);
  ~MountedSystem();
  // Constant, of static storage: "tmpfs".
  const std::string_view type;
  const std::uint64_t device;
  base::Array<char> source;
  // What was said of it besides flags, as /proc/mounts shows it: ",size=4k". Changes with the table's mutex held.
  base::Array<char> options;
  std::atomic<bool> read_only{false};
  // One that the vNode's home serves, of its own; empty for /proc and the like, and for the root's.
  base::Own<HomeFileSystem> home;
  void last_reference_gone() { base::Own<MountedSystem>(this).reset(); }
};
using MountedSystemReference = processor::Reference<MountedSystem>;

class Mount : public processor::Counted {
 public:
  Mount(MountedSystemReference system, std::uint32_t flags, std::uint32_t id)
      : id_(id), system_(std::move(system)), flags_(flags) {}
  std::uint32_t id() const { return id_; }
  MountedSystem& system() const { return *system_; }
  MountedSystemReference share_system() const { return system_; }
  std::uint32_t flags() const { return flags_.load(std::memory_order_relaxed); }
  void set_flags(std::uint32_t flags) { flags_.store(flags, std::memory_order_relaxed); }
  bool has(std::uint32_t flag) const { return (flags() & flag) != 0; }
  bool is_read_only() const { return has(mount_flag::read_only) || system_->read_only.load(std::memory_order_relaxed); }
  // Who has a file open for writing.
  void add_writer() { writers_.fetch_add(1, std::memory_order_relaxed); }
  void drop_writer() { writers_.fetch_sub(1, std::memory_order_relaxed); }
  bool has_writers() const { return writers_.load(std::memory_order_relaxed) != 0; }
  // MNT_EXPIRE: nobody used it since it was said the last time.
  std::atomic<bool> expires{false};

  void last_reference_gone() { base::Own<Mount>(this).reset(); }

 private:
  const std::uint32_t id_;
  MountedSystemReference system_;
  std::atomic<std::uint32_t> flags_;
  std::atomic<std::uint32_t> writers_{0};
};

// EROFS: what is there cannot be changed.
Answer<> check_writable(const Place& place);
// The same for what is written to: devices and pipes can be, wherever their names are.
Answer<> check_content_writable(const Place& place);

}  // namespace linux_abi
