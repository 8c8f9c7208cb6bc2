// SPDX-License-Identifier: Apache-2.0
// Numbers of /proc/sys that a vNode has of its own, and that can be set: see proc_texts.h.
#include <algorithm>

#include "linux-abi/files/proc_texts.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {
namespace {

VNode& vnode_of(Caller& caller) { return static_cast<Thread&>(caller).process().vnode(); }

Answer<> store_between(std::string_view text, std::uint64_t least, std::uint64_t most,
                       std::atomic<std::uint32_t>& setting) {
  const std::uint64_t value = TRY(decimal_in(text));
  if (value < least || value > most) return error(EINVAL);
  setting.store(static_cast<std::uint32_t>(value), std::memory_order_relaxed);
  return {};
}

}  // namespace

Answer<> proc_sys_descriptors(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", vnode_of(caller).most_descriptors.load(std::memory_order_relaxed));
}
Answer<> store_descriptors(std::string_view text, int, Caller& caller) {
  constexpr std::uint64_t least = 64, most = 0x7fffffff / 8 / 64 * 64 * 8;  // sysctl_nr_open_min and max, of pointers
  return store_between(text, least, most, vnode_of(caller).most_descriptors);
}

Answer<> proc_sys_mappings(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", vnode_of(caller).most_mappings.load(std::memory_order_relaxed));
}
Answer<> store_mappings(std::string_view text, int, Caller& caller) {
  return store_between(text, 0, 0x7fffffff, vnode_of(caller).most_mappings);
}

Answer<> proc_sys_randomizing(TextWriter& out, int, Caller& caller) {
  return out.add("{}\n", vnode_of(caller).randomizing.load(std::memory_order_relaxed));
}
Answer<> store_randomizing(std::string_view text, int, Caller& caller) {
  return store_between(text, 0, 0x7fffffff, vnode_of(caller).randomizing);
}

// Levels of a log that nothing is written to: remembered.
Answer<> proc_sys_log_levels(TextWriter& out, int, Caller& caller) {
  const auto& levels = vnode_of(caller).log_levels;
  const auto level = [&](std::size_t i) { return levels[i].load(std::memory_order_relaxed); };
  return out.add("{}\t{}\t{}\t{}\n", level(0), level(1), level(2), level(3));
}
Answer<> store_log_levels(std::string_view text, int, Caller& caller) {
  constexpr std::string_view blanks = " \t\n";
  auto& levels = vnode_of(caller).log_levels;
  for (auto& level : levels) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    if (text.empty()) return {};  // the others stay
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    TRY(store_between(word, 0, 0x7fffffff, level));
    text.remove_prefix(word.size());
  }
  return {};
}

Answer<> proc_sys_last_pid(TextWriter& out, int, Caller& caller) {
  const base::SpinGuard guard(tasks_lock);
  return out.add("{}\n", vnode_of(caller).pids.last());
}
Answer<> store_last_pid(std::string_view text, int, Caller& caller) {
  const Credentials& user = caller.credentials();
  if (!user.may(Capability::Administration) && !user.may(Capability::RestoreState)) return error(EPERM);
  const std::uint64_t value = TRY(decimal_in(text));
  if (value > Pids::max_pid) return error(EINVAL);
  const base::SpinGuard guard(tasks_lock);
  vnode_of(caller).pids.set_last(std::max(static_cast<int>(value), kernel_pid));
  return {};
}

}  // namespace linux_abi
