// SPDX-License-Identifier: Apache-2.0
// What programs ask about network interfaces by ioctl: see socket.h. There is one, lo.
#include <asm/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "linux-abi/files/user_values.h"
#include "linux-abi/sockets/loopback_interface.h"
#include "linux-abi/sockets/socket.h"

namespace linux_abi {
namespace {

namespace ask {
constexpr std::uint32_t name = 0x8910, list = 0x8912, flags = 0x8913, address = 0x8915, destination = 0x8917,
                        broadcast = 0x8919, mask = 0x891b, metric = 0x891d, mtu = 0x8921, hardware = 0x8927,
                        index = 0x8933, queue = 0x8942, map = 0x8970, namespace_of_socket = 0x894c;
constexpr std::array of_one{name,   flags, address,  destination, broadcast, mask,
                            metric, mtu,   hardware, index,       queue,     map};
}  // namespace ask

// What would change an interface.
namespace tell {
constexpr std::uint32_t flags = 0x8914, address = 0x8916, destination = 0x8918, broadcast = 0x891a, mask = 0x891c,
                        metric = 0x891e, mtu = 0x8922, name = 0x8923, hardware = 0x8924, hardware_broadcast = 0x8937,
                        queue = 0x8943, map = 0x8971;
constexpr std::array all{flags, address, destination, broadcast,          mask,  metric,
                         mtu,   name,    hardware,    hardware_broadcast, queue, map};
}  // namespace tell

// struct ifreq
struct Request {
  std::array<char, 16> name{};
  std::array<std::byte, 24> value{};
  template <typename T>
  void set(const T& what) {
    static_assert(sizeof(T) <= 24);
    std::memcpy(value.data(), &what, sizeof what);
  }
};
static_assert(sizeof(Request) == 40);

constexpr std::array<char, 16> loopback_name{"lo"};
static_assert(std::string_view(loopback_name.data()) == loopback::name);

struct Address4 {
  std::uint16_t family = address_family::internet;
  std::uint16_t port = 0;
  std::array<std::uint8_t, 4> host{};
  std::array<std::uint8_t, 8> zero{};
};

// struct ifconf: as many as there is room for; how many bytes there are if there is no place for them.
Answer<std::uint64_t> list(std::uint64_t argument, Caller& caller) {
  struct List {
    std::int32_t bytes = 0, padding = 0;
    std::uint64_t to = 0;
  };
  List given = TRY(copy_value_in<List>(caller, argument));
  Request entry{.name = loopback_name};
  entry.set(Address4{.host = loopback::address4});
  const bool room = given.to == 0 || given.bytes >= static_cast<std::int32_t>(sizeof entry);
  if (given.to != 0 && room) TRY(copy_value_out(caller, given.to, entry));
  given.bytes = room ? static_cast<std::int32_t>(sizeof entry) : 0;
  return copy_value_out(caller, argument, given);
}

Answer<> answer(std::uint32_t question, Request& request) {
  if (question == ask::name) {
    std::int32_t index = 0;
    std::memcpy(&index, request.value.data(), sizeof index);
    if (index != loopback::index) return error(ENODEV);
    request.name = loopback_name;
    return {};
  }
  request.name.back() = '\0';
  if (std::string_view(request.name.data()) != loopback::name) return error(ENODEV);
  request.value = {};
  switch (question) {
    case ask::flags:
      request.set(static_cast<std::int16_t>(loopback::short_flags));
      return {};
    case ask::address:
    case ask::destination:
      request.set(Address4{.host = loopback::address4});
      return {};
    case ask::broadcast:
      request.set(Address4{});
      return {};
    case ask::mask:
      request.set(Address4{.host = loopback::mask4});
      return {};
    case ask::metric:
    case ask::map:
      return {};
    case ask::mtu:
      request.set(loopback::mtu);
      return {};
    case ask::hardware:
      request.set(loopback::hardware);
      return {};
    case ask::index:
      request.set(loopback::index);
      return {};
    case ask::queue:
      request.set(loopback::queue_packets);
      return {};
    default:
      return error(ENOTTY);
  }
}

// Nobody can; what would leave the flags as they are is well.
Answer<> change(std::uint32_t wish, Request& request, bool privileged) {
  if (!privileged) return error(EPERM);
  request.name.back() = '\0';
  if (std::string_view(request.name.data()) != loopback::name) return error(ENODEV);
  std::uint16_t flags = 0;
  std::memcpy(&flags, request.value.data(), sizeof flags);
  return wish == tell::flags && !loopback::changes(flags, 0xffff) ? Answer<>() : error(EPERM);
}

constexpr bool is_among(std::span<const std::uint32_t> all, std::uint32_t one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

Answer<std::uint64_t> ask_interfaces(std::uint32_t question, std::uint64_t argument, Caller& caller) {
  if (question == ask::list) return list(argument, caller);
  // There are no namespaces to be opened; of this machine's nobody is the administrator.
  if (question == ask::namespace_of_socket) return error(EPERM);
  const bool wish = is_among(tell::all, question);
  if (!wish && !is_among(ask::of_one, question)) return error(ENOTTY);
  Request request = TRY(copy_value_in<Request>(caller, argument));
  if (wish) {
    TRY(change(question, request, caller.credentials().may(Capability::AdministrateNetwork)));
    return std::uint64_t{0};
  }
  TRY(answer(question, request));
  return copy_value_out(caller, argument, request);
}

Answer<OptionValue> bound_interface(const SocketOptions& options, std::size_t room) {
  const std::int32_t bound = options.number(SO_BINDTOIFINDEX);
  if (bound == 0) return OptionValue();
  if (room < loopback_name.size()) return error(EINVAL);
  if (bound != loopback::index) return error(ENODEV);
  OptionValue value = OptionValue::of(loopback_name);
  value.size = loopback::name.size() + 1;
  return value;
}

Answer<> bind_to_interface(SocketOptions& options, std::span<const std::byte> name, bool privileged) {
  const std::string_view bytes(reinterpret_cast<const char*>(name.data()),
                               std::min(name.size(), loopback_name.size() - 1));
  const std::string_view asked = bytes.substr(0, bytes.find('\0'));
  if (!asked.empty() && asked != loopback::name) return error(ENODEV);
  const std::int32_t index = asked.empty() ? 0 : loopback::index;
  return options.set(SO_BINDTOIFINDEX, std::as_bytes(std::span(&index, 1)), privileged);
}

}  // namespace linux_abi
