// SPDX-License-Identifier: Apache-2.0
// /proc/PID/maps, smaps and smaps_rollup: a process's mappings, what they are called, and what of them is in the
// ExCache.
#include <asm/auxvec.h>
#include <linux/auxvec.h>

#include <algorithm>
#include <cstring>

#include "arch/x86_64/user_copy.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/files/hexadecimal.h"
#include "linux-abi/files/placed_file.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/process/inspection.h"
#include "processor/address_space.h"

namespace linux_abi {
namespace {

unsigned hex_digits(std::uint64_t value) {
  unsigned digits = 8;
  while (digits < 16 && value >> (4 * digits) != 0) ++digits;
  return digits;
}

std::uint64_t auxiliary_value(const Inspected& process, std::uint64_t wanted) {
  const auto words = process.auxiliary.words();
  for (std::size_t i = 0; i + 1 < words.size(); i += 2)
    if (words[i] == wanted) return words[i + 1];
  return 0;
}

// The dynamic linker is mapped by the program's home, by the name that the program itself has for it (PT_INTERP).
base::Array<char> interpreter_of(const Inspected& process) {
  struct ProgramHeader {
    std::uint32_t type, flags;
    std::uint64_t offset, address, physical, file_bytes, memory_bytes, alignment;
  };
  constexpr std::uint32_t type_self = 6, type_interpreter = 3;
  base::Array<char> path;
  const std::uint64_t headers = auxiliary_value(process, AT_PHDR);
  const std::uint64_t count = std::min<std::uint64_t>(auxiliary_value(process, AT_PHNUM), 64);
  std::uint64_t bias = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    ProgramHeader header{};
    const auto bytes = std::as_writable_bytes(std::span(&header, 1));
    if (read_memory(process.space, headers + i * sizeof header, bytes) != bytes.size()) return path;
    if (header.type == type_self) bias = headers - header.address;
    if (header.type != type_interpreter || header.file_bytes < 2 || header.file_bytes > 4096) continue;
    if (!path.resize(header.file_bytes - 1)) return {};
    const auto text = std::as_writable_bytes(path.span());
    if (read_memory(process.space, bias + header.address, text) != text.size()) return {};
    return path;
  }
  return path;
}

struct Line {
  const Inspected& process;
  VNode& vnode;
  base::UserVa break_start;
  base::Array<char> interpreter;
  base::ObjectId interpreter_object;
  base::UserVa stack;  // an address in it
};

Answer<Line> prepare(const Inspected& process, Caller& caller) {
  Line line{process, static_cast<Thread&>(caller).process().vnode(), {}, {}, {}, {}};
  if (!process.space) return line;
  line.break_start = processor::break_start(*process.space);
  line.stack = base::UserVa(process.arguments_start);
  if (const std::uint64_t linker = auxiliary_value(process, AT_BASE); linker != 0) {
    line.interpreter = interpreter_of(process);
    if (const auto area = processor::vma_at(*process.space, base::UserVa(linker)))
      line.interpreter_object = area->object;
  }
  return line;
}

MappedFiles::Name name_of(const Line& line, const vma::Vma& area) {
  MappedFiles::Name name = line.vnode.mapped_files.find(area.object);
  if (!name.path.empty()) return name;
  name.inode = area.object.value() & 0xffffffff;
  name.device = 8 << 8;
  if (area.object == line.interpreter_object)
    (void)name.path.append(std::span<const char>(line.interpreter.data(), line.interpreter.size()));
  return name;
}

std::string_view name_without_file(const Line& line, const vma::Vma& area) {
  if (area.grows_down() || area.range.contains(line.stack)) return "[stack]";
  if (line.break_start.value() != 0 && area.range.start == line.break_start) return "[heap]";
  return {};
}

Answer<> add_line(TextWriter& out, const Line& line, const vma::Vma& area) {
  const std::uint64_t start = area.range.start.value(), end = area.range.end.value();
  const std::size_t line_start = out.bytes().size();
  const bool of_system = processor::shows_system_pages(area), of_file = area.object && !of_system;
  TRY(add_padded_hex(out, start, hex_digits(start)));
  TRY(out.add_text("-"));
  TRY(add_padded_hex(out, end, hex_digits(end)));
  const auto bit = [&](vma::Protection protection, char letter) {
    return vma::has(area.protection, protection) ? letter : '-';
  };
  TRY(out.add(" {}{}{}{} ", bit(vma::Protection::Read, 'r'), bit(vma::Protection::Write, 'w'),
              bit(vma::Protection::Execute, 'x'), area.shared() && !of_system ? 's' : 'p'));
  TRY(add_padded_hex(out, of_system ? 0 : area.object_offset, 8));
  MappedFiles::Name name;
  if (of_file) name = name_of(line, area);
  TRY(out.add_text(" "));
  TRY(add_padded_hex(out, name.device >> 8 & 0xfff, 2));
  TRY(out.add_text(":"));
  TRY(add_padded_hex(out, (name.device & 0xff) | (name.device >> 12 & 0xfff00), 2));
  TRY(out.add(" {} ", name.inode));
  while (out.bytes().size() - line_start < 73) TRY(out.add_text(" "));
  if (of_system)
    TRY(out.add_text(area.object_offset == 0 ? "[vvar]" : "[vdso]"));
  else if (of_file)
    TRY(out.add_text({name.path.data(), name.path.size()}));
  else
    TRY(out.add_text(name_without_file(line, area)));
  return out.add_text("\n");
}

// Where of a process's memory something else is locked than before an address; and how much in a range. Nothing of one
// that has gone meanwhile.
const LockedMemory* locked_memory_locked(const Inspected& process, int pid, Caller& caller) {
  const PidEntry* entry = static_cast<Thread&>(caller).process().vnode().pids.find(pid);
  if (entry == nullptr) return nullptr;
  const Process* found = entry->process;
  if (found == nullptr && entry->thread != nullptr) found = &entry->thread->process();
  return found != nullptr && found->serial() == process.serial ? &found->locked_memory : nullptr;
}

// An area, or a part of it, all of which is locked or not: Linux keeps areas apart that differ in that.
struct Part {
  vma::Vma area;
  bool locked = false;
};
Part first_part(const Inspected& process, vma::Vma area, int pid, Caller& caller) {
  const base::SpinGuard guard(tasks_lock);
  const LockedMemory* locked = locked_memory_locked(process, pid, caller);
  if (locked == nullptr || locked->empty()) return {area};
  const std::uint64_t start = area.range.start.value();
  area.range.end = std::min(area.range.end, base::UserVa(locked->next_change(start)));
  return {area, locked->bytes_in({start, area.range.end.value()}) != 0};
}

// Pages whose lines are here. Anonymous memory that was never touched is passed over.
std::uint64_t resident_pages(processor::AddressSpace& space, const vma::Vma& area) {
  std::uint64_t pages = 0;
  base::UserVa at = area.range.start;
  while (at < area.range.end) {
    if (!area.object) {
      const auto touched = processor::first_touched(space, {at, area.range.end});
      if (!touched) break;
      at = *touched;
    }
    std::uint8_t here = 0;
    if (!processor::resident(space, vma::Range::of(at, base::page_bytes), {&here, 1})) break;
    pages += here;
    at = at + base::page_bytes;
    threads::preemption_point();
  }
  return pages;
}

struct Sizes {
  std::uint64_t mapped = 0, resident = 0, anonymous = 0, shared = 0, written = 0, locked = 0;  // in kilobytes
  void add(const Sizes& other) {
    mapped += other.mapped, resident += other.resident, anonymous += other.anonymous;
    shared += other.shared, written += other.written, locked += other.locked;
  }
};

// From an address on, until visit() says false.
template <typename Visit>
Answer<> for_each_part(const Inspected& process, int pid, base::UserVa from, Caller& caller, Visit visit) {
  if (!process.space) return {};
  std::array<vma::Vma, 8> areas;
  for (base::UserVa at = from;;) {
    const std::size_t count = processor::list_vmas(*process.space, at, areas);
    if (count == 0) return {};
    for (std::size_t i = 0; i < count; ++i) {
      vma::Vma& rest = areas[i];
      const auto skip_to = [&rest](base::UserVa start) {
        if (rest.object) rest.object_offset += start.value() - rest.range.start.value();
        rest.range.start = start;
      };
      if (rest.range.start < at) skip_to(at);
      at = rest.range.end;
      while (rest.range.start < rest.range.end) {
        const Part part = first_part(process, rest, pid, caller);
        if (!TRY(visit(part))) return {};
        skip_to(part.area.range.end);
      }
    }
  }
}

Sizes sizes_of(processor::AddressSpace& space, const Part& part) {
  const vma::Vma& area = part.area;
  Sizes sizes{.mapped = area.range.bytes() / 1024};
  if (processor::shows_system_pages(area)) return sizes;
  sizes.resident = resident_pages(space, area) * (base::page_bytes / 1024);
  if (!area.object) sizes.anonymous = sizes.resident;
  if (area.shared()) sizes.shared = sizes.resident;
  // Whose stores are the process's own, and may have happened.
  if (vma::has(area.protection, vma::Protection::Write)) sizes.written = sizes.resident;
  if (part.locked) sizes.locked = sizes.resident;
  return sizes;
}

Answer<> add_kilobytes(TextWriter& out, std::string_view name, std::uint64_t value) {
  std::array<char, 24> digits;
  const std::string_view number = base::format(digits, "{}", value), unit = " kB\n";
  constexpr std::size_t column = 24;  // where the number ends
  std::array<char, 64> line;
  line.fill(' ');
  name.copy(line.data(), column);
  line[name.size()] = ':';
  const std::size_t start = std::max(column - std::min(column, number.size()), name.size() + 1);
  const std::size_t end = start + number.copy(line.data() + start, number.size());
  return out.add_text({line.data(), end + unit.copy(line.data() + end, unit.size())});
}

Answer<> add_sizes(TextWriter& out, const Sizes& sizes) {
  const std::uint64_t own = sizes.resident - sizes.shared;
  const std::uint64_t own_written = std::min(own, sizes.written), shared_written = sizes.written - own_written;
  TRY(add_kilobytes(out, "Rss", sizes.resident));
  TRY(add_kilobytes(out, "Pss", sizes.resident));
  TRY(add_kilobytes(out, "Pss_Dirty", sizes.written));
  TRY(add_kilobytes(out, "Shared_Clean", sizes.shared - shared_written));
  TRY(add_kilobytes(out, "Shared_Dirty", shared_written));
  TRY(add_kilobytes(out, "Private_Clean", own - own_written));
  TRY(add_kilobytes(out, "Private_Dirty", own_written));
  TRY(add_kilobytes(out, "Referenced", sizes.resident));
  TRY(add_kilobytes(out, "Anonymous", sizes.anonymous));
  for (const std::string_view name : {"LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb",
                                      "Private_Hugetlb", "Swap", "SwapPss"})
    TRY(add_kilobytes(out, name, 0));
  return add_kilobytes(out, "Locked", sizes.locked);
}

Answer<> add_flags(TextWriter& out, const Part& part) {
  const vma::Vma& area = part.area;
  TRY(out.add_text("THPeligible:    0\nVmFlags:"));
  struct Named {
    bool holds;
    std::string_view text;
  };
  const Named names[] = {{vma::has(area.protection, vma::Protection::Read), " rd"},
                         {vma::has(area.protection, vma::Protection::Write), " wr"},
                         {vma::has(area.protection, vma::Protection::Execute), " ex"},
                         {area.shared(), " sh"},
                         {true, " mr"},
                         {!vma::has(area.flags, vma::Flags::NoWrite), " mw"},
                         {!vma::has(area.flags, vma::Flags::NoExecute), " me"},
                         {area.shared(), " ms"},
                         {area.grows_down(), " gd"},
                         {part.locked, " lo"},
                         {vma::has(area.flags, vma::Flags::NotForked), " dc"},
                         {vma::has(area.flags, vma::Flags::NotDumped), " dd"},
                         {vma::has(area.flags, vma::Flags::WipedByFork), " wf"}};
  for (const Named& each : names)
    if (each.holds) TRY(out.add_text(each.text));
  return out.add_text(" \n");
}

Answer<> write_mapping(TextWriter& out, const Line& line, const Part& part) { return add_line(out, line, part.area); }

Answer<> write_mapping_sizes(TextWriter& out, const Line& line, const Part& part) {
  const Sizes sizes = sizes_of(*line.process.space, part);
  TRY(add_line(out, line, part.area));
  TRY(add_kilobytes(out, "Size", sizes.mapped));
  TRY(add_kilobytes(out, "KernelPageSize", base::page_bytes / 1024));
  TRY(add_kilobytes(out, "MMUPageSize", base::page_bytes / 1024));
  TRY(add_sizes(out, sizes));
  return add_flags(out, part);
}
using WritePart = Answer<> (*)(TextWriter& out, const Line& line, const Part& part);

// A text about each mapping, made as it is read, a page of whole ones at a time as Linux does it: of a process with
// thousands of them many a program reads the beginning only. When the process has ended, or runs another program, the
// text is over.
class MappingsFile final : public PositionedFile {
 public:
  MappingsFile(int flags, PlaceReference place, int pid, processor::Reference<processor::AddressSpace> space,
               WritePart writer)
      : PositionedFile(flags, std::move(place)), pid_(pid), space_(std::move(space)), write_(writer) {}
  Answer<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> to, Caller& caller) override {
    threads::MutexGuard guard(lock_);
    if (to.empty()) return std::size_t{0};
    // Who goes back, or elsewhere, wants to see what there is now.
    if (offset == 0 || offset != follows_) begins_ = 0, next_ = base::UserVa(0), piece_.clear();
    while (offset - begins_ >= piece_.size()) {
      TRY(write_next(caller));
      if (piece_.empty()) return std::size_t{0};
    }
    const auto rest = piece_.span().subspan(offset - begins_);
    const std::size_t bytes = std::min(rest.size(), to.size());
    std::memcpy(to.data(), rest.data(), bytes);
    follows_ = offset + bytes;
    return bytes;
  }
  Answer<std::uint64_t> seek(std::int64_t offset, int whence, Caller&) override { return seek_in_text(offset, whence); }
  bool continues() const override { return true; }

 private:
  void close() override { base::Own<MappingsFile>(this).reset(); }

  Answer<> write_next(Caller& caller) {
    TextWriter out;
    base::UserVa next = next_;
    const auto process = inspect(static_cast<Thread&>(caller), pid_, InspectFor::Everybody);
    if (process && process->space.get() == space_.get()) {
      const Line line = TRY(prepare(*process, caller));
      const auto write = [&](const Part& part) -> Answer<bool> {
        const std::size_t before = out.bytes().size();
        TRY(write_(out, line, part));
        if (before > 0 && out.bytes().size() > base::page_bytes) {
          out.bytes().truncate(before);
          return false;
        }
        next = part.area.range.end;
        return true;
      };
      TRY(for_each_part(*process, pid_, next_, caller, write));
    }
    begins_ += piece_.size();
    piece_ = std::move(out.bytes());
    next_ = next;
    return {};
  }

  const int pid_;
  const processor::Reference<processor::AddressSpace> space_;
  const WritePart write_;
  threads::Mutex lock_;
  // Guarded by the lock:
  base::Array<char> piece_;    // of the text
  std::uint64_t begins_ = 0;   // where in the text
  std::uint64_t follows_ = 0;  // what is read next, if it is read on
  base::UserVa next_{0};       // what the next piece begins with
};

template <WritePart write>
Answer<OpenFileReference> open_mappings_file(int flags, PlaceReference place, int pid, Caller& caller) {
  Inspected process = TRY(inspect_for_text(pid, caller));
  auto file = base::make<MappingsFile>(flags, std::move(place), pid, std::move(process.space), write);
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

}  // namespace

Answer<OpenFileReference> open_mappings(int flags, PlaceReference place, int pid, Caller& caller) {
  return open_mappings_file<write_mapping>(flags, std::move(place), pid, caller);
}

Answer<OpenFileReference> open_mapping_sizes(int flags, PlaceReference place, int pid, Caller& caller) {
  return open_mappings_file<write_mapping_sizes>(flags, std::move(place), pid, caller);
}

Answer<> proc_pid_smaps_rollup(TextWriter& out, int pid, Caller& caller) {
  const Inspected process = TRY(inspect_for_text(pid, caller));
  Sizes all;
  base::UserVa first(0), last(0);
  TRY(for_each_part(process, pid, base::UserVa(0), caller, [&](const Part& part) -> Answer<bool> {
    if (last.value() == 0) first = part.area.range.start;
    last = part.area.range.end;
    all.add(sizes_of(*process.space, part));
    return true;
  }));
  if (last.value() == 0) return {};
  TRY(add_padded_hex(out, first.value(), hex_digits(first.value())));
  TRY(out.add_text("-"));
  TRY(add_padded_hex(out, last.value(), hex_digits(last.value())));
  TRY(out.add_text(" ---p 00000000 00:00 0                          [rollup]\n"));
  return add_sizes(out, all);
}

}  // namespace linux_abi
