// SPDX-License-Identifier: Apache-2.0
// Remembering and crashing: see crash_disk.h.
#include "storage/ext4/testing/crash_disk.h"

#include <algorithm>

namespace ext4::testing {

using base::Error;
using base::fail;
using base::Result;

std::vector<std::byte> Contents::bytes() const {
  std::vector<std::byte> bytes = *image_;
  for (const auto& [number, block] : blocks_)
    std::ranges::copy(*block, bytes.begin() + static_cast<std::ptrdiff_t>(number * block_bytes_));
  return bytes;
}

Result<> CrashDisk::check(std::uint64_t offset, std::uint64_t bytes) const {
  if (offset % now_.block_bytes() != 0 || bytes % now_.block_bytes() != 0) return fail(Error::InvalidArgument);
  if (offset > now_.size() || bytes > now_.size() - offset) return fail(Error::OutOfRange);
  return {};
}

Result<> CrashDisk::read(std::span<const storage::ReadSegment> segments) {
  const std::size_t bytes = now_.block_bytes();
  for (const auto& segment : segments) {
    TRY(check(segment.offset, segment.into.size()));
    for (std::size_t done = 0; done < segment.into.size(); done += bytes)
      std::ranges::copy(now_.block((segment.offset + done) / bytes), segment.into.subspan(done).begin());
  }
  return {};
}

Result<> CrashDisk::write(std::span<const storage::WriteSegment> segments) {
  const std::size_t bytes = now_.block_bytes();
  for (const auto& segment : segments) {
    TRY(check(segment.offset, segment.from.size()));
    for (std::size_t done = 0; done < segment.from.size(); done += bytes) {
      const auto piece = segment.from.subspan(done, bytes);
      events_.push_back({(segment.offset + done) / bytes,
                         std::make_shared<const std::vector<std::byte>>(piece.begin(), piece.end())});
      now_.set(events_.back().number, events_.back().block);
    }
  }
  return {};
}

Result<> CrashDisk::flush() {
  ++flushes;
  events_.push_back({});
  return {};
}

Contents CrashDisk::crash(std::size_t events, base::Random& random) const {
  Contents disk = before_;
  std::size_t durable = events;
  while (durable > 0 && events_[durable - 1].block) --durable;
  constexpr std::uint32_t survivors[] = {0, 100'000, 500'000, 900'000, 1'000'000};
  const std::uint32_t share = survivors[random.below(std::size(survivors))];
  for (std::size_t i = 0; i < events; ++i)
    if (events_[i].block && (i < durable || random.chance(share))) disk.set(events_[i].number, events_[i].block);
  return disk;
}

}  // namespace ext4::testing
