// SPDX-License-Identifier: Apache-2.0
// Pointers into user memory that cannot be dereferenced and whose direction is in the type: a UserIn<T> is only read, a
// UserOut<T> only written, a UserInOut<T> converts to both. Reading and writing go through user_copy.h, so they check
// the range, may fault and sleep, and fail with Error::BadAddress. No spinlock may be held.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include "arch/x86_64/user_copy.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace arch {

enum class UserAccess : unsigned { In = 1, Out = 2, InOut = 3 };

template <UserAccess access, typename T>
class UserPtr {
  static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>, "user structs hold plain numbers");
  static constexpr bool readable = (static_cast<unsigned>(access) & 1) != 0;
  static constexpr bool writable = (static_cast<unsigned>(access) & 2) != 0;

 public:
  constexpr UserPtr() = default;
  constexpr explicit UserPtr(base::UserVa address) : address_(address) {}
  constexpr explicit UserPtr(std::uint64_t system_call_argument) : address_(system_call_argument) {}
  template <UserAccess other>
  requires(other == UserAccess::InOut && access != UserAccess::InOut) constexpr UserPtr(UserPtr<other, T> both)
      : address_(both.address()) {}

  constexpr base::UserVa address() const { return address_; }
  constexpr explicit operator bool() const { return address_.value() != 0; }
  // The n-th element after this one; the range is checked when it is used.
  constexpr UserPtr operator+(std::size_t n) const { return UserPtr(address_ + n * sizeof(T)); }

  [[nodiscard]] base::Result<T> read() const requires readable {
    T value;
    TRY(copy_from_user(std::as_writable_bytes(std::span<T, 1>(&value, 1)), address_));
    return value;
  }
  [[nodiscard]] base::Result<> read_array(std::span<T> to) const requires readable {
    return copy_from_user(std::as_writable_bytes(to), address_);
  }
  [[nodiscard]] base::Result<> write(const T& value) const requires writable {
    return copy_to_user(address_, std::as_bytes(std::span<const T, 1>(&value, 1)));
  }
  [[nodiscard]] base::Result<> write_array(std::span<const T> from) const requires writable {
    return copy_to_user(address_, std::as_bytes(from));
  }

 private:
  base::UserVa address_;
};

template <typename T>
using UserIn = UserPtr<UserAccess::In, T>;
template <typename T>
using UserOut = UserPtr<UserAccess::Out, T>;
template <typename T>
using UserInOut = UserPtr<UserAccess::InOut, T>;

}  // namespace arch
