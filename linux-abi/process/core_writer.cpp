// SPDX-License-Identifier: Apache-2.0
// See core_writer.h. Which memory is in a core file is Linux's choice (core(5), coredump_filter): what is private and
// was written to or is anonymous, shared anonymous memory, the first page of mapped ELF files. What was never touched
// becomes a hole.
#include "linux-abi/process/core_writer.h"

#include <linux/elf.h>
#include <linux/fcntl.h>

#include <algorithm>
#include <cstring>

#include "arch/x86_64/fpu.h"
#include "kernel/base/memory.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/core/core_name.h"
#include "linux-abi/core/elf_core.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/files/node.h"
#include "linux-abi/process/usage.h"
#include "linux-abi/process/user_registers.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi {
namespace {

using base::page_bytes;
using base::UserVa;

// Bits of coredump_filter.
constexpr std::uint32_t anonymous_private = 1, anonymous_shared = 2, file_private = 4, file_shared = 8,
                        elf_headers = 16;

struct DumpedArea {
  vma::Vma area;
  std::uint64_t bytes = 0;  // of it are in the file
};

core::Time time_of(std::uint64_t ns) {
  return {static_cast<std::int64_t>(ns / ns_per_second), static_cast<std::int64_t>(ns % ns_per_second / 1000)};
}

template <typename T>
std::span<const std::byte> bytes_of(const T& object) {
  return std::as_bytes(std::span(&object, 1));
}

class CoreWriter {
 public:
  CoreWriter(Thread& thread, CoreDump& dump, const SignalInformation& information)
      : thread_(thread), process_(thread.process()), dump_(dump), information_(information) {}

  Answer<> write() {
    {
      const base::SpinGuard guard(tasks_lock);
      limit_ = process_.limits.of(Resource::Core).soft;
      filter_ = process_.core_filter;
    }
    file_ = TRY(open_file());
    TRY(choose_areas());
    TRY(add_notes());
    base::Array<core::Segment> segments;
    for (const DumpedArea& each : areas_)
      TRY(segments.push_back({each.area.range.start.value(), each.area.range.bytes(), each.bytes,
                              static_cast<std::uint32_t>(each.area.protection)}));
    const base::Array<std::byte> head = TRY(core::head_of(segments.span(), notes_));
    // From here on there is a core file, cut off where the limit or the disk's end is.
    if (put(head.span())) (void)write_memory(base::round_up(head.size(), page_bytes));
    return {};
  }

 private:
  // --- The file -----------------------------------------------------------------------------------------------------
  Answer<base::Array<char>> name() {
    std::array<char, 128> pattern{};
    std::array<char, 65> host{};
    std::array<char, 512> program{};
    bool add_pid = false;
    core::NameFacts facts{.tid = thread_.tid(),
                          .signal = information_.signal,
                          .uid = thread_.user.uid,
                          .gid = thread_.user.gid,
                          .limit = limit_,
                          .seconds = wall_clock_ns() / ns_per_second};
    {
      const base::SpinGuard guard(tasks_lock);
      pattern = process_.vnode().core.pattern;
      add_pid = process_.vnode().core.add_pid;
      host = process_.vnode().hostname;
      facts.pid = process_.pid();
      facts.dumpable = process_.dumpable;
    }
    facts.host = host.data();
    facts.command = thread_.kernel_thread().name();
    if (process_.program) facts.program = {program.data(), process_.program->describe(program, thread_)};
    return TRY(core::name_of(pattern.data(), add_pid, facts));
  }

  // As Linux: a regular file with one name, of the user's own, which nobody else may read.
  Answer<OpenFileReference> open_file() {
    const base::Array<char> path = TRY(name());
    if (path.empty()) return error(ENOENT);
    OpenFileReference file =
        TRY(open_path(thread_, {path.data(), path.size()}, O_CREAT | O_WRONLY | O_NOFOLLOW | O_LARGEFILE, 0600));
    const FileStatus status = TRY(file->status(thread_));
    if ((status.mode & file_mode::type_mask) != file_mode::regular || status.links != 1 ||
        status.uid != thread_.user.file_uid)
      return error(EPERM);
    TRY(file->truncate(0, thread_));
    return file;
  }

  // False: the limit is reached, or nothing can be written any more.
  bool put(std::span<const std::byte> bytes) {
    if (bytes.size() > limit_ - written_) return false;
    while (!bytes.empty()) {
      const auto done = file_->write_at(at_, bytes, thread_);
      if (!done || *done == 0) return false;
      at_ += *done;
      written_ += *done;
      bytes = bytes.subspan(*done);
    }
    return true;
  }

  // --- Memory -------------------------------------------------------------------------------------------------------
  bool wants(std::uint32_t kind) const { return (filter_ & kind) != 0; }

  std::uint64_t dumped_bytes(const vma::Vma& area) {
    if (processor::shows_system_pages(area)) return area.shared() ? 0 : area.range.bytes();
    if (vma::has(area.flags, vma::Flags::NotDumped)) return 0;
    processor::AddressSpace& space = process_.space();
    const bool of_file = area.object && processor::maps_file(space, area);
    if (area.shared()) return wants(of_file ? file_shared : anonymous_shared) ? area.range.bytes() : 0;
    if (wants(anonymous_private) && processor::has_private_pages(space, area.range)) return area.range.bytes();
    if (!area.object) return 0;
    if (wants(file_private)) return area.range.bytes();
    return wants(elf_headers) && area.object_offset == 0 && starts_elf_file(area) ? page_bytes : 0;
  }

  bool starts_elf_file(const vma::Vma& area) {
    std::array<std::byte, SELFMAG> magic{};
    return vma::has(area.protection, vma::Protection::Read) && thread_.copy_in(magic, area.range.start.value()) &&
           std::memcmp(magic.data(), ELFMAG, SELFMAG) == 0;
  }

  Answer<> choose_areas() {
    std::array<vma::Vma, 8> found;
    for (UserVa at(0);;) {
      const std::size_t count = processor::list_vmas(process_.space(), at, found);
      if (count == 0) return {};
      for (const vma::Vma& area : std::span(found).first(count)) {
        TRY(areas_.push_back({area, dumped_bytes(area)}));
        at = area.range.end;
      }
    }
  }

  // `start`: in the file. Its size is what the headers say even if it ends in a hole.
  Answer<> write_memory(std::uint64_t start) {
    for (const DumpedArea& each : areas_) {
      if (each.bytes == 0) continue;
      if (!TRY(write_area(each, start))) return {};
      start += each.bytes;
    }
    return file_->truncate(start, thread_);
  }

  Answer<bool> write_area(const DumpedArea& dumped, std::uint64_t start) {
    const vma::Vma& area = dumped.area;
    const vma::Range range = vma::Range::of(area.range.start, dumped.bytes);
    // What the process may not read can hold something all the same. It will not run again.
    if (!vma::has(area.protection, vma::Protection::Read))
      TRY(processor::protect(process_.space(), range, vma::Protection::Read, thread_.sleeper()));
    for (UserVa page = range.start; page < range.end; page = page + page_bytes) {
      if (!area.object) {
        const auto touched = processor::first_touched(process_.space(), {page, range.end});
        if (!touched) return true;
        page = *touched;
      }
      if (thread_.kernel_thread().killed()) return error(EINTR);
      if (!thread_.copy_in(page_, page.value())) continue;  // beyond the end of its file
      at_ = start + (page - range.start);
      if (!put(page_)) return false;
    }
    return true;
  }

  // --- Notes --------------------------------------------------------------------------------------------------------
  Answer<> add_notes() {
    bool first = true;
    for (ThreadImage& image : dump_.images) {
      const core::ThreadStatus status = status_of(image);
      TRY(notes_.add("CORE", NT_PRSTATUS, bytes_of(status)));
      if (std::exchange(first, false)) TRY(add_process_notes());
      const std::span<std::byte> vectors = image.vector_registers.span();
      TRY(notes_.add("CORE", NT_PRFPREG, vectors.first(std::min(vectors.size(), core::fxsave_bytes))));
      if (!arch::fpu_layout().xsave) continue;
      core::note_features(vectors, arch::fpu_layout().features);
      TRY(notes_.add("LINUX", NT_X86_XSTATE, vectors));
    }
    return {};
  }

  core::ThreadStatus status_of(const ThreadImage& image) {
    const base::SpinGuard guard(tasks_lock);
    const ProcessTimes times = times_of_locked(process_);
    return {.signal = information_.signal,
            .code = information_.code,
            .error = information_.error,
            .current_signal = static_cast<std::int16_t>(information_.signal),
            .pending = image.pending,
            .blocked = image.blocked,
            .tid = image.tid,
            .parent = process_.parent_pid(),
            .group = process_.group->pid,
            .session = process_.session->pid,
            .user = time_of(times.user_ns),
            .system = time_of(times.system_ns),
            .children_user = time_of(process_.children_times.user_ns),
            .children_system = time_of(process_.children_times.system_ns),
            .registers = registers_of(image.frame, image.bases)};
  }

  Answer<> add_process_notes() {
    const core::ProcessInformation process = process_information();
    TRY(notes_.add("CORE", NT_PRPSINFO, bytes_of(process)));
    TRY(notes_.add("CORE", NT_SIGINFO, user_layout(information_)));
    TRY(notes_.add("CORE", NT_AUXV, std::as_bytes(process_.auxiliary.words())));
    core::MappedFiles files;
    for (const DumpedArea& each : areas_) TRY(add_mapped_file(files, each.area));
    const base::Array<std::byte> content = TRY(files.content());
    TRY(notes_.add("CORE", NT_FILE, content.span()));
    return {};
  }

  core::ProcessInformation process_information() {
    core::ProcessInformation result;
    const std::uint64_t start = process_.arguments_start;
    const std::size_t bytes = std::min<std::uint64_t>(process_.arguments_end - start, result.arguments.size() - 1);
    if (thread_.copy_in(std::as_writable_bytes(std::span(result.arguments)).first(bytes), start))
      std::replace(result.arguments.begin(), result.arguments.begin() + bytes, '\0', ' ');
    const base::SpinGuard guard(tasks_lock);
    result.nice = static_cast<std::int8_t>(thread_.scheduling.nice);
    result.uid = thread_.user.uid;
    result.gid = thread_.user.gid;
    result.pid = process_.pid();
    result.parent = process_.parent_pid();
    result.group = process_.group->pid;
    result.session = process_.session->pid;
    result.name = process_.name;
    return result;
  }

  // The program is the one file that is known by its name.
  Answer<> add_mapped_file(core::MappedFiles& files, const vma::Vma& area) {
    if (!area.object || !process_.program) return {};
    const auto object = process_.program->mappable(thread_);
    if (!object || processor::object_id(**object) != area.object) return {};
    std::array<char, 512> name;
    const std::size_t length = process_.program->describe(name, thread_);
    TRY(files.add(area.range.start.value(), area.range.end.value(), area.object_offset, {name.data(), length}));
    return {};
  }

  Thread& thread_;
  Process& process_;
  CoreDump& dump_;
  const SignalInformation& information_;
  std::uint64_t limit_ = 0;
  std::uint32_t filter_ = 0;
  OpenFileReference file_;
  std::uint64_t at_ = 0;       // in the file
  std::uint64_t written_ = 0;  // holes do not count
  base::Array<DumpedArea> areas_;
  core::Notes notes_;
  std::array<std::byte, page_bytes> page_;
};

}  // namespace

Answer<> write_core(Thread& thread, CoreDump& dump, const SignalInformation& information) {
  auto writer = base::make<CoreWriter>(thread, dump, information);
  if (!writer) return error(ENOMEM);
  return writer->write();
}

}  // namespace linux_abi
