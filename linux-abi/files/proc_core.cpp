// SPDX-License-Identifier: Apache-2.0
// The texts of /proc about core files (core(5)): see proc_texts.h.
#include <algorithm>
#include <cstring>

#include "linux-abi/core/core_name.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {
namespace {

VNode& vnode_of(Caller& caller) { return static_cast<Thread&>(caller).process().vnode(); }

// The process; ESRCH. tasks_lock is held.
Answer<Process*> find_locked(int pid, Caller& caller) {
  const PidEntry* entry = vnode_of(caller).pids.find(pid);
  if (entry == nullptr || entry->process == nullptr) return error(ESRCH);
  return entry->process;
}

// Decimal, or hexadecimal after 0x, up to a line's end.
Answer<std::uint64_t> parse_number(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  if (text.empty() || text.size() > 16) return error(EINVAL);
  std::uint64_t value = 0;
  for (const char c : text) {
    unsigned digit = 16;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    if (hexadecimal && c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a' + 10);
    if (digit >= (hexadecimal ? 16U : 10U)) return error(EINVAL);
    value = value * (hexadecimal ? 16 : 10) + digit;
  }
  return value;
}

}  // namespace

Answer<> proc_sys_core_pattern(TextWriter& out, int, Caller& caller) {
  std::array<char, 128> pattern;
  {
    const base::SpinGuard guard(tasks_lock);
    pattern = vnode_of(caller).core.pattern;
  }
  return out.add("{}\n", std::string_view(pattern.data()));
}

Answer<> proc_sys_core_uses_pid(TextWriter& out, int, Caller& caller) {
  bool add_pid = false;
  {
    const base::SpinGuard guard(tasks_lock);
    add_pid = vnode_of(caller).core.add_pid;
  }
  return out.add_text(add_pid ? "1\n" : "0\n");
}

Answer<> store_core_pattern(std::string_view written, int, Caller& caller) {
  const std::string_view pattern = TRY(core::checked_pattern(written));
  const base::SpinGuard guard(tasks_lock);
  auto& kept = vnode_of(caller).core.pattern;
  kept = {};
  std::memcpy(kept.data(), pattern.data(), std::min(pattern.size(), kept.size() - 1));
  return {};
}

Answer<> store_core_uses_pid(std::string_view written, int, Caller& caller) {
  const std::uint64_t value = TRY(parse_number(written));
  const base::SpinGuard guard(tasks_lock);
  vnode_of(caller).core.add_pid = value != 0;
  return {};
}

Answer<> proc_pid_core_filter(TextWriter& out, int pid, Caller& caller) {
  std::uint32_t filter = 0;
  {
    const base::SpinGuard guard(tasks_lock);
    filter = TRY(find_locked(pid, caller))->core_filter;
  }
  for (int shift = 28; shift >= 0; shift -= 4)
    TRY(out.add_text(std::string_view("0123456789abcdef").substr(filter >> shift & 15, 1)));
  return out.add_text("\n");
}

Answer<> store_core_filter(std::string_view written, int pid, Caller& caller) {
  constexpr std::uint64_t known = 0x1ff;
  const std::uint64_t value = TRY(parse_number(written));
  const base::SpinGuard guard(tasks_lock);
  Process* process = TRY(find_locked(pid, caller));
  if (process != &static_cast<Thread&>(caller).process() && !caller.credentials().is_root()) return error(EPERM);
  process->core_filter = static_cast<std::uint32_t>(value & known);
  return {};
}

}  // namespace linux_abi
