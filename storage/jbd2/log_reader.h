// SPDX-License-Identifier: Apache-2.0
// Reads a log from front to back, many blocks at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "storage/jbd2/log_file.h"

namespace jbd2 {

class LogReader {
 public:
  explicit LogReader(const LogFile& log) : log_(log) {}

  // Good until the next call. Errors: IoError, NoMemory.
  base::Result<std::span<const std::byte>> read(std::uint32_t index) {
    if (index - first_ >= count_) TRY(fill(index));
    return bytes_.span().subspan((index - first_) * std::size_t{log_.block_bytes()}, log_.block_bytes());
  }

 private:
  static constexpr std::uint32_t ahead = 32;

  base::Result<> fill(std::uint32_t index) {
    count_ = 0;
    const std::uint32_t count = std::min(ahead, log_.end() - index);
    TRY(bytes_.resize(std::size_t{ahead} * log_.block_bytes()));
    std::array<storage::ReadSegment, ahead> segments;
    for (std::uint32_t i = 0; i < count; ++i)
      segments[i] = {log_.offset_of(index + i),
                     bytes_.span().subspan(i * std::size_t{log_.block_bytes()}, log_.block_bytes())};
    TRY(log_.store().read({segments.data(), count}));
    first_ = index;
    count_ = count;
    return {};
  }

  const LogFile& log_;
  base::Array<std::byte> bytes_;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace jbd2
