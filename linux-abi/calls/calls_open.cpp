// SPDX-License-Identifier: Apache-2.0
// Opening files, links' targets, and where a process is in the tree: see calls_paths.h.
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/openat2.h>

#include <algorithm>
#include <cstring>

#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/growing_structure.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/home_node.h"
#include "linux-abi/files/leases.h"
#include "linux-abi/files/open_path.h"
#include "linux-abi/files/tree.h"

namespace linux_abi::calls {

namespace {

constexpr std::size_t max_name_bytes = 255;

// Bits that Linux knows; open() ignores the others.
constexpr int known_flags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |
                            FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |
                            O_PATH | O_TMPFILE;

Answer<std::uint64_t> open_user_path(Call& call, int directory, std::uint64_t path, int flags, std::uint64_t mode,
                                     std::uint32_t resolve = 0) {
  const UserPath given = TRY(UserPath::read(path));
  const auto permissions = static_cast<std::uint32_t>(mode) & file_mode::permissions;
  OpenFileReference file =
      TRY(open_at(call.thread, directory, given.text(), flags & known_flags, permissions, resolve));
  return install(call, std::move(file), (flags & O_CLOEXEC) != 0);
}

Answer<std::uint64_t> read_link_text(Call& call, int directory, std::uint64_t path, std::uint64_t to, int bytes) {
  if (bytes <= 0) return error(EINVAL);
  const Named named = TRY(find_named(call, directory, path, LastLink::Keep, EmptyPath::NamesDescriptor));
  if (!named.place || !named.place->node().is_link()) return error(named.by_empty_path ? ENOENT : EINVAL);
  const base::Array<char> target = TRY(named.place->node().read_link(call.thread));
  const std::size_t length = std::min(target.size(), static_cast<std::size_t>(bytes));
  TRY(call.thread.copy_out(to, std::as_bytes(target.span().first(length))));
  return length;
}

}  // namespace

Answer<std::uint64_t> open(Call& call) {
  return open_user_path(call, at_current_directory, call.a(), Call::as_int(call.b()), call.c());
}
Answer<std::uint64_t> openat(Call& call) {
  return open_user_path(call, Call::as_int(call.a()), call.b(), Call::as_int(call.c()), call.d());
}
namespace {

// What open(2) ignores is an error here.
Answer<> check_open_how(const ::open_how& how) {
  constexpr std::uint64_t resolve_flags = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
                                          RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;
  constexpr std::uint64_t with_path_only = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  constexpr std::uint64_t unnamed = O_TMPFILE & ~O_DIRECTORY;
  if ((how.flags & ~std::uint64_t{static_cast<std::uint32_t>(known_flags)}) != 0) return error(EINVAL);
  if ((how.resolve & ~resolve_flags) != 0) return error(EINVAL);
  if ((how.resolve & RESOLVE_BENEATH) != 0 && (how.resolve & RESOLVE_IN_ROOT) != 0) return error(EINVAL);
  const bool makes = (how.flags & (O_CREAT | unnamed)) != 0;
  if (makes ? (how.mode & ~std::uint64_t{file_mode::permissions}) != 0 : how.mode != 0) return error(EINVAL);
  if ((how.flags & O_PATH) != 0 && (how.flags & ~with_path_only) != 0) return error(EINVAL);
  // Whether a walk would wait is not known before: the caller has to do without, as it must be ready to.
  if ((how.resolve & RESOLVE_CACHED) != 0) return error(EAGAIN);
  return {};
}

}  // namespace

Answer<std::uint64_t> openat2(Call& call) {
  const ::open_how how = TRY(read_growing<::open_how>(call.c(), call.d()));
  TRY(check_open_how(how));
  return open_user_path(call, Call::as_int(call.a()), call.b(), static_cast<int>(how.flags), how.mode,
                        static_cast<std::uint32_t>(how.resolve));
}
Answer<std::uint64_t> creat(Call& call) {
  return open_user_path(call, at_current_directory, call.a(), O_CREAT | O_WRONLY | O_TRUNC, call.b());
}

Answer<std::uint64_t> memfd_create(Call& call) {
  constexpr std::size_t max_label = max_name_bytes - std::string_view("memfd:").size();
  const auto flags = static_cast<std::uint32_t>(call.b());
  if ((flags & ~std::uint32_t{MFD_CLOEXEC | MFD_ALLOW_SEALING}) != 0) return error(EINVAL);
  const UserPath label = TRY(UserPath::read(call.a()));
  if (label.text().size() > max_label) return error(EINVAL);
  const std::uint32_t seals = (flags & MFD_ALLOW_SEALING) != 0 ? 0U : seal::seal;
  FileTree& tree = call.thread.file_context().tree();
  return install(call, TRY(create_unnamed(tree, label.text(), seals, call.thread)), (flags & MFD_CLOEXEC) != 0);
}

Answer<std::uint64_t> readlink(Call& call) {
  return read_link_text(call, at_current_directory, call.a(), call.b(), Call::as_int(call.c()));
}
Answer<std::uint64_t> readlinkat(Call& call) {
  return read_link_text(call, Call::as_int(call.a()), call.b(), call.c(), Call::as_int(call.d()));
}

Answer<std::uint64_t> truncate(Call& call) {
  if (static_cast<std::int64_t>(call.b()) < 0) return error(EINVAL);
  const PlaceReference place = TRY(find_place(call, at_current_directory, call.a(), LastLink::Follow));
  Node& node = place->node();
  if (node.is_directory()) return error(EISDIR);
  if (node.type() != file_mode::regular) return error(EINVAL);
  TRY(check_writable(*place));
  TRY(check_access(call.thread, node, 2));
  if (node.is_executed()) return error(ETXTBSY);
  const std::uint64_t bytes = call.b();
  if (bytes > call.thread.limit(static_cast<int>(Resource::FileSize)) && bytes > TRY(node.status(call.thread)).bytes) {
    call.thread.raise(sig::xfsz);
    return error(EFBIG);
  }
  TRY(break_leases(node, LeaseUse::Writes, false, call.thread));
  TRY(node.truncate(bytes, call.thread));
  tell_place(*place, file_event::modify);
  return std::uint64_t{0};
}

Answer<std::uint64_t> chdir(Call& call) {
  const UserPath path = TRY(UserPath::read(call.a()));
  TRY(change_directory(call.thread, path.text()));
  return std::uint64_t{0};
}

Answer<std::uint64_t> fchdir(Call& call) {
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  if (file->place() == nullptr || !file->node()->is_directory()) return error(ENOTDIR);
  TRY(check_access(call.thread, *file->node(), 1));
  call.thread.file_context().set_working_directory(PlaceReference(*file->place()));
  return std::uint64_t{0};
}

Answer<std::uint64_t> getcwd(Call& call) {
  FileContext& context = call.thread.file_context();
  const PlaceReference place = context.working_directory(), root = context.root();
  base::Array<char> text;
  if (!place->is_below(*root)) TRY(text.append(std::span(std::string_view("(unreachable)"))));
  const base::Array<char> path = TRY(place->path(*root, false));
  TRY(text.append(path.span()));
  TRY(text.push_back('\0'));
  if (text.size() > call.b()) return error(ERANGE);
  TRY(call.thread.copy_out(call.a(), std::as_bytes(text.span())));
  return text.size();
}

Answer<std::uint64_t> chroot(Call& call) {
  PlaceReference place = TRY(find_place(call, at_current_directory, call.a(), LastLink::Follow));
  if (!place->node().is_directory()) return error(ENOTDIR);
  TRY(check_access(call.thread, place->node(), 1));
  if (!call.thread.user.may(Capability::ChangeRoot)) return error(EPERM);
  call.thread.file_context().set_root(std::move(place));
  return std::uint64_t{0};
}

Answer<std::uint64_t> umask(Call& call) {
  return std::uint64_t{call.thread.file_context().set_umask(static_cast<std::uint32_t>(call.a()))};
}

}  // namespace linux_abi::calls
