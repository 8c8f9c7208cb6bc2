// SPDX-License-Identifier: Apache-2.0
// eventfd's open file: see event_file.h.
#include "linux-abi/files/event_file.h"

#include <linux/fcntl.h>

#include <cstring>
#include <string_view>

#include "kernel/base/memory.h"

namespace linux_abi {
namespace {

class EventFile final : public OpenFile {
 public:
  EventFile(std::uint32_t count, EventCounter::Takes takes, int flags)
      : OpenFile(O_RDWR | flags), counter_(count, takes) {}

  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override {
    if (to.size() < sizeof(std::uint64_t)) return error(EINVAL);
    const std::uint64_t taken = TRY(counter_.take(non_blocking(), caller));
    std::memcpy(to.data(), &taken, sizeof taken);
    return sizeof taken;
  }
  Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller) override {
    std::uint64_t value = 0;
    if (from.size() < sizeof value) return error(EINVAL);
    std::memcpy(&value, from.data(), sizeof value);
    TRY(counter_.add(value, non_blocking(), caller));
    return sizeof value;
  }
  Answer<FileStatus> status(Caller&) override { return FileStatus{.mode = 0600}; }
  std::uint32_t poll_events() override { return counter_.events(); }
  PollSource* poll_source() override { return &counter_.source(); }
  std::size_t describe(std::span<char> to, Caller&) override {
    constexpr std::string_view name = "anon_inode:[eventfd]";
    return name.copy(to.data(), to.size());
  }

 private:
  void close() override { base::Own<EventFile>(this).reset(); }
  EventCounter counter_;
};

}  // namespace

Answer<OpenFileReference> make_event_file(std::uint32_t count, EventCounter::Takes takes, int flags) {
  auto file = base::make<EventFile>(count, takes, flags);
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

}  // namespace linux_abi
