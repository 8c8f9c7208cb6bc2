// SPDX-License-Identifier: Apache-2.0
// The texts and links of /proc about what a process has: its strings, limits, places in the tree; and its memory as a
// file. See proc_texts.h.
#include <linux/fs.h>

#include "kernel/base/memory.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/files/hexadecimal.h"
#include "linux-abi/files/placed_file.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/files/tree.h"
#include "linux-abi/process/inspection.h"

namespace linux_abi {
namespace {

Thread& thread_of(Caller& caller) { return static_cast<Thread&>(caller); }

Answer<Inspected> inspect_any(int pid, Caller& caller) {
  return inspect(thread_of(caller), pid, InspectFor::Everybody);
}

Answer<> add_user_bytes(TextWriter& out, const Inspected& process, std::uint64_t start, std::uint64_t end) {
  while (start < end && process.space) {
    std::array<char, 256> piece;
    const std::size_t bytes = std::min<std::uint64_t>(piece.size(), end - start);
    if (read_memory(process.space, start, std::as_writable_bytes(std::span(piece)).first(bytes)) != bytes) return {};
    TRY(out.add_text({piece.data(), bytes}));
    start += bytes;
  }
  return {};
}

Answer<> add_place(TextWriter& out, const PlaceReference& place, Caller& caller) {
  const PlaceReference root = caller.file_context().root();
  const auto path = TRY(place->path(*root, true));
  return out.add_text({path.data(), path.size()});
}

// The memory that the process had when it was opened: when it has ended, or runs another program, there is nothing.
class MemoryFile final : public PositionedFile {
 public:
  MemoryFile(int flags, PlaceReference place, int pid, processor::Reference<processor::AddressSpace> space)
      : PositionedFile(flags, std::move(place)), pid_(pid), space_(std::move(space)) {}
  Answer<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> to, Caller& caller) override {
    if (to.empty() || !is_in_use(caller)) return std::size_t{0};
    const std::size_t done = force_read(space_, offset, to, caller.sleeper());
    return done == 0 ? error(EIO) : Answer<std::size_t>(done);
  }
  Answer<std::size_t> write_at(std::uint64_t offset, std::span<const std::byte> from, Caller& caller) override {
    if (from.empty() || !is_in_use(caller)) return std::size_t{0};
    const std::size_t done = force_write(space_, offset, from, caller.sleeper());
    return done == 0 ? error(EIO) : Answer<std::size_t>(done);
  }
  Answer<std::uint64_t> seek(std::int64_t offset, int whence, Caller&) override {
    threads::MutexGuard guard(position_lock_);
    // Addresses with the highest bit set are offsets like others (the vsyscall page).
    if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(position_);
    if (whence != SEEK_CUR && whence != SEEK_SET) return error(EINVAL);
    position_ = static_cast<std::uint64_t>(offset);
    return position_;
  }

 private:
  void close() override { base::Own<MemoryFile>(this).reset(); }
  bool is_in_use(Caller& caller) const {
    const auto process = inspect_any(pid_, caller);
    return space_ && process && process->space.get() == space_.get();
  }
  const int pid_;
  processor::Reference<processor::AddressSpace> space_;
};

}  // namespace

Answer<Inspected> inspect_for_text(int pid, Caller& caller) {
  auto process = inspect(thread_of(caller), pid, InspectFor::Permitted);
  if (!process && process.error() == EPERM) return error(EACCES);
  return process;
}

NodeOwner owner_of_process(int pid, Caller& caller) {
  const base::SpinGuard guard(tasks_lock);
  const Thread* thread = find_live_locked(thread_of(caller).process().vnode().pids, pid);
  if (thread == nullptr || thread->process().dumpable == 0) return {};
  return {thread->user.effective_uid, thread->user.effective_gid};
}

Answer<OpenFileReference> open_process_memory(int flags, PlaceReference place, int pid, Caller& caller) {
  Inspected process = TRY(inspect_for_text(pid, caller));
  auto file = base::make<MemoryFile>(flags, std::move(place), pid, std::move(process.space));
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

Answer<> proc_pid_cmdline(TextWriter& out, int pid, Caller& caller) {
  const Inspected process = TRY(inspect_any(pid, caller));
  return add_user_bytes(out, process, process.arguments_start, process.arguments_end);
}

Answer<> proc_pid_environ(TextWriter& out, int pid, Caller& caller) {
  const Inspected process = TRY(inspect_for_text(pid, caller));
  return add_user_bytes(out, process, process.arguments_end, process.environment_end);
}

Answer<> proc_pid_auxv(TextWriter& out, int pid, Caller& caller) {
  const Inspected process = TRY(inspect_for_text(pid, caller));
  const auto words = std::as_bytes(process.auxiliary.words());
  return out.add_text({reinterpret_cast<const char*>(words.data()), words.size()});
}

Answer<> proc_pid_io(TextWriter& out, int pid, Caller& caller) {
  TRY(inspect_for_text(pid, caller));
  const base::SpinGuard guard(tasks_lock);
  const Thread* thread = find_live_locked(thread_of(caller).process().vnode().pids, pid);
  if (thread == nullptr) return error(ESRCH);
  const IoCounts& io = thread->process().io;
  const auto of = [](const std::atomic<std::uint64_t>& count) { return count.load(std::memory_order_relaxed); };
  // Disks are elsewhere: what reaches them is not told by process.
  return out.add(
      "rchar: {}\nwchar: {}\nsyscr: {}\nsyscw: {}\nread_bytes: 0\nwrite_bytes: 0\n"
      "cancelled_write_bytes: 0\n",
      of(io.bytes_read), of(io.bytes_written), of(io.reads), of(io.writes));
}

Answer<> proc_pid_personality(TextWriter& out, int pid, Caller& caller) {
  TRY(inspect_for_text(pid, caller));
  const base::SpinGuard guard(tasks_lock);
  const Thread* thread = find_live_locked(thread_of(caller).process().vnode().pids, pid);
  if (thread == nullptr) return error(ESRCH);
  TRY(add_padded_hex(out, thread->process().persona.bits(), 8));
  return out.add("\n");
}

// Remembered: nobody is chosen by a score.
Answer<> proc_pid_oom_adjustment(TextWriter& out, int pid, Caller& caller) {
  const base::SpinGuard guard(tasks_lock);
  const Thread* thread = find_live_locked(thread_of(caller).process().vnode().pids, pid);
  return out.add("{}\n",
                 thread == nullptr ? 0 : thread->process().oom_score_adjustment.load(std::memory_order_relaxed));
}

Answer<> store_oom_adjustment(std::string_view written, int pid, Caller& caller) {
  constexpr std::uint64_t most = 1000;
  const bool negative = written.starts_with("-");
  const std::uint64_t size = TRY(decimal_in(negative ? written.substr(1) : written));
  if (size > most) return error(EINVAL);
  const int value = negative ? -static_cast<int>(size) : static_cast<int>(size);
  const base::SpinGuard guard(tasks_lock);
  Thread* thread = find_live_locked(thread_of(caller).process().vnode().pids, pid);
  if (thread == nullptr) return error(ESRCH);
  std::atomic<int>& kept = thread->process().oom_score_adjustment;
  // To be spared more than before is for who may do so.
  if (value < kept.load(std::memory_order_relaxed) && !caller.credentials().may(Capability::Resources))
    return error(EACCES);
  kept.store(value, std::memory_order_relaxed);
  return {};
}

Answer<> proc_pid_limits(TextWriter& out, int pid, Caller& caller) {
  const Limits limits = TRY(inspect_any(pid, caller)).limits;
  struct Row {
    std::string_view name, unit;
    Resource resource;
  };
  constexpr Row rows[] = {{"Max cpu time              ", "seconds", Resource::Cpu},
                          {"Max file size             ", "bytes", Resource::FileSize},
                          {"Max data size             ", "bytes", Resource::Data},
                          {"Max stack size            ", "bytes", Resource::Stack},
                          {"Max core file size        ", "bytes", Resource::Core},
                          {"Max resident set          ", "bytes", Resource::ResidentSet},
                          {"Max processes             ", "processes", Resource::Processes},
                          {"Max open files            ", "files", Resource::Files},
                          {"Max locked memory         ", "bytes", Resource::LockedMemory},
                          {"Max address space         ", "bytes", Resource::AddressSpace},
                          {"Max file locks            ", "locks", Resource::Locks},
                          {"Max pending signals       ", "signals", Resource::PendingSignals},
                          {"Max msgqueue size         ", "bytes", Resource::MessageQueue},
                          {"Max nice priority         ", "", Resource::Nice},
                          {"Max realtime priority     ", "", Resource::RealtimePriority},
                          {"Max realtime timeout      ", "us", Resource::RealtimeTime}};
  TRY(out.add_text("Limit                     Soft Limit           Hard Limit           Units     \n"));
  const auto add_value = [&](std::uint64_t value) -> Answer<> {
    const std::size_t start = out.bytes().size();
    TRY(value == unlimited ? out.add_text("unlimited") : out.add("{}", value));
    while (out.bytes().size() - start < 21) TRY(out.add_text(" "));
    return {};
  };
  for (const Row& row : rows) {
    TRY(out.add_text(row.name));
    TRY(add_value(limits.of(row.resource).soft));
    TRY(add_value(limits.of(row.resource).hard));
    TRY(out.add("{}\n", row.unit));
  }
  return {};
}

Answer<> proc_pid_exe(TextWriter& out, int pid, Caller& caller) {
  return add_place(out, TRY(lead_to_exe(pid, 0, caller)), caller);
}
Answer<> proc_pid_cwd(TextWriter& out, int pid, Caller& caller) {
  return add_place(out, TRY(lead_to_cwd(pid, 0, caller)), caller);
}
Answer<> proc_pid_root(TextWriter& out, int pid, Caller& caller) {
  return add_place(out, TRY(lead_to_root(pid, 0, caller)), caller);
}

Answer<PlaceReference> lead_to_exe(int pid, int, Caller& caller) {
  const Inspected process = TRY(inspect_for_text(pid, caller));
  if (!process.program || process.program->place() == nullptr) return error(ENOENT);
  return PlaceReference(*process.program->place());
}
Answer<PlaceReference> lead_to_cwd(int pid, int, Caller& caller) {
  const Inspected process = TRY(inspect_for_text(pid, caller));
  if (!process.files) return error(ENOENT);
  return process.files->working_directory();
}
Answer<PlaceReference> lead_to_root(int pid, int, Caller& caller) {
  const Inspected process = TRY(inspect_for_text(pid, caller));
  if (!process.files) return error(ENOENT);
  return process.files->root();
}

}  // namespace linux_abi
