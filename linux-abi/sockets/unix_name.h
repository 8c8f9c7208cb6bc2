// SPDX-License-Identifier: Apache-2.0
// The name of an AF_UNIX socket: a path, an abstract name (it begins with a zero byte), or none. Pure.
#pragma once

#include <string_view>

#include "linux-abi/abi/errno.h"
#include "linux-abi/sockets/socket_address.h"

namespace linux_abi {

class UnixName {
 public:
  static constexpr std::size_t max_bytes = 108;  // of struct sockaddr_un

  UnixName() = default;
  // EINVAL: of another family, or of a size that no sockaddr_un has. A family alone is the empty name.
  static Answer<UnixName> parse(const SocketAddress& address);
  // What autobind gives: five hexadecimal digits after a zero byte.
  static UnixName numbered(std::uint32_t number);

  bool empty() const { return size_ == 0; }
  bool is_abstract() const { return size_ > 0 && bytes_[0] == '\0'; }
  // Of a path: up to its first zero byte.
  std::string_view path() const;
  SocketAddress address() const;
  // Empty for a path.
  std::string_view abstract() const { return is_abstract() ? std::string_view(bytes_.data(), size_) : ""; }

 private:
  std::array<char, max_bytes + 1> bytes_{};
  std::size_t size_ = 0;  // of a path: with its zero byte
};

}  // namespace linux_abi
