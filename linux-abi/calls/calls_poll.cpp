// SPDX-License-Identifier: Apache-2.0
// poll and ppoll, select and pselect6: see calls_poll.h.
#include "linux-abi/calls/calls_poll.h"

#include <asm/poll.h>
#include <linux/fcntl.h>

#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/temporary_mask.h"
#include "linux-abi/files/poll.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

struct UserPoll {
  std::int32_t descriptor;
  std::int16_t wanted, ready;
};
static_assert(sizeof(UserPoll) == 8);

constexpr std::uint32_t always_told = POLLERR | POLLHUP;

// The open file, unless it is one that only names a place.
OpenFileReference file_to_poll(Call& call, int descriptor) {
  auto file = call.thread.descriptors().get(descriptor);
  if (!file || ((*file)->flags() & O_PATH) != 0) return {};
  return std::move(*file);
}

Answer<std::uint64_t> poll_until(Call& call, std::uint64_t address, std::uint64_t given_count, std::uint64_t deadline) {
  const auto count = static_cast<std::uint32_t>(given_count);
  if (count > call.thread.limit(static_cast<int>(Resource::Files))) return error(EINVAL);
  base::Array<UserPoll> given;
  TRY(given.resize(count));
  TRY(UserIn<UserPoll>(address).read_array(given.span()));
  base::Array<PolledFile> files;
  TRY(files.reserve(count));
  while (files.size() < count) TRY(files.push_back(PolledFile{}));
  for (std::size_t i = 0; i < count; ++i) {
    if (given[i].descriptor < 0) continue;
    files[i].file = file_to_poll(call, given[i].descriptor);
    files[i].wanted = static_cast<std::uint16_t>(given[i].wanted) | always_told;
    if (!files[i].file) files[i].ready = POLLNVAL;
  }
  const std::size_t ready = TRY(poll_files(call.thread, files.span(), deadline));
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t to = address + i * sizeof(UserPoll) + offsetof(UserPoll, ready);
    TRY(UserOut<std::int16_t>(to).write(static_cast<std::int16_t>(files[i].ready)));
  }
  return ready;
}

// A deadline for poll_files(): 0 is "do not wait".
std::uint64_t deadline_after(Call& call, std::uint64_t duration_ns) {
  return duration_ns == 0 ? 0 : after(call.thread.now_ns(), duration_ns);
}

std::uint64_t remaining(Call& call, std::uint64_t deadline) {
  const std::uint64_t now = call.thread.now_ns();
  return deadline > now ? deadline - now : 0;
}

// What is left of the time is told to the program; where that cannot be, a call that would be made again is not.
template <typename Time>
Answer<std::uint64_t> finish(Call& call, TemporaryMask& mask, const Answer<std::uint64_t>& result,
                             std::uint64_t time_to, const Time& left) {
  const bool interrupted = !result && result.error() == restart_no_handler;
  if (interrupted) mask.interrupted();
  if (call.process().persona.has(persona::sticky_timeouts)) return result;
  if (time_to == 0 || UserOut<Time>(time_to).write(left)) return result;
  return interrupted ? error(EINTR) : result;
}

}  // namespace

Answer<std::uint64_t> poll(Call& call) {
  const int milliseconds = Call::as_int(call.c());
  const std::uint64_t deadline =
      milliseconds < 0 ? base::never_ns : deadline_after(call, static_cast<std::uint64_t>(milliseconds) * 1'000'000);
  return poll_until(call, call.a(), call.b(), deadline);
}

Answer<std::uint64_t> ppoll(Call& call) {
  std::uint64_t deadline = base::never_ns;
  if (call.c() != 0) {
    const UserTimespec timeout = TRY(UserIn<UserTimespec>(call.c()).read());
    if (!is_valid(timeout)) return error(EINVAL);
    deadline = deadline_after(call, to_ns(timeout));
  }
  TemporaryMask mask(call.thread);
  TRY(mask.set(call.d(), call.e()));
  const auto result = poll_until(call, call.a(), call.b(), deadline);
  return finish(call, mask, result, call.c(), to_timespec(remaining(call, deadline)));
}

namespace {

constexpr std::uint32_t set_events[] = {
    POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL,
    POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL,
    POLLPRI | POLLNVAL,
};
constexpr std::size_t sets = 3;

// The three sets of select: read, write, exceptional; absent ones are empty.
struct Selection {
  std::array<std::uint64_t, sets> addresses{};
  std::array<base::Array<std::uint64_t>, sets> words;
  std::size_t word_count = 0;

  bool contains(std::size_t set, std::size_t descriptor) const {
    return (words[set][descriptor / 64] >> (descriptor % 64) & 1) != 0;
  }
  Answer<> read(std::size_t descriptors) {
    word_count = (descriptors + 63) / 64;
    for (std::size_t set = 0; set < sets; ++set) {
      TRY(words[set].resize(word_count));
      if (addresses[set] != 0) TRY(UserIn<std::uint64_t>(addresses[set]).read_array(words[set].span()));
    }
    return {};
  }
  void clear() {
    for (auto& set : words) std::fill(set.begin(), set.end(), 0);
  }
  Answer<> write() {
    for (std::size_t set = 0; set < sets; ++set)
      if (addresses[set] != 0) TRY(UserOut<std::uint64_t>(addresses[set]).write_array(words[set].span()));
    return {};
  }
};

// One of the selected files, and which of its events belong to which set.
struct Selected {
  std::uint32_t descriptor = 0;
  std::array<bool, sets> in{};
};

Answer<std::uint64_t> select_until(Call& call, int descriptors, Selection& selection, std::uint64_t deadline) {
  if (descriptors < 0) return error(EINVAL);
  const auto count = std::min(static_cast<std::uint32_t>(descriptors), call.thread.descriptors().capacity());
  TRY(selection.read(count));
  base::Array<Selected> selected;
  base::Array<PolledFile> files;
  for (std::uint32_t descriptor = 0; descriptor < count; ++descriptor) {
    Selected one{.descriptor = descriptor};
    PolledFile polled;
    for (std::size_t set = 0; set < sets; ++set) {
      one.in[set] = selection.contains(set, descriptor);
      if (one.in[set]) polled.wanted |= set_events[set];
    }
    if (polled.wanted == 0) continue;
    polled.file = file_to_poll(call, static_cast<int>(descriptor));
    if (!polled.file) return error(EBADF);
    TRY(selected.push_back(one));
    TRY(files.push_back(std::move(polled)));
  }
  TRY(poll_files(call.thread, files.span(), deadline));
  selection.clear();
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < files.size(); ++i)
    for (std::size_t set = 0; set < sets; ++set) {
      if (!selected[i].in[set] || (files[i].ready & set_events[set]) == 0) continue;
      const std::uint32_t descriptor = selected[i].descriptor;
      selection.words[set][descriptor / 64] |= std::uint64_t{1} << (descriptor % 64);
      ++bits;
    }
  TRY(selection.write());
  return bits;
}

Selection selection_of(const Call& call) {
  Selection selection;
  selection.addresses = {call.b(), call.c(), call.d()};
  return selection;
}

}  // namespace

Answer<std::uint64_t> select(Call& call) {
  std::uint64_t deadline = base::never_ns;
  if (call.e() != 0) {
    const UserTimeval timeout = TRY(UserIn<UserTimeval>(call.e()).read());
    // More than a second of microseconds is welcome here.
    const UserTimespec time{timeout.seconds + timeout.microseconds / 1'000'000,
                            timeout.microseconds % 1'000'000 * 1000};
    if (!is_valid(time)) return error(EINVAL);
    deadline = deadline_after(call, to_ns(time));
  }
  Selection selection = selection_of(call);
  TemporaryMask none(call.thread);
  const auto result = select_until(call, Call::as_int(call.a()), selection, deadline);
  return finish(call, none, result, call.e(), to_timeval(remaining(call, deadline)));
}

Answer<std::uint64_t> pselect6(Call& call) {
  struct UserMask {
    std::uint64_t address, bytes;
  };
  UserMask given{};
  if (call.f() != 0) given = TRY(UserIn<UserMask>(call.f()).read());
  std::uint64_t deadline = base::never_ns;
  if (call.e() != 0) {
    const UserTimespec timeout = TRY(UserIn<UserTimespec>(call.e()).read());
    if (!is_valid(timeout)) return error(EINVAL);
    deadline = deadline_after(call, to_ns(timeout));
  }
  Selection selection = selection_of(call);
  TemporaryMask mask(call.thread);
  TRY(mask.set(given.address, given.bytes));
  const auto result = select_until(call, Call::as_int(call.a()), selection, deadline);
  return finish(call, mask, result, call.e(), to_timespec(remaining(call, deadline)));
}

}  // namespace linux_abi::calls
