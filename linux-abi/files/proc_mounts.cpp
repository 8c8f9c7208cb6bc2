// SPDX-License-Identifier: Apache-2.0
// /proc/PID/mounts and mountinfo: what is mounted where, as the caller's root shows it.
#include <asm/poll.h>

#include "kernel/base/memory.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/files/text_file.h"
#include "linux-abi/files/tree.h"

namespace linux_abi {
namespace {

// Blanks are written as octal numbers, for words are what readers look for.
Answer<> add_word(TextWriter& out, std::string_view word) {
  for (const char each : word) {
    if (each == ' ' || each == '\t' || each == '\n' || each == '\\')
      TRY(out.add("\\0{}{}", (each >> 3) & 7, each & 7));
    else
      TRY(out.add_text({&each, 1}));
  }
  return {};
}

Answer<> add_flags(TextWriter& out, const Mount& mount, bool read_only) {
  struct Named {
    std::uint32_t flag;
    std::string_view text;
  };
  constexpr std::array<Named, 7> names{{{mount_flag::no_set_id, ",nosuid"},
                                        {mount_flag::no_devices, ",nodev"},
                                        {mount_flag::no_execution, ",noexec"},
                                        {mount_flag::no_access_times, ",noatime"},
                                        {mount_flag::no_directory_access_times, ",nodiratime"},
                                        {mount_flag::relative_access_times, ",relatime"},
                                        {mount_flag::no_links, ",nosymfollow"}}};
  TRY(out.add_text(read_only ? "ro" : "rw"));
  for (const Named& each : names)
    if (mount.has(each.flag)) TRY(out.add_text(each.text));
  return {};
}

Answer<> add_options(TextWriter& out, const MountedSystem& system) {
  if (system.options.empty()) return {};
  TRY(out.add_text(","));
  return add_word(out, {system.options.data(), system.options.size()});
}

// Those that the caller's root shows, each with its path.
template <typename Write>
Answer<> for_each_visible(Caller& caller, Write write) {
  const PlaceReference root = caller.file_context().root();
  MountTable& mounts = mounts_of(caller.file_context().tree());
  threads::MutexGuard guard(mounts.mutex);
  return mounts.for_each([&](const MountPoint& point) -> Answer<> {
    if (!point.root->is_below(*root)) return {};
    const base::Array<char> path = TRY(point.root->path(*root, true));
    return write(point, std::string_view(path.data(), path.size()));
  });
}

std::string_view source_of(const MountedSystem& system) { return {system.source.data(), system.source.size()}; }

Answer<> write_mounts(TextWriter& out, int, Caller& caller) {
  return for_each_visible(caller, [&](const MountPoint& point, std::string_view path) -> Answer<> {
    const MountedSystem& system = point.mount->system();
    TRY(add_word(out, source_of(system)));
    TRY(out.add_text(" "));
    TRY(add_word(out, path));
    TRY(out.add(" {} ", system.type));
    TRY(add_flags(out, *point.mount, point.mount->is_read_only()));
    TRY(add_options(out, system));
    return out.add_text(" 0 0\n");
  });
}

Answer<> write_mount_information(TextWriter& out, int, Caller& caller) {
  return for_each_visible(caller, [&](const MountPoint& point, std::string_view path) -> Answer<> {
    const MountedSystem& system = point.mount->system();
    const std::uint64_t major = system.device >> 8 & 0xfff,
                        minor = (system.device & 0xff) | (system.device >> 12 & ~0xffULL);
    const std::uint32_t parent = point.directory && point.directory->mount() ? point.directory->mount()->id() : 0;
    TRY(out.add("{} {} {}:{} ", point.mount->id(), parent, major, minor));
    TRY(add_word(out, {point.inside.data(), point.inside.size()}));
    TRY(out.add_text(" "));
    TRY(add_word(out, path));
    TRY(out.add_text(" "));
    TRY(add_flags(out, *point.mount, point.mount->has(mount_flag::read_only)));
    TRY(out.add(" - {} ", system.type));
    TRY(add_word(out, source_of(system)));
    TRY(out.add_text(system.read_only ? " ro" : " rw"));
    TRY(add_options(out, system));
    return out.add_text("\n");
  });
}

// Who polls it is told once of each change since he last asked (POLLERR and POLLPRI, as Linux does), also if he has
// read it.
class MountsFile final : public TextFile {
 public:
  MountsFile(int flags, PlaceReference place, base::Array<char> text, WriteText writer, FileTree& tree)
      : TextFile(flags, std::move(place), std::move(text), writer, nullptr, 0),
        tree_(tree),
        seen_(mounts_of(tree).changes()) {}
  std::uint32_t poll_events() override {
    const std::uint32_t now = mounts_of(*tree_).changes();
    const bool changed = seen_.exchange(now, std::memory_order_relaxed) != now;
    if (changed) grow_old();
    return POLLIN | POLLRDNORM | (changed ? POLLERR | POLLPRI : 0);
  }
  PollSource* poll_source() override { return &mounts_of(*tree_).source(); }

 private:
  void close() override { base::Own<MountsFile>(this).reset(); }
  const processor::Reference<FileTree> tree_;
  std::atomic<std::uint32_t> seen_;  // relaxed: of two who ask at once one is told
};

Answer<OpenFileReference> open_text(WriteText write, int flags, PlaceReference place, Caller& caller) {
  TextWriter out;
  TRY(write(out, 0, caller));
  auto file =
      base::make<MountsFile>(flags, std::move(place), std::move(out.bytes()), write, caller.file_context().tree());
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

}  // namespace

Answer<OpenFileReference> open_mounts(int flags, PlaceReference place, int, Caller& caller) {
  return open_text(write_mounts, flags, std::move(place), caller);
}
Answer<OpenFileReference> open_mount_information(int flags, PlaceReference place, int, Caller& caller) {
  return open_text(write_mount_information, flags, std::move(place), caller);
}

}  // namespace linux_abi
