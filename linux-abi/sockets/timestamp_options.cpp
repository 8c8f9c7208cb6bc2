// SPDX-License-Identifier: Apache-2.0
// When datagrams came: see timestamp_options.h.
#include "linux-abi/sockets/timestamp_options.h"

#include <asm/socket.h>

#include <array>

#include "linux-abi/abi/structures.h"

namespace linux_abi {
namespace {

// The state behind SO_TIMESTAMP and its relatives.
constexpr std::uint32_t told = 1, in_nanoseconds = 2, in_new_form = 4, kept = 8;

struct Row {
  int name;
  std::uint32_t sets;             // besides told and kept
  std::uint32_t needs, excludes;  // it is on if these are and those are not
};
constexpr std::array rows{
    Row{SO_TIMESTAMP_OLD, 0, told, in_nanoseconds | in_new_form},
    Row{SO_TIMESTAMPNS_OLD, in_nanoseconds, told | in_nanoseconds, in_new_form},
    Row{SO_TIMESTAMP_NEW, in_new_form, told | in_new_form, 0},
    Row{SO_TIMESTAMPNS_NEW, in_nanoseconds | in_new_form, told | in_nanoseconds | in_new_form, 0},
};
constexpr const Row* row_of(int name) {
  for (const Row& row : rows)
    if (row.name == name) return &row;
  return nullptr;
}

// SOF_TIMESTAMPING_*
constexpr std::uint32_t on_receiving = 1 << 3, by_software = 1 << 4, with_statistics = 1 << 12, time_only = 1 << 11,
                        detailed_mask = 0xffff;
// struct so_timestamping
struct Detailed {
  std::uint32_t flags = 0;
  std::int32_t clock = 0;
};

}  // namespace

bool TimestampOptions::is_one(int name) {
  return row_of(name) != nullptr || name == SO_TIMESTAMPING_OLD || name == SO_TIMESTAMPING_NEW;
}

OptionValue TimestampOptions::get(int name) const {
  const Row* const row = row_of(name);
  if (row == nullptr) return OptionValue::of(Detailed{.flags = detailed_.load(std::memory_order_relaxed)});
  return OptionValue::number((flags() & row->needs) == row->needs && (flags() & row->excludes) == 0 ? 1 : 0);
}

Answer<> TimestampOptions::set(int name, std::span<const std::byte> value) {
  const auto number = TRY(option_as<std::int32_t>(value));
  if (const Row* const row = row_of(name)) {
    const std::uint32_t off = flags() & ~(told | in_nanoseconds);
    const std::uint32_t on = (flags() & kept) | told | kept | row->sets;
    flags_.store(number != 0 ? on : off, std::memory_order_relaxed);
    return {};
  }
  const auto asked = static_cast<std::uint32_t>(number);
  if ((asked & ~detailed_mask) != 0) return error(EINVAL);
  if ((asked & with_statistics) != 0 && (asked & time_only) == 0) return error(EINVAL);
  detailed_.store(asked, std::memory_order_relaxed);
  const std::uint32_t form = name == SO_TIMESTAMPING_NEW ? in_new_form : 0;
  flags_.store((flags() & ~in_new_form) | form, std::memory_order_relaxed);
  return {};
}

void TimestampOptions::inherit(const TimestampOptions& other) {
  flags_.store(other.flags(), std::memory_order_relaxed);
  detailed_.store(other.detailed_.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

bool TimestampOptions::tells_in_detail() const {
  constexpr std::uint32_t wanted = on_receiving | by_software;
  return (detailed_.load(std::memory_order_relaxed) & wanted) == wanted;
}

// Who is told the time with each datagram has no other.
void TimestampOptions::received(std::uint64_t at_ns) {
  if ((flags() & told) != 0 || tells_in_detail()) return;
  if ((flags() & kept) != 0)
    last_ns_.store(static_cast<std::int64_t>(at_ns), std::memory_order_relaxed);
  else if (last_ns_.load(std::memory_order_relaxed) == none)
    last_ns_.store(unknown, std::memory_order_relaxed);
}

void TimestampOptions::tell(std::uint64_t at_ns, ControlNotes& notes) const {
  const bool new_form = (flags() & in_new_form) != 0;
  if ((flags() & told) != 0 && (flags() & in_nanoseconds) != 0)
    notes.add(SOL_SOCKET, new_form ? SO_TIMESTAMPNS_NEW : SO_TIMESTAMPNS_OLD, to_timespec(at_ns));
  else if ((flags() & told) != 0)
    notes.add(SOL_SOCKET, new_form ? SO_TIMESTAMP_NEW : SO_TIMESTAMP_OLD, to_timeval(at_ns));
  if (!tells_in_detail()) return;
  const std::array<UserTimespec, 3> times{to_timespec(at_ns)};  // by software; none by hardware
  notes.add(SOL_SOCKET, new_form ? SO_TIMESTAMPING_NEW : SO_TIMESTAMPING_OLD, times);
}

Answer<std::uint64_t> TimestampOptions::last(std::uint64_t now_ns) {
  flags_.fetch_or(kept, std::memory_order_relaxed);
  std::int64_t last = last_ns_.load(std::memory_order_relaxed);
  if (last == none) return error(ENOENT);
  if (last == unknown) last_ns_.store(last = static_cast<std::int64_t>(now_ns), std::memory_order_relaxed);
  return static_cast<std::uint64_t>(last);
}

}  // namespace linux_abi
