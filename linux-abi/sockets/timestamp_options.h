// SPDX-License-Identifier: Apache-2.0
// When datagrams came: what a socket was asked to tell of that (SO_TIMESTAMP and its relatives, which are one state
// under several names; SO_TIMESTAMPING), and the time of the last one (SIOCGSTAMP). Pure.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "linux-abi/abi/errno.h"
#include "linux-abi/sockets/option_value.h"
#include "linux-abi/sockets/socket_message.h"

namespace linux_abi {

class TimestampOptions {
 public:
  static bool is_one(int name);
  OptionValue get(int name) const;
  Answer<> set(int name, std::span<const std::byte> value);  // EINVAL
  void inherit(const TimestampOptions& other);

  // A datagram was received that had come at `at_ns`, wall time.
  void received(std::uint64_t at_ns);
  // What is told of it with its bytes.
  void tell(std::uint64_t at_ns, ControlNotes& notes) const;
  // Of the last one, from the first question on; before, `now_ns`. ENOENT: there was none.
  Answer<std::uint64_t> last(std::uint64_t now_ns);

 private:
  static constexpr std::int64_t none = -1, unknown = 0;
  std::uint32_t flags() const { return flags_.load(std::memory_order_relaxed); }
  bool tells_in_detail() const;

  std::atomic<std::uint32_t> flags_{0};      // see timestamp_options.cpp
  std::atomic<std::uint32_t> detailed_{0};   // SOF_TIMESTAMPING_*
  std::atomic<std::int64_t> last_ns_{none};  // of a datagram
};

}  // namespace linux_abi
