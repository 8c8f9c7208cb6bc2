// SPDX-License-Identifier: Apache-2.0
// Numbers that must not be mixed up: each kind of address and id is a type of its own. value() is the bare integer.
// Ids are counted up and never reused; 0 is "none" for every id.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace base {

template <typename Tag, typename Integer = std::uint64_t>
class Strong {
 public:
  using Value = Integer;
  constexpr Strong() = default;
  constexpr explicit Strong(Integer value) : value_(value) {}
  constexpr Integer value() const { return value_; }
  constexpr explicit operator bool() const { return value_ != 0; }
  constexpr auto operator<=>(const Strong&) const = default;

 private:
  Integer value_ = 0;
};

// An address: offsets can be added, and two of one kind subtracted.
template <typename Tag>
class Address : public Strong<Tag> {
 public:
  using Strong<Tag>::Strong;
  constexpr Address operator+(std::uint64_t bytes) const { return Address(this->value() + bytes); }
  constexpr Address operator-(std::uint64_t bytes) const { return Address(this->value() - bytes); }
  constexpr std::uint64_t operator-(Address other) const { return this->value() - other.value(); }
  constexpr auto operator<=>(const Address&) const = default;
};

using PhysAddr = Address<struct PhysAddrTag>;      // physical address of this component
using KernelVa = Address<struct KernelVaTag>;      // virtual address in this component's kernel
using UserVa = Address<struct UserVaTag>;          // virtual address of a user process
using RemoteAddr = Address<struct RemoteAddrTag>;  // an address in a peer's registered memory

using NodeId = Strong<struct NodeIdTag, std::uint32_t>;  // a component, or a client of the rack
using VNodeId = Strong<struct VNodeIdTag>;
using BootId = Strong<struct BootIdTag>;              // drawn at random at each start of a component
using SpaceId = Strong<struct SpaceIdTag>;            // a private address space
using ObjectId = Strong<struct ObjectIdTag>;          // a shared object: a file, a shared segment
using FileId = Strong<struct FileIdTag>;              // a file as its sComponent names it
using LaunchId = Strong<struct LaunchIdTag>;          // one program started by a client
using VRegionIndex = Strong<struct VRegionIndexTag>;  // user virtual address / 1 GiB

inline constexpr std::uint64_t page_bytes = 4096;
inline constexpr unsigned page_shift = 12;
inline constexpr std::uint64_t vregion_bytes = std::uint64_t{1} << 30;
inline constexpr unsigned vregion_shift = 30;

// std::has_single_bit counts bits, for which GCC calls a function of libgcc; the images link no libgcc.
constexpr bool is_power_of_two(std::uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t power_of_two) {
  return value & ~(power_of_two - 1);
}
// The caller guarantees that value + power_of_two does not wrap.
constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t power_of_two) {
  return round_down(value + power_of_two - 1, power_of_two);
}

}  // namespace base
