// SPDX-License-Identifier: Apache-2.0
// Extended attributes (xattr(7)): see calls_paths.h. There are user.*, trusted.* and security.*; system.* are ACLs,
// which no file system here has.
#include <linux/limits.h>
#include <linux/xattr.h>

#include <algorithm>

#include "arch/x86_64/user_copy.h"
#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/file_watches.h"
#include "net/messages/xattr.h"

namespace linux_abi::calls {

namespace {

using messages::XattrChange;
constexpr std::uint32_t may_read = 4, may_write = 2;

// An attribute's name: ERANGE when it is empty or too long.
class Name {
 public:
  static Answer<Name> read(std::uint64_t address) {
    Name name;
    const auto length = arch::copy_string_from_user(name.bytes_, base::UserVa(address));
    if (!length) return error(length.error() == base::Error::NameTooLong ? ERANGE : EFAULT);
    if (*length == 0) return error(ERANGE);
    name.length_ = *length;
    return name;
  }
  std::string_view text() const { return {bytes_.data(), length_}; }
  bool is_in(std::string_view prefix) const { return text().starts_with(prefix); }

 private:
  std::array<char, XATTR_NAME_MAX + 1> bytes_{};
  std::size_t length_ = 0;
};

// Whose attributes they are.
struct Target {
  OpenFileReference file;  // of the f-forms
  PlaceReference place;
};

Answer<Target> target_of_path(Call& call, LastLink last) {
  return Target{.file = {}, .place = TRY(find_place(call, at_current_directory, call.a(), last))};
}
Answer<Target> target_of_file(Call& call) {
  Target target{.file = TRY(real_file(call, call.a())), .place = {}};
  if (target.file->place() == nullptr) return error(EOPNOTSUPP);
  target.place = PlaceReference(*target.file->place());
  return target;
}

// Whether this caller may use an attribute of that name; before that, whether there can be one.
Answer<> check_permission(Call& call, Node& node, const Name& name, std::uint32_t wanted) {
  const bool writes = wanted == may_write;
  const Credentials& user = call.thread.user;
  if (name.is_in(XATTR_TRUSTED_PREFIX)) {
    if (!user.is_root()) return error(writes ? EPERM : ENODATA);
  } else if (name.is_in(XATTR_SECURITY_PREFIX)) {
    if (writes && !user.is_root()) return error(EPERM);
  } else if (name.is_in(XATTR_USER_PREFIX)) {
    if (node.type() != file_mode::regular && !node.is_directory()) return error(writes ? EPERM : ENODATA);
    const FileStatus status = TRY(node.status(call.thread));
    const bool sticky_directory = node.is_directory() && (status.mode & file_mode::sticky) != 0;
    if (writes && sticky_directory && user.file_uid != 0 && user.file_uid != status.uid) return error(EPERM);
    TRY(check_access(call.thread, node, wanted));
  } else {
    return error(EOPNOTSUPP);
  }
  return name.text().ends_with('.') && std::ranges::count(name.text(), '.') == 1 ? error(EINVAL) : Answer<>();
}

Answer<std::uint64_t> change(Call& call, const Target& target, const Name& name, std::span<const std::byte> value,
                             XattrChange how) {
  TRY(check_writable(*target.place));
  Node& node = target.place->node();
  TRY(check_permission(call, node, name, may_write));
  TRY(node.set_xattr(name.text(), value, how, call.thread));
  tell_place(*target.place, file_event::attributes);
  return std::uint64_t{0};
}

// What a set is told besides the file.
struct Setting {
  Name name;
  base::Array<std::byte> value;
  XattrChange how = XattrChange::Set;
};

Answer<Setting> read_setting(Call& call) {
  const int flags = Call::as_int(call.e());
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0) return error(EINVAL);
  Setting setting{.name = TRY(Name::read(call.b())), .value = {}, .how = XattrChange::Set};
  if (call.d() > XATTR_SIZE_MAX) return error(E2BIG);
  TRY(setting.value.resize(call.d()));
  if (call.d() > 0) TRY(call.thread.copy_in(setting.value.span(), call.c()));
  if ((flags & XATTR_CREATE) != 0) setting.how = XattrChange::Create;
  // With both there is no way to succeed: what Create lets pass is not there to be replaced.
  if ((flags & XATTR_REPLACE) != 0 && setting.how == XattrChange::Set) setting.how = XattrChange::Replace;
  return setting;
}

Answer<std::uint64_t> set(Call& call, const Setting& setting, const Target& target) {
  if (setting.value.size() > messages::max_xattr_list_bytes) return error(ENOSPC);
  return change(call, target, setting.name, setting.value.span(), setting.how);
}

Answer<std::uint64_t> get(Call& call, const Name& name, const Target& target) {
  Node& node = target.place->node();
  TRY(check_permission(call, node, name, may_read));
  const base::Array<std::byte> all = TRY(node.xattrs(call.thread));
  std::span<const std::byte> rest = all.span();
  while (const auto each = messages::take_xattr(rest)) {
    if (each->name != name.text()) continue;
    if (call.d() == 0) return each->value.size();
    if (call.d() < each->value.size()) return error(ERANGE);
    TRY(call.thread.copy_out(call.c(), each->value));
    return each->value.size();
  }
  return error(ENODATA);
}

// trusted.* is shown to root alone.
Answer<std::uint64_t> list(Call& call, const Target& target) {
  const auto all = target.place->node().xattrs(call.thread);
  if (!all && all.error() == EOPNOTSUPP) return std::uint64_t{0};
  if (!all) return std::unexpected(all.error());
  base::Array<char> names;
  std::span<const std::byte> rest = all->span();
  while (const auto each = messages::take_xattr(rest)) {
    if (each->name.starts_with(XATTR_TRUSTED_PREFIX) && !call.thread.user.is_root()) continue;
    TRY(names.append(std::span(each->name)));
    TRY(names.push_back('\0'));
  }
  if (call.c() == 0) return names.size();
  if (call.c() < names.size()) return error(ERANGE);
  TRY(call.thread.copy_out(call.b(), std::as_bytes(names.span())));
  return names.size();
}

Answer<std::uint64_t> set_of_path(Call& call, LastLink last) {
  const Setting setting = TRY(read_setting(call));
  const Target target = TRY(target_of_path(call, last));
  return set(call, setting, target);
}
Answer<std::uint64_t> get_of_path(Call& call, LastLink last) {
  const Name name = TRY(Name::read(call.b()));
  const Target target = TRY(target_of_path(call, last));
  return get(call, name, target);
}
Answer<std::uint64_t> remove_of_path(Call& call, LastLink last) {
  const Name name = TRY(Name::read(call.b()));
  const Target target = TRY(target_of_path(call, last));
  return change(call, target, name, {}, XattrChange::Remove);
}
Answer<std::uint64_t> list_of_path(Call& call, LastLink last) {
  const Target target = TRY(target_of_path(call, last));
  return list(call, target);
}

}  // namespace

Answer<std::uint64_t> setxattr(Call& call) { return set_of_path(call, LastLink::Follow); }
Answer<std::uint64_t> lsetxattr(Call& call) { return set_of_path(call, LastLink::Keep); }
Answer<std::uint64_t> fsetxattr(Call& call) {
  const Setting setting = TRY(read_setting(call));
  const Target target = TRY(target_of_file(call));
  return set(call, setting, target);
}
Answer<std::uint64_t> getxattr(Call& call) { return get_of_path(call, LastLink::Follow); }
Answer<std::uint64_t> lgetxattr(Call& call) { return get_of_path(call, LastLink::Keep); }
Answer<std::uint64_t> fgetxattr(Call& call) {
  const Name name = TRY(Name::read(call.b()));
  const Target target = TRY(target_of_file(call));
  return get(call, name, target);
}
Answer<std::uint64_t> listxattr(Call& call) { return list_of_path(call, LastLink::Follow); }
Answer<std::uint64_t> llistxattr(Call& call) { return list_of_path(call, LastLink::Keep); }
Answer<std::uint64_t> flistxattr(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  if (file->place() == nullptr) return std::uint64_t{0};
  return list(call, Target{.file = file, .place = PlaceReference(*file->place())});
}
Answer<std::uint64_t> removexattr(Call& call) { return remove_of_path(call, LastLink::Follow); }
Answer<std::uint64_t> lremovexattr(Call& call) { return remove_of_path(call, LastLink::Keep); }
Answer<std::uint64_t> fremovexattr(Call& call) {
  const Name name = TRY(Name::read(call.b()));
  const Target target = TRY(target_of_file(call));
  return change(call, target, name, {}, XattrChange::Remove);
}

}  // namespace linux_abi::calls
