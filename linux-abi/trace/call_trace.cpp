// SPDX-License-Identifier: Apache-2.0
// Traces of system calls: see call_trace.h. Memory that cannot be read is shown as its address.
#include "linux-abi/trace/call_trace.h"

#include <linux/fcntl.h>

#include <algorithm>

#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/trace/flag_names.h"

namespace linux_abi {
namespace {

constexpr std::size_t max_shown_text = 64, max_shown_bytes = 32, max_shown_strings = 6;

class Line : public TraceText {
 public:
  using TraceText::TraceText;

  // bytes: of a buffer among the arguments; only 'b' and 'B' look at it.
  void add_argument(char kind, std::uint64_t value, std::uint64_t bytes) {
    if (add_number(*this, kind, value)) return;
    if (value == 0) return add("NULL");
    bool shown = false;
    switch (kind) {
      case 's':
        shown = add_string(value);
        break;
      case 'b':
      case 'B':
        shown = add_bytes(value, bytes);
        break;
      case 'a':
        shown = add_strings(value);
        break;
      case 't':
        shown = add_time(value);
        break;
      default:
        break;
    }
    if (!shown) add("0x{:x}", value);
  }

 private:
  bool add_string(std::uint64_t address) {
    std::array<char, max_shown_text + 1> text;
    const auto length = arch::copy_string_from_user(text, base::UserVa(address));
    if (length) add_quoted(*this, {text.data(), *length}, false);
    return length.has_value();
  }
  bool add_bytes(std::uint64_t address, std::uint64_t bytes) {
    std::array<char, max_shown_bytes> text;
    const std::size_t shown = std::min<std::uint64_t>(bytes, text.size());
    if (!arch::copy_from_user(std::as_writable_bytes(std::span(text)).first(shown), base::UserVa(address)))
      return false;
    add_quoted(*this, {text.data(), shown}, bytes > shown);
    return true;
  }
  bool add_strings(std::uint64_t array) {
    add("[");
    for (std::size_t i = 0;; ++i) {
      const auto pointer = arch::UserIn<std::uint64_t>(array + 8 * i).read();
      if (!pointer || *pointer == 0) break;
      if (i > 0) add(", ");
      if (i == max_shown_strings) {
        add("...");
        break;
      }
      if (!add_string(*pointer)) add("0x{:x}", *pointer);
    }
    add("]");
    return true;
  }
  bool add_time(std::uint64_t address) {
    const auto time = arch::UserIn<UserTimespec>(address).read();
    if (time) add("{}{}, tv_nsec={}{}", "{tv_sec=", time->seconds, time->nanoseconds, "}");
    return time.has_value();
  }
};

// A mode is an argument only of an open that may make a file.
bool is_argument(std::string_view kinds, std::size_t at, std::span<const std::uint64_t, 6> values) {
  if (kinds[at] != 'o' || at == 0 || kinds[at - 1] != 'O') return true;
  return (values[at - 1] & (O_CREAT | O_TMPFILE)) != 0;
}

}  // namespace

void TraceLine::write_call(const CallEntry* entry, std::uint64_t number, const arch::TrapFrame& frame) {
  Line line(text_);
  line.add("[pid {}] ", thread_.tid());
  if (entry != nullptr)
    line.add("{}(", entry->name);
  else
    line.add("syscall_{}(", number);
  values_ = {frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9};
  kinds_ = entry == nullptr ? "xxxxxx" : entry->arguments;
  // What the call is going to write is shown afterwards, and what follows it.
  for (; shown_ < kinds_.size() && kinds_[shown_] != 'B'; ++shown_) {
    if (!is_argument(kinds_, shown_, values_)) continue;
    if (shown_ > 0) line.add(", ");
    line.add_argument(kinds_[shown_], values_[shown_], shown_ + 1 < values_.size() ? values_[shown_ + 1] : 0);
  }
  used_ = line.used();
}

void TraceLine::write_result(const Answer<std::uint64_t>& result) {
  Line rest{std::span<char>(text_).subspan(used_)};
  for (; shown_ < kinds_.size(); ++shown_) {
    if (shown_ > 0) rest.add(", ");
    const bool written = kinds_[shown_] != 'B' || result.has_value();
    rest.add_argument(written ? kinds_[shown_] : 'p', values_[shown_], result ? *result : 0);
  }
  std::array<char, 480> text;
  const std::string_view call(text_.data(), used_ + rest.used());
  std::string_view line;
  if (!result) {
    const int number = result.error().number();
    line =
        base::format(text, "{}) = -1 {}\n", call, number >= restart_always ? "(to be restarted)" : errno_name(number));
  } else if (*result > 0xffff'ffff) {
    line = base::format(text, "{}) = 0x{:x}\n", call, *result);
  } else {
    line = base::format(text, "{}) = {}\n", call, *result);
  }
  thread_.process().launch->trace(line);
}

}  // namespace linux_abi
