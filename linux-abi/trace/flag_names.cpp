// SPDX-License-Identifier: Apache-2.0
// See flag_names.h.
#include "linux-abi/trace/flag_names.h"

#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/sched.h>

#include <array>
#include <iterator>

namespace linux_abi {
namespace {

constexpr ArgumentKind kinds[] = {{'d', "int"},         {'u', "unsigned"},   {'x', "flags"},      {'p', "address"},
                                  {'s', "string"},      {'o', "mode"},       {'f', "descriptor"}, {'D', "directory"},
                                  {'b', "bytes"},       {'B', "bytes"},      {'a', "strings"},    {'t', "time"},
                                  {'O', "open flags"},  {'P', "protection"}, {'M', "map flags"},  {'A', "at flags"},
                                  {'C', "clone flags"}, {'S', "signal"}};

// A flag is set when all bits of `value` are; earlier ones are looked at first and take their bits away.
struct FlagName {
  std::uint64_t value;
  std::string_view name;
};
#define FLAG(name) \
  { name, #name }

constexpr FlagName open_flags[] = {
    FLAG(O_CREAT),     FLAG(O_EXCL),     FLAG(O_NOCTTY),      FLAG(O_TRUNC),   FLAG(O_APPEND),    FLAG(O_NONBLOCK),
    FLAG(O_SYNC),      FLAG(O_DSYNC),    {FASYNC, "O_ASYNC"}, FLAG(O_DIRECT),  FLAG(O_LARGEFILE), FLAG(O_TMPFILE),
    FLAG(O_DIRECTORY), FLAG(O_NOFOLLOW), FLAG(O_NOATIME),     FLAG(O_CLOEXEC), FLAG(O_PATH)};
constexpr FlagName protections[] = {FLAG(PROT_READ), FLAG(PROT_WRITE), FLAG(PROT_EXEC), FLAG(PROT_GROWSDOWN),
                                    FLAG(PROT_GROWSUP)};
constexpr FlagName map_flags[] = {
    FLAG(MAP_SHARED_VALIDATE), FLAG(MAP_SHARED),    FLAG(MAP_PRIVATE),   FLAG(MAP_32BIT),
    FLAG(MAP_FIXED),           FLAG(MAP_ANONYMOUS), FLAG(MAP_GROWSDOWN), FLAG(MAP_DENYWRITE),
    FLAG(MAP_EXECUTABLE),      FLAG(MAP_LOCKED),    FLAG(MAP_NORESERVE), FLAG(MAP_POPULATE),
    FLAG(MAP_NONBLOCK),        FLAG(MAP_STACK),     FLAG(MAP_HUGETLB),   FLAG(MAP_SYNC),
    FLAG(MAP_FIXED_NOREPLACE)};
constexpr FlagName at_flags[] = {FLAG(AT_SYMLINK_NOFOLLOW), FLAG(AT_REMOVEDIR),  FLAG(AT_SYMLINK_FOLLOW),
                                 FLAG(AT_NO_AUTOMOUNT),     FLAG(AT_EMPTY_PATH), FLAG(AT_STATX_FORCE_SYNC),
                                 FLAG(AT_STATX_DONT_SYNC)};
constexpr FlagName clone_flags[] = {FLAG(CLONE_VM),
                                    FLAG(CLONE_FS),
                                    FLAG(CLONE_FILES),
                                    FLAG(CLONE_SIGHAND),
                                    FLAG(CLONE_PIDFD),
                                    FLAG(CLONE_PTRACE),
                                    FLAG(CLONE_VFORK),
                                    FLAG(CLONE_PARENT),
                                    FLAG(CLONE_THREAD),
                                    FLAG(CLONE_NEWNS),
                                    FLAG(CLONE_SYSVSEM),
                                    FLAG(CLONE_SETTLS),
                                    FLAG(CLONE_PARENT_SETTID),
                                    FLAG(CLONE_CHILD_CLEARTID),
                                    FLAG(CLONE_DETACHED),
                                    FLAG(CLONE_UNTRACED),
                                    FLAG(CLONE_CHILD_SETTID),
                                    FLAG(CLONE_NEWCGROUP),
                                    FLAG(CLONE_NEWUTS),
                                    FLAG(CLONE_NEWIPC),
                                    FLAG(CLONE_NEWUSER),
                                    FLAG(CLONE_NEWPID),
                                    FLAG(CLONE_NEWNET),
                                    FLAG(CLONE_IO)};
#undef FLAG

constexpr std::string_view signals[] = {
    "0",         "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
    "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
    "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
    "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};

// Names joined by "|", then the bits without a name. `some`: a name stands there already. `none`: what no bits are.
void add_flags(TraceText& out, std::span<const FlagName> names, std::uint64_t value, bool some,
               std::string_view none = "0") {
  const auto join = [&] {
    if (some) out.add("|");
    some = true;
  };
  for (const FlagName& flag : names) {
    if (flag.value == 0 || (value & flag.value) != flag.value) continue;
    value &= ~flag.value;
    join();
    out.add("{}", flag.name);
  }
  if (value != 0) {
    join();
    out.add("0x{:x}", value);
  }
  if (!some) out.add("{}", none);
}

void add_open_flags(TraceText& out, std::uint64_t value) {
  constexpr std::string_view modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
  out.add("{}", modes[value & O_ACCMODE]);
  add_flags(out, open_flags, value & ~std::uint64_t{O_ACCMODE}, true);
}

void add_signal(TraceText& out, std::uint64_t number) {
  if (number < std::size(signals)) return out.add("{}", signals[number]);
  constexpr std::uint64_t first_realtime = 32, last_realtime = 64;
  if (number >= first_realtime && number <= last_realtime) return out.add("SIGRT_{}", number - first_realtime);
  out.add("{}", static_cast<int>(number));
}

void add_clone_flags(TraceText& out, std::uint64_t value) {
  constexpr std::uint64_t signal_mask = 0xff;
  add_flags(out, clone_flags, value & ~signal_mask, false);
  if ((value & signal_mask) == 0) return;
  out.add("|");
  add_signal(out, value & signal_mask);
}

void add_octal(TraceText& out, std::uint64_t value) {
  std::array<char, 24> digits;
  std::size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + value % 8);
    value /= 8;
  } while (value != 0);
  out.add("0{}", std::string_view(digits.data() + at, digits.size() - at));
}

}  // namespace

std::span<const ArgumentKind> argument_kinds() { return kinds; }

std::string_view meaning_of(char letter) {
  for (const ArgumentKind& kind : kinds)
    if (kind.letter == letter) return kind.meaning;
  return {};
}

bool add_number(TraceText& out, char letter, std::uint64_t value) {
  const auto as_int = static_cast<int>(static_cast<std::uint32_t>(value));
  switch (letter) {
    case 'D':
      if (as_int == AT_FDCWD) {
        out.add("AT_FDCWD");
        return true;
      }
      [[fallthrough]];
    case 'd':
    case 'f':
      out.add("{}", as_int);
      return true;
    case 'u':
      out.add("{}", value);
      return true;
    case 'x':
      out.add("0x{:x}", value);
      return true;
    case 'o':
      add_octal(out, value);
      return true;
    case 'O':
      add_open_flags(out, static_cast<std::uint32_t>(value));
      return true;
    case 'P':
      add_flags(out, protections, value, false, "PROT_NONE");
      return true;
    case 'M':
      add_flags(out, map_flags, value, false);
      return true;
    case 'A':
      add_flags(out, at_flags, static_cast<std::uint32_t>(value), false);
      return true;
    case 'C':
      add_clone_flags(out, value);
      return true;
    case 'S':
      add_signal(out, static_cast<std::uint32_t>(value));
      return true;
    default:
      return false;
  }
}

void add_quoted(TraceText& out, std::string_view text, bool more) {
  out.add("\"");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    constexpr std::string_view named = "\"\\\n\t\r", escapes = "\"\\ntr";
    const std::size_t special = named.find(c);
    if (special != std::string_view::npos)
      out.add("\\{}", escapes.substr(special, 1));
    else if (byte >= 32 && byte < 127)
      out.add("{}", std::string_view(&c, 1));
    else
      out.add("\\{}{}{}", byte >> 6, byte >> 3 & 7, byte & 7);
  }
  out.add(more ? "\"..." : "\"");
}

}  // namespace linux_abi
