// SPDX-License-Identifier: Apache-2.0
// The command line that a loader hands over: words separated by blanks, `key=value` or just `key`. Double quotes around
// a value (or a whole word) keep blanks. Views point into the text, which lives as long as the component.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernel/base/error.h"

namespace kernel {

class CommandLine {
 public:
  constexpr CommandLine() = default;
  constexpr explicit CommandLine(std::string_view text) : text_(text) {}

  std::string_view text() const { return text_; }

  // The value of the last word with this key; an empty view for a word without `=`; nullopt when there is none.
  std::optional<std::string_view> find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key).has_value(); }
  std::string_view find_or(std::string_view key, std::string_view otherwise) const {
    return find(key).value_or(otherwise);
  }

  // A number, decimal or with 0x. NotFound without the key, InvalidArgument when it is none.
  base::Result<std::uint64_t> number(std::string_view key) const;
  // As number(), with K, M or G (1024 each) after it.
  base::Result<std::uint64_t> size(std::string_view key) const;

  // The word that starts at or after `position`, which is moved behind it; false at the end. For whoever lists all.
  struct Word {
    std::string_view key, value;
  };
  bool next(std::size_t& position, Word& word) const;

 private:
  std::string_view text_;
};

// Without sign or blanks; InvalidArgument, or Overflow when it does not fit.
base::Result<std::uint64_t> parse_number(std::string_view text);
base::Result<std::uint64_t> parse_size(std::string_view text);

}  // namespace kernel
