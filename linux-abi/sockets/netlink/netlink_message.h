// SPDX-License-Identifier: Apache-2.0
// Netlink messages (netlink(7), rtnetlink(7)): a header, a fixed part of the type's own, attributes; each begins at a
// multiple of four bytes. Pure: what a program sent is parsed here, what it is told is written here.
#pragma once

#include <linux/netlink.h>

#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/base/array.h"
#include "linux-abi/abi/errno.h"

namespace linux_abi {

// One message of a program's datagram; its bytes live as long as the datagram.
struct NetlinkMessage {
  nlmsghdr header{};
  std::span<const std::byte> bytes;  // the header's among them

  bool has_flag(unsigned flag) const { return (header.nlmsg_flags & flag) != 0; }
  std::span<const std::byte> payload() const { return bytes.subspan(sizeof header); }
  // The fixed part, zeros where it is not all there.
  template <typename Fixed>
  Fixed fixed() const {
    Fixed value{};
    std::memcpy(&value, payload().data(), std::min(payload().size(), sizeof value));
    return value;
  }
  template <typename Fixed>
  bool has_fixed() const {
    return payload().size() >= sizeof(Fixed);
  }
  // The attributes behind a fixed part.
  template <typename Fixed>
  std::span<const std::byte> attributes() const {
    constexpr std::size_t from = NLMSG_ALIGN(sizeof(Fixed));
    return payload().size() <= from ? std::span<const std::byte>() : payload().subspan(from);
  }
};

// The first message of `datagram`, which is cut to what follows it; nothing if no whole message is left.
std::optional<NetlinkMessage> next_message(std::span<const std::byte>& datagram);

// The value of the first attribute of that type.
std::optional<std::span<const std::byte>> find_attribute(std::span<const std::byte> attributes, std::uint16_t type);
template <typename T>
std::optional<T> attribute_as(std::span<const std::byte> attributes, std::uint16_t type) {
  const auto found = find_attribute(attributes, type);
  if (!found || found->size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, found->data(), sizeof value);
  return value;
}
// Without the zero that ends it.
std::optional<std::string_view> attribute_text(std::span<const std::byte> attributes, std::uint16_t type);

// Answers to one message, one behind the other. All of it may fail: ENOMEM.
class NetlinkWriter {
 public:
  // port: the asker's.
  NetlinkWriter(const nlmsghdr& request, std::uint32_t port) : request_(request), port_(port) {}

  template <typename Fixed>
  Answer<> begin(std::uint16_t type, std::uint16_t flags, const Fixed& fixed) {
    TRY(begin_message(type, flags));
    TRY(append(&fixed, sizeof fixed));
    return {};
  }
  template <typename T>
  Answer<> add(std::uint16_t type, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return add_attribute(type, &value, sizeof value);
  }
  Answer<> add_text(std::uint16_t type, std::string_view text);  // with a zero at its end
  void end();

  // NLMSG_ERROR: how the request ended; failure 0: well. The request comes with it, unless that is not wanted.
  Answer<> acknowledge(const NetlinkMessage& request, int failure, bool capped);
  Answer<> finish_dump(bool filtered, int failure);  // NLMSG_DONE

  base::Array<std::byte> take() { return std::move(bytes_); }
  bool empty() const { return bytes_.empty(); }

 private:
  Answer<> begin_message(std::uint16_t type, std::uint16_t flags);
  Answer<> add_attribute(std::uint16_t type, const void* value, std::size_t size);
  Answer<> append(const void* bytes, std::size_t size);  // and zeros up to the next multiple of four

  const nlmsghdr request_;
  const std::uint32_t port_;
  base::Array<std::byte> bytes_;
  std::size_t begun_ = 0;  // where the message that is being written begins
};

}  // namespace linux_abi
