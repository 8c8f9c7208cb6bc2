// SPDX-License-Identifier: Apache-2.0
// The command line: see command_line.h.
#include "kernel/boot/command_line.h"

namespace kernel {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

}  // namespace

bool CommandLine::next(std::size_t& position, Word& word) const {
  while (position < text_.size() && is_blank(text_[position])) ++position;
  if (position >= text_.size()) return false;
  const std::size_t start = position;
  bool quoted = false;
  while (position < text_.size() && (quoted || !is_blank(text_[position]))) {
    if (text_[position] == '"') quoted = !quoted;
    ++position;
  }
  const std::string_view whole = unquoted(text_.substr(start, position - start));
  const std::size_t equals = whole.find('=');
  word.key = whole.substr(0, equals);
  word.value = equals == std::string_view::npos ? std::string_view() : unquoted(whole.substr(equals + 1));
  return true;
}

std::optional<std::string_view> CommandLine::find(std::string_view key) const {
  std::optional<std::string_view> found;
  Word word;
  for (std::size_t position = 0; next(position, word);)
    if (word.key == key) found = word.value;
  return found;
}

base::Result<std::uint64_t> CommandLine::number(std::string_view key) const {
  const auto value = find(key);
  if (!value) return base::fail(base::Error::NotFound);
  return parse_number(*value);
}

base::Result<std::uint64_t> CommandLine::size(std::string_view key) const {
  const auto value = find(key);
  if (!value) return base::fail(base::Error::NotFound);
  return parse_size(*value);
}

base::Result<std::uint64_t> parse_number(std::string_view text) {
  unsigned radix = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    radix = 16;
    text.remove_prefix(2);
  }
  if (text.empty()) return base::fail(base::Error::InvalidArgument);
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned>(digit_value(c));
    if (digit >= radix) return base::fail(base::Error::InvalidArgument);
    if (__builtin_mul_overflow(value, std::uint64_t{radix}, &value) ||
        __builtin_add_overflow(value, std::uint64_t{digit}, &value))
      return base::fail(base::Error::Overflow);
  }
  return value;
}

base::Result<std::uint64_t> parse_size(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    switch (text.back()) {
      case 'k':
      case 'K':
        shift = 10;
        break;
      case 'm':
      case 'M':
        shift = 20;
        break;
      case 'g':
      case 'G':
        shift = 30;
        break;
      default:
        break;
    }
  }
  if (shift != 0) text.remove_suffix(1);
  const std::uint64_t number = TRY(parse_number(text));
  if (number > (~std::uint64_t{0} >> shift)) return base::fail(base::Error::Overflow);
  return number << shift;
}

}  // namespace kernel
