// SPDX-License-Identifier: Apache-2.0
// See core_name.h.
#include "linux-abi/core/core_name.h"

#include <array>
#include <span>

#include "kernel/base/format.h"

namespace core {

using base::Result;

namespace {

class Name {
 public:
  template <typename T>
  Result<> add_number(T value) {
    std::array<char, 24> digits;
    return add(base::format(digits, "{}", value));
  }
  Result<> add(std::string_view text) { return bytes_.append(std::span(text)); }
  // A path as one name.
  Result<> add_flat(std::string_view text) {
    for (const char c : text) TRY(bytes_.push_back(c == '/' ? '!' : c));
    return {};
  }
  base::Array<char>& bytes() { return bytes_; }

 private:
  base::Array<char> bytes_;
};

std::string_view last_part(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Result<> add_specified(Name& name, char specifier, const NameFacts& facts) {
  switch (specifier) {
    case '%':
      return name.add("%");
    case 'p':
    case 'P':
      return name.add_number(facts.pid);
    case 'i':
    case 'I':
      return name.add_number(facts.tid);
    case 'u':
      return name.add_number(facts.uid);
    case 'g':
      return name.add_number(facts.gid);
    case 'd':
      return name.add_number(facts.dumpable);
    case 's':
      return name.add_number(facts.signal);
    case 't':
      return name.add_number(facts.seconds);
    case 'h':
      return name.add_flat(facts.host);
    case 'e':
      return name.add_flat(facts.command);
    case 'f':
      return name.add_flat(last_part(facts.program));
    case 'E':
      return name.add_flat(facts.program);
    case 'c':
      return name.add_number(facts.limit);
    default:
      return {};  // dropped, as by Linux
  }
}

}  // namespace

Result<base::Array<char>> name_of(std::string_view pattern, bool add_pid, const NameFacts& facts) {
  Name name;
  bool names_pid = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      TRY(name.add(pattern.substr(i, 1)));
      continue;
    }
    if (++i == pattern.size()) break;  // a lone one at the end is dropped
    names_pid = names_pid || pattern[i] == 'p';
    TRY(add_specified(name, pattern[i], facts));
  }
  if (add_pid && !names_pid) {
    TRY(name.add("."));
    TRY(name.add_number(facts.pid));
  }
  return std::move(name.bytes());
}

Result<std::string_view> checked_pattern(std::string_view written) {
  written = written.substr(0, written.find_first_of(std::string_view("\n\0", 2)));
  if (written.size() > max_pattern_bytes) written = written.substr(0, max_pattern_bytes);
  if (written.starts_with('|')) return base::fail(base::Error::InvalidArgument);
  return written;
}

}  // namespace core
