// SPDX-License-Identifier: Apache-2.0
// The stack that a program starts with (System V ABI, AMD64 supplement, 3.4.1): strings, auxiliary vector, envp, argv.
#include <asm/auxvec.h>
#include <linux/auxvec.h>

#include <algorithm>
#include <cstring>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_mode.h"
#include "kernel/core/entropy.h"
#include "linux-abi/process/exec.h"

namespace linux_abi {
namespace {

using base::UserVa;

constexpr std::string_view platform = "x86_64";
constexpr std::uint64_t clock_ticks = 100;  // AT_CLKTCK

// Builds the stack downwards in user memory, in pieces that are written at once.
class StackWriter {
 public:
  explicit StackWriter(std::uint64_t top) : at_(top) {}
  std::uint64_t at() const { return at_; }
  void align(std::uint64_t alignment) { at_ = base::round_down(at_, alignment); }
  Answer<std::uint64_t> push(std::span<const std::byte> bytes) {
    at_ -= bytes.size();
    TRY(arch::copy_to_user(UserVa(at_), bytes));
    return at_;
  }
  Answer<std::uint64_t> push_text(std::string_view text) {
    TRY(push(std::as_bytes(std::span("", 1))));
    return push(std::as_bytes(std::span(text)));
  }

 private:
  std::uint64_t at_;
};

struct Places {
  std::uint64_t strings = 0, name = 0, random = 0, platform = 0;
};

Answer<> append_words(base::Array<std::uint64_t>& words, std::initializer_list<std::uint64_t> values) {
  for (const std::uint64_t value : values) TRY(words.push_back(value));
  return {};
}

// Pointers to `count` strings that follow one another; `text` and `address` move on.
Answer<> append_pointers(base::Array<std::uint64_t>& words, std::uint32_t count, const char*& text,
                         std::uint64_t& address) {
  for (std::uint32_t i = 0; i < count; ++i) {
    TRY(words.push_back(address));
    const std::size_t bytes = std::strlen(text) + 1;
    text += bytes;
    address += bytes;
  }
  TRY(words.push_back(0));
  return {};
}

Answer<> append_auxiliary(base::Array<std::uint64_t>& words, const Thread& thread, const PreparedProgram& program,
                          const Places& places) {
  const processor::LoadedProgram& loaded = program.loaded;
  const Credentials& user = thread.user;
  const bool secure = user.uid != user.effective_uid || user.gid != user.effective_gid;
  if (loaded.system_code.value() != 0) TRY(append_words(words, {AT_SYSINFO_EHDR, loaded.system_code.value()}));
  return append_words(words, {AT_HWCAP,    arch::cpuid(1).edx,
                              AT_PAGESZ,   base::page_bytes,
                              AT_CLKTCK,   clock_ticks,
                              AT_PHDR,     loaded.program_headers.value(),
                              AT_PHENT,    loaded.program_header_bytes,
                              AT_PHNUM,    loaded.program_header_count,
                              AT_BASE,     loaded.interpreter_base.value(),
                              AT_FLAGS,    0,
                              AT_ENTRY,    loaded.program_entry.value(),
                              AT_UID,      user.uid,
                              AT_EUID,     user.effective_uid,
                              AT_GID,      user.gid,
                              AT_EGID,     user.effective_gid,
                              AT_SECURE,   secure ? 1U : 0U,
                              AT_RANDOM,   places.random,
                              AT_HWCAP2,   0,
                              AT_EXECFN,   places.name,
                              AT_PLATFORM, places.platform,
                              AT_NULL,     0});
}

}  // namespace

Answer<> set_up_stack(Thread& thread, const PreparedProgram& program, const ProgramStrings& strings,
                      std::string_view path, arch::TrapFrame& frame) {
  for (std::size_t i = 0; i < program.zero_count; ++i)
    TRY(arch::clear_user(program.zero_ranges[i].address, program.zero_ranges[i].bytes));
  StackWriter stack(program.loaded.stack_top.value() - 8);
  Places places;
  places.name = TRY(stack.push_text(path));
  places.strings = TRY(stack.push(std::as_bytes(strings.bytes.span())));
  places.platform = TRY(stack.push_text(platform));
  std::array<std::uint64_t, 2> random{};
  kernel::fill_random(std::as_writable_bytes(std::span(random)));
  stack.align(16);
  places.random = TRY(stack.push(std::as_bytes(std::span(random))));

  base::Array<std::uint64_t> words;
  TRY(words.push_back(strings.argument_count));
  const char* text = strings.bytes.data();
  std::uint64_t address = places.strings;
  Process& process = thread.process();
  process.arguments_start = address;
  TRY(append_pointers(words, strings.argument_count, text, address));
  process.arguments_end = address;
  TRY(append_pointers(words, strings.environment_count, text, address));
  process.environment_end = address;
  const std::size_t auxiliary_at = words.size();
  TRY(append_auxiliary(words, thread, program, places));
  AuxiliaryVector& kept = process.auxiliary;
  kept.count = std::min(words.size() - auxiliary_at, kept.values.size());
  std::copy_n(words.begin() + auxiliary_at, kept.count, kept.values.begin());
  stack.align(16);
  if (words.size() % 2 != 0) {
    const std::uint64_t padding = 0;
    TRY(stack.push(std::as_bytes(std::span(&padding, 1))));
  }
  const std::uint64_t pointer = TRY(stack.push(std::as_bytes(words.span())));
  frame = arch::initial_user_frame(program.loaded.entry, UserVa(pointer));
  return {};
}

}  // namespace linux_abi
