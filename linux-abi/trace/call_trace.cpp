// SPDX-License-Identifier: Apache-2.0
// Traces of system calls: see call_trace.h.
#include "linux-abi/trace/call_trace.h"

#include "arch/x86_64/user_copy.h"
#include "linux-abi/console/launch.h"
#include "linux-abi/trace/trace_text.h"

namespace linux_abi {
namespace {

constexpr std::size_t max_shown_text = 64;

class Line : public TraceText {
 public:
  using TraceText::TraceText;
  void add_octal(std::uint64_t value) {
    std::array<char, 24> digits;
    std::size_t at = digits.size();
    do {
      digits[--at] = static_cast<char>('0' + value % 8);
      value /= 8;
    } while (value != 0);
    add("0{}", std::string_view(digits.data() + at, digits.size() - at));
  }
  void add_text(std::uint64_t address) {
    std::array<char, max_shown_text + 1> text;
    const auto length = arch::copy_string_from_user(text, base::UserVa(address));
    if (length)
      add("\"{}\"", std::string_view(text.data(), *length));
    else
      add("0x{:x}", address);
  }
  void add_argument(char kind, std::uint64_t value) {
    switch (kind) {
      case 'd':
      case 'f':
        return add("{}", Call::as_int(value));
      case 'u':
        return add("{}", value);
      case 's':
        return add_text(value);
      case 'o':
        return add_octal(value);
      default:
        return value == 0 && kind == 'p' ? add("NULL") : add("0x{:x}", value);
    }
  }
};

}  // namespace

TraceLine::TraceLine(Thread& thread, const CallEntry* entry, std::uint64_t number, const arch::TrapFrame& frame)
    : thread_(thread),
      traced_(thread.process().launch != nullptr && thread.process().launch->traces(TraceKind::Calls)) {
  if (!traced_) return;
  Line line(text_);
  line.add("[pid {}] ", thread.tid());
  if (entry != nullptr)
    line.add("{}(", entry->name);
  else
    line.add("syscall_{}(", number);
  const std::array<std::uint64_t, 6> values{frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9};
  const std::string_view kinds = entry == nullptr ? "xxxxxx" : entry->arguments;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (i > 0) line.add(", ");
    line.add_argument(kinds[i], values[i]);
  }
  line.add(")");
  used_ = line.used();
}

void TraceLine::finished(const Answer<std::uint64_t>& result) const {
  if (!traced_) return;
  std::array<char, 480> text;
  const std::string_view call(text_.data(), used_);
  std::string_view line;
  if (!result) {
    const int number = result.error().number();
    line =
        base::format(text, "{} = -1 {}\n", call, number >= restart_always ? "(to be restarted)" : errno_name(number));
  } else if (*result > 0xffff'ffff) {
    line = base::format(text, "{} = 0x{:x}\n", call, *result);
  } else {
    line = base::format(text, "{} = {}\n", call, *result);
  }
  thread_.process().launch->trace(line);
}

}  // namespace linux_abi
