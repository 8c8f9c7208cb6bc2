// SPDX-License-Identifier: Apache-2.0
// /proc/PID/fd and fdinfo, and /proc/locks: see proc_texts.h.
#include <linux/fs.h>

#include "linux-abi/files/descriptor_node.h"
#include "linux-abi/files/file_locks.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/hexadecimal.h"
#include "linux-abi/files/inotify_file.h"
#include "linux-abi/files/mount.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/process/inspection.h"

namespace linux_abi {

Answer<OpenFileReference> descriptor_of(int pid, int descriptor, Caller& caller) {
  const Inspected process = TRY(inspect_for_text(pid, caller));
  if (!process.descriptors) return error(ENOENT);
  auto file = process.descriptors->get(descriptor);
  if (!file) return error(ENOENT);
  return file;
}

int next_descriptor_of(int pid, int first, Caller& caller) {
  const auto process = inspect_for_text(pid, caller);
  return process && process->descriptors ? process->descriptors->next(first) : -1;
}

Answer<> proc_descriptor_target(TextWriter& out, int pid, int descriptor, Caller& caller) {
  const OpenFileReference file = TRY(descriptor_of(pid, descriptor, caller));
  std::array<char, 512> text;
  return out.add_text({text.data(), file->describe(text, caller)});
}

Answer<PlaceReference> lead_to_descriptor(int pid, int descriptor, Caller& caller) {
  const OpenFileReference file = TRY(descriptor_of(pid, descriptor, caller));
  if (file->place() == nullptr) return place_of_descriptor(file, caller);
  return PlaceReference(*file->place());
}

namespace {

// Of files there is no handle to tell.
Answer<> add_watches(TextWriter& out, InotifyFile& file, Caller& caller) {
  const base::Array<ShownWatch> watches = TRY(watches_of(file));
  for (const ShownWatch& watch : watches) {
    const auto status = watch.node->status(caller);
    const std::uint64_t device = status ? status->device : 0;
    const std::uint64_t major = device >> 8 & 0xfff, minor = (device & 0xff) | (device >> 12 & 0xfff00);
    TRY(out.add_text("inotify wd:"));
    TRY(add_hex(out, static_cast<std::uint64_t>(watch.number)));
    TRY(out.add_text(" ino:"));
    TRY(add_hex(out, status ? status->inode : 0));
    TRY(out.add_text(" sdev:"));
    TRY(add_hex(out, major << 20 | minor));
    TRY(out.add_text(" mask:"));
    TRY(add_hex(out, watch.mask));
    TRY(out.add_text(" ignored_mask:0 \n"));
  }
  return {};
}

}  // namespace

Answer<> proc_descriptor_text(TextWriter& out, int pid, int descriptor, Caller& caller) {
  constexpr int close_on_exec = 02000000, large_file = 0100000;  // the latter of all that open(2) opened
  const Inspected process = TRY(inspect_for_text(pid, caller));
  if (!process.descriptors) return error(ENOENT);
  const OpenFileReference file = TRY(descriptor_of(pid, descriptor, caller));
  const auto closes = process.descriptors->close_on_exec(descriptor);
  const auto flags = static_cast<unsigned>(file->flags() | (file->was_opened() ? large_file : 0) |
                                           (closes && *closes == CloseOnExec::Yes ? close_on_exec : 0));
  const std::uint64_t position = file->seek(0, SEEK_CUR, caller).value_or(0);
  TRY(out.add("pos:\t{}\nflags:\t0", position));
  bool begun = false;
  for (int shift = 30; shift >= 0; shift -= 3) {
    const unsigned digit = flags >> shift & 7;
    begun = begun || digit != 0 || shift == 0;
    if (begun) TRY(out.add("{}", digit));
  }
  const Mount* mount = file->place() == nullptr ? nullptr : file->place()->mount();
  const auto status = file->status(caller);
  TRY(out.add("\nmnt_id:\t{}\nino:\t{}\n", mount == nullptr ? 0 : mount->id(), status ? status->inode : 0));
  return file->inotify() == nullptr ? Answer<>() : add_watches(out, *file->inotify(), caller);
}

Answer<> proc_locks(TextWriter& out, int, Caller& caller) {
  const base::Array<ShownLock> locks = TRY(all_locks());
  unsigned number = 0;
  for (const ShownLock& lock : locks) {
    const auto status = lock.node->status(caller);
    const std::uint64_t device = status ? status->device : 0;
    TRY(out.add("{}: {} ADVISORY  {} {} ", ++number,
                lock.whole     ? "FLOCK "
                : lock.pid < 0 ? "OFDLCK"
                               : "POSIX ",
                lock.kind == LockKind::Exclusive ? "WRITE" : "READ ", lock.pid));
    const auto hexadecimal = [&](std::uint64_t value) {
      constexpr std::string_view digits = "0123456789abcdef";
      return out.add("{}{}", digits.substr(value >> 4 & 15, 1), digits.substr(value & 15, 1));
    };
    TRY(hexadecimal(device >> 8));
    TRY(out.add_text(":"));
    TRY(hexadecimal(device));
    TRY(out.add(":{} {} ", status ? status->inode : 0, lock.range.start));
    constexpr std::uint64_t last_offset = ~std::uint64_t{0} >> 1;
    TRY(lock.range.end >= last_offset ? out.add_text("EOF\n") : out.add("{}\n", lock.range.end - 1));
  }
  return {};
}

}  // namespace linux_abi
