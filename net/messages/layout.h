// SPDX-License-Identifier: Apache-2.0
// What all message bodies share: little-endian fields without padding, reserved fields that are zero, and the pattern
//   struct FooRequest { static constexpr Operation operation = Operation::Foo; using Reply = FooReply; ...fields...;
//                       bool validate() const; };
// validate() checks what the receiver can check without state: reserved fields, enum ranges, alignment, overflow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "kernel/base/endian.h"
#include "kernel/base/types.h"
#include "net/messages/operations.h"

namespace messages {

using base::le16;
using base::le32;
using base::le64;

template <typename T>
concept Body = std::is_trivially_copyable_v<T> && alignof(T) == 1;

// For requests and replies without fields: one reserved word, so that every body has a size.
struct EmptyReply {
  le64 reserved;
  bool validate() const { return reserved == 0; }
};
static_assert(sizeof(EmptyReply) == 8 && Body<EmptyReply>);

constexpr bool page_aligned(std::uint64_t value) { return value % base::page_bytes == 0; }
// [address, address + bytes) lies in the lower canonical half.
constexpr bool user_range(std::uint64_t address, std::uint64_t bytes) {
  constexpr std::uint64_t end = std::uint64_t{1} << 47;
  return address <= end && bytes <= end - address;
}

}  // namespace messages
