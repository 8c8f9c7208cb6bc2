// SPDX-License-Identifier: Apache-2.0
// Finding and loading a program: see exec.h.
#include <algorithm>
#include <cstring>

#include "kernel/core/entropy.h"
#include "linux-abi/files/note_mapped.h"
#include "linux-abi/files/tree.h"
#include "linux-abi/process/exec.h"

namespace linux_abi {
namespace {

constexpr std::size_t script_head_bytes = 256;  // Linux's BINPRM_BUF_SIZE
constexpr unsigned max_script_depth = 4;

struct Script {
  std::array<char, script_head_bytes> interpreter{};
  std::array<char, script_head_bytes> argument{};  // empty: none
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

void copy_text(std::array<char, script_head_bytes>& to, std::string_view text) {
  const std::size_t bytes = std::min(text.size(), to.size() - 1);
  std::memcpy(to.data(), text.data(), bytes);
}

// "#! /bin/sh -x": one optional argument, the rest of the line. ENOEXEC: it is no script.
Answer<Script> parse_script(std::string_view head) {
  if (!head.starts_with("#!")) return error(ENOEXEC);
  const std::size_t end = head.find('\n');
  std::string_view line = head.substr(2, end == std::string_view::npos ? end : end - 2);
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  const std::size_t name_end = std::min(line.find_first_of(" \t"), line.size());
  if (name_end == 0) return error(ENOEXEC);
  // A name that the head cut off must not be run.
  if (end == std::string_view::npos && head.size() == script_head_bytes && name_end == line.size())
    return error(ENOEXEC);
  Script script;
  copy_text(script.interpreter, line.substr(0, name_end));
  std::string_view argument = line.substr(name_end);
  while (!argument.empty() && is_blank(argument.front())) argument.remove_prefix(1);
  copy_text(script.argument, argument);
  return script;
}

Answer<> append(base::Array<char>& bytes, std::string_view text) {
  TRY(bytes.append(std::span(text)));
  TRY(bytes.push_back('\0'));
  return {};
}

// argv[0] becomes: interpreter, its argument, the script's path.
Answer<> put_interpreter_first(ProgramStrings& strings, const Script& script, std::string_view path) {
  base::Array<char> bytes;
  TRY(append(bytes, script.interpreter.data()));
  std::uint32_t added = 1;
  if (script.argument[0] != 0) {
    TRY(append(bytes, script.argument.data()));
    ++added;
  }
  TRY(append(bytes, path));
  ++added;
  std::size_t rest = 0;
  if (strings.argument_count > 0) {
    rest = std::strlen(strings.bytes.data()) + 1;
    --strings.argument_count;
  }
  TRY(bytes.append(strings.bytes.span().subspan(rest)));
  if (bytes.size() > max_strings_bytes) return error(E2BIG);
  strings.bytes = std::move(bytes);
  strings.argument_count += added;
  return {};
}

void set_name(PreparedProgram& program, std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  std::memcpy(program.name.data(), last.data(), std::min(last.size(), program.name.size() - 1));
}

bool is_bad_file(base::Error reason) { return reason == base::Error::Malformed || reason == base::Error::NotSupported; }

Answer<> load(Thread& thread, processor::Family& family, PreparedProgram& program, bool looks_like_elf) {
  const auto object = TRY(program.file->mappable(thread));
  const std::uint64_t stack = thread.limit(static_cast<int>(Resource::Stack));
  const bool fixed = (program.persona & persona::fixed_addresses) != 0 ||
                     thread.process().vnode().randomizing.load(std::memory_order_relaxed) == 0;
  const auto try_load = [&]() -> base::Result<processor::LoadedProgram> {
    const std::uint64_t random = fixed ? 0 : kernel::random_u64() | 1;
    program.space = TRY(processor::create_space(family, thread.sleeper()));
    return processor::load_program(*program.space, *object, stack, random, program.zero_ranges, program.zero_count,
                                   thread.sleeper());
  };
  auto loaded = try_load();
  if (!loaded && is_bad_file(loaded.error()) && looks_like_elf) {
    // The home also reads the headers of the interpreter, and that may have been written here a moment ago.
    TRY(flush_files(thread.file_context().tree(), thread.sleeper()));
    loaded = try_load();
  }
  // What execve says of a damaged or foreign file.
  if (!loaded) return std::unexpected(is_bad_file(loaded.error()) ? Errno(ENOEXEC) : Errno(loaded.error()));
  program.loaded = *loaded;
  note_mapped(thread.process().vnode().mapped_files, *program.file, *object, thread);
  processor::set_stack_limit(*program.space, stack);
  return {};
}

void note_set_ids(PreparedProgram& program, const FileStatus& status) {
  const Place* place = program.file->place();
  if (place != nullptr && place->mount() != nullptr && place->mount()->has(mount_flag::no_set_id)) return;
  constexpr std::uint32_t set_uid = 04000, set_gid = 02000, group_execute = 0010;
  if ((status.mode & set_uid) != 0) program.set_uid = status.uid;
  if ((status.mode & (set_gid | group_execute)) == (set_gid | group_execute)) program.set_gid = status.gid;
}

std::uint32_t persona_for(const PreparedProgram& program, const Thread& thread) {
  const bool set_id = program.set_uid != PreparedProgram::no_change || program.set_gid != PreparedProgram::no_change;
  const std::uint32_t lost =
      persona::read_implies_execute | (set_id && thread.no_new_privileges == 0 ? persona::lost_by_set_id : 0U);
  return thread.process().persona.bits() & ~lost;
}

}  // namespace

Answer<PreparedProgram> prepare_program(Thread& thread, processor::Family& family, int directory_descriptor,
                                        std::string_view path, int flags, ProgramStrings& strings) {
  PreparedProgram program;
  set_name(program, path);
  program.file = TRY(open_program(thread, directory_descriptor, path, flags));
  std::array<char, script_head_bytes> head{};
  for (unsigned depth = 0;; ++depth) {
    head = {};
    const std::size_t bytes = TRY(program.file->read_at(0, std::as_writable_bytes(std::span(head)), thread));
    const auto script = parse_script(std::string_view(head.data(), bytes));
    if (!script) break;
    if (depth == max_script_depth) return error(ELOOP);
    TRY(put_interpreter_first(strings, *script, path));
    // The interpreter's own path is what the next script would be given.
    path = std::string_view(strings.bytes.data());
    constexpr int at_current_directory = -100;  // AT_FDCWD
    program.file = TRY(open_program(thread, at_current_directory, path, 0));
  }
  note_set_ids(program, TRY(program.file->status(thread)));
  program.persona = persona_for(program, thread);
  constexpr std::string_view elf_magic("\177ELF");
  TRY(load(thread, family, program, std::string_view(head.data(), head.size()).starts_with(elf_magic)));
  return program;
}

}  // namespace linux_abi
