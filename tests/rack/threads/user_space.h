// SPDX-License-Identifier: Apache-2.0
// An address space of the tests: the user programs at code_address, pages as they are asked for, and its end without
// leaving anything behind.
#pragma once

#include <cstdint>

#include "arch/x86_64/paging.h"
#include "arch/x86_64/tlb_shootdown.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/memory/layout.h"
#include "tests/rack/threads/check.h"

namespace image_test {

inline constexpr base::UserVa code_address{0x40'0000};
inline constexpr base::UserVa data_address{0x60'0000};
inline constexpr base::UserVa read_only_address{0x70'0000};
inline constexpr base::UserVa unmapped_address{0x71'0000};
inline constexpr base::UserVa demand_address{0x1000'0000};  // mapped page by page, by faults
inline constexpr std::uint64_t demand_bytes = 64 * base::page_bytes;
inline constexpr base::UserVa stacks_address{0x7f00'0000'0000};

// The order of the table at the start of the blob.
enum class Program : std::uint32_t {
  Registers,
  Vectors,
  Exceptions,
  Reader,
  Spin,
  ForkVectors,
  SignalVectors,
  BadReturn,
  Touch,
  KernelLikeBase,
  CallMany,
};

class UserSpace {
 public:
  UserSpace();
  ~UserSpace();
  UserSpace(const UserSpace&) = delete;
  UserSpace& operator=(const UserSpace&) = delete;

  arch::TlbDomain& domain() { return domain_; }
  arch::PageTable& table() { return table_; }
  base::UserVa entry(Program program) const;

  // A new page of zeros; returns it as the kernel sees it.
  std::uint64_t* add_page(base::UserVa address, arch::PageRights rights);
  // The top of a new stack of one page.
  base::UserVa add_stack();
  bool demand_page(base::UserVa address);

 private:
  base::PhysAddr root_;
  arch::PageTable table_;
  arch::TlbDomain domain_;
  std::uint64_t stacks_ = 0;
};

inline constexpr arch::PageRights user_read = arch::PageRights::User;
inline constexpr arch::PageRights user_write = arch::PageRights::User | arch::PageRights::Write;
inline constexpr arch::PageRights user_execute = arch::PageRights::User | arch::PageRights::Execute;

base::PhysAddr new_frame();
void free_frame(base::PhysAddr frame);

}  // namespace image_test
