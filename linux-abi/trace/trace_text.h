// SPDX-License-Identifier: Apache-2.0
// The text of a line of a trace, built up in a buffer; what does not fit is cut off.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/format.h"

namespace linux_abi {

class TraceText {
 public:
  explicit TraceText(std::span<char> buffer) : buffer_(buffer) {}
  template <typename... Arguments>
  void add(std::string_view pattern, const Arguments&... arguments) {
    used_ += base::format(buffer_.subspan(used_), pattern, arguments...).size();
  }
  std::size_t used() const { return used_; }
  std::string_view text() const { return {buffer_.data(), used_}; }

 private:
  std::span<char> buffer_;
  std::size_t used_ = 0;
};

}  // namespace linux_abi
