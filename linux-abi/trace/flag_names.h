// SPDX-License-Identifier: Apache-2.0
// How the arguments of calls read in a trace and in the list of calls: what each letter of a CallEntry's arguments
// stands for, and the names of flags as strace writes them ("O_WRONLY|O_CREAT|0x40000000"). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "linux-abi/trace/trace_text.h"

namespace linux_abi {

// Arguments, one letter each.
//   d int                        u unsigned           x hexadecimal       p address
//   s path or string             o octal mode         f descriptor        D directory descriptor or AT_FDCWD
//   b bytes, as many as the next argument says        a array of strings  t timespec
//   B bytes that the call writes, as many as it returns
//   O flags of open              P PROT_*             M MAP_*             A AT_*
//   C flags and signal of clone  S signal
struct ArgumentKind {
  char letter;
  std::string_view meaning;
};
std::span<const ArgumentKind> argument_kinds();
// "int", "descriptor"...; empty: there is no such letter.
std::string_view meaning_of(char letter);

// Writes a value of one of the kinds that are numbers; false: it is another kind (an address of something).
bool add_number(TraceText& out, char letter, std::uint64_t value);
// "\"text\\n\"", cut off where strace would show "..." if more follows.
void add_quoted(TraceText& out, std::string_view text, bool more);

}  // namespace linux_abi
