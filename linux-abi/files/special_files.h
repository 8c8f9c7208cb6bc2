// SPDX-License-Identifier: Apache-2.0
// Character devices: /dev/null and its kin, and the caller's terminal.
#pragma once

#include "linux-abi/files/place.h"

namespace linux_abi {

// st_rdev of a device, as makedev() of a C library.
constexpr std::uint64_t device_number(std::uint32_t major, std::uint32_t minor) {
  return (minor & 0xff) | (std::uint64_t{major} & 0xfff) << 8 | (std::uint64_t{minor} & ~std::uint64_t{0xff}) << 12;
}
namespace device {
inline constexpr std::uint64_t null = device_number(1, 3), zero = device_number(1, 5), full = device_number(1, 7),
                               random = device_number(1, 8), urandom = device_number(1, 9), tty = device_number(5, 0),
                               console = device_number(5, 1), pseudo_master = device_number(5, 2),
                               loop_control = device_number(10, 237);
constexpr std::uint64_t loop(std::uint32_t number) { return device_number(7, number); }
constexpr std::uint64_t pseudo_slave(std::uint32_t number) { return device_number(136, number); }
constexpr bool is_pseudo_slave(std::uint64_t number) { return number >> 8 == 136; }
}  // namespace device

// All files that are made here are on one device; a device node has the same number whenever it is looked up.
inline constexpr std::uint64_t synthetic_device = 0x17;
constexpr std::uint64_t device_inode(std::uint64_t number) { return std::uint64_t{1} << 40 | number; }

// ENXIO: there is no such device; also for /dev/tty of a process without a controlling terminal.
Answer<OpenFileReference> open_device(std::uint64_t number, int flags, PlaceReference place, Caller& caller);
Answer<OpenFileReference> open_block_device(std::uint64_t number, int flags, PlaceReference place, Caller& caller);

}  // namespace linux_abi
