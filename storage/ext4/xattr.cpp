// SPDX-License-Identifier: Apache-2.0
// Extended attributes, by libext2fs: see file_system.h. ACLs are not offered (as on a mount with noacl): the library's
// conversion of them does not stand up to damaged ones.
#include <algorithm>
#include <array>
#include <cstring>

#include "storage/ext4/attributes.h"
#include "storage/ext4/errors.h"
#include "storage/ext4/file_system.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;
using storage::XattrMode;

namespace {

constexpr std::array<std::string_view, 3> prefixes = {"user.", "trusted.", "security."};

bool is_offered(std::string_view name) {
  return std::ranges::any_of(
      prefixes, [&](std::string_view prefix) { return name.starts_with(prefix) && name.size() > prefix.size(); });
}

class Name {
 public:
  static Result<Name> make(std::string_view name) {
    if (name.size() > storage::max_name_bytes) return fail(Error::OutOfRange);
    if (name.empty() || name.contains('\0')) return fail(Error::InvalidArgument);
    if (!is_offered(name)) return fail(Error::NotSupported);
    Name result;
    std::memcpy(result.text_.data(), name.data(), name.size());
    return result;
  }
  const char* text() const { return text_.data(); }

 private:
  std::array<char, storage::max_name_bytes + 1> text_{};
};

// The library's view of an inode's attributes.
class Handle {
 public:
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (handle_ != nullptr) ext2fs_xattrs_close(&handle_);
  }
  Result<> open(Volume& volume, const Inode& inode) {
    if (!ext2fs_has_feature_xattr(volume.library()->super)) return fail(Error::NotSupported);
    TRY(check(ext2fs_xattrs_open(volume.library(), inode.number(), &handle_)));
    unsigned raw = XATTR_HANDLE_FLAG_RAW;
    TRY(check(ext2fs_xattrs_flags(handle_, &raw, nullptr)));
    return check(ext2fs_xattrs_read(handle_));
  }
  ext2_xattr_handle* get() const { return handle_; }

 private:
  ext2_xattr_handle* handle_ = nullptr;
};

struct Wanted {
  const char* name = nullptr;
  std::span<std::byte> into{};
  std::size_t bytes = 0;
  bool found = false;
};

int look_for(char* name, char* value, std::size_t bytes, void* context) {
  Wanted& wanted = *static_cast<Wanted*>(context);
  if (std::string_view(name) != wanted.name) return 0;
  wanted.found = true;
  wanted.bytes = bytes;
  if (bytes > 0 && bytes <= wanted.into.size()) std::memcpy(wanted.into.data(), value, bytes);
  return XATTR_ABORT;
}

struct List {
  std::span<char> into{};
  std::size_t bytes = 0;
};

int add_name(char* name, char*, std::size_t, void* context) {
  List& list = *static_cast<List*>(context);
  const std::string_view text(name);
  if (!is_offered(text)) return 0;
  if (list.bytes + text.size() + 1 <= list.into.size())
    std::memcpy(list.into.data() + list.bytes, text.data(), text.size() + 1);
  list.bytes += text.size() + 1;
  return 0;
}

bool has(const Handle& handle, const Name& name) {
  Wanted wanted{.name = name.text()};
  ext2fs_xattrs_iterate(handle.get(), look_for, &wanted);
  return wanted.found;
}

}  // namespace

Result<std::size_t> FileSystem::get_xattr(base::FileId file, std::string_view name, std::span<std::byte> into) {
  const Name key = TRY(Name::make(name));
  const InodeRef inode = TRY(volume_->inodes().find(file));
  Handle handle;
  TRY(handle.open(*volume_, *inode));
  Wanted wanted{.name = key.text(), .into = into};
  ext2fs_xattrs_iterate(handle.get(), look_for, &wanted);
  if (!wanted.found) return fail(Error::NotFound);
  if (!into.empty() && wanted.bytes > into.size()) return fail(Error::OutOfRange);
  return wanted.bytes;
}

Result<std::size_t> FileSystem::list_xattrs(base::FileId file, std::span<char> into) {
  const InodeRef inode = TRY(volume_->inodes().find(file));
  Handle handle;
  TRY(handle.open(*volume_, *inode));
  List list{.into = into};
  ext2fs_xattrs_iterate(handle.get(), add_name, &list);
  if (!into.empty() && list.bytes > into.size()) return fail(Error::OutOfRange);
  return list.bytes;
}

Result<> FileSystem::set_xattr(base::FileId file, std::string_view name, std::span<const std::byte> value,
                               XattrMode mode, const storage::Request& request) {
  TRY(writable());
  const Name key = TRY(Name::make(name));
  if (value.size() > storage::max_xattr_value_bytes) return fail(Error::TooBig);
  Transaction transaction(*volume_, request);
  const InodeRef inode = TRY(volume_->inodes().find(file));
  volume_->inodes().change(*inode);
  set_change_time(*volume_, *inode, request.now);
  TRY(volume_->inodes().write(*inode));  // the library reads it from there
  Handle handle;
  TRY(handle.open(*volume_, *inode));
  const bool exists = has(handle, key);
  if (mode == XattrMode::Create && exists) return fail(Error::Exists);
  if (mode == XattrMode::Replace && !exists) return fail(Error::NotFound);
  TRY(check(ext2fs_xattr_set(handle.get(), key.text(), value.data(), value.size())));
  TRY(volume_->inodes().reload(*inode));
  return transaction.commit();
}

Result<> FileSystem::remove_xattr(base::FileId file, std::string_view name, const storage::Request& request) {
  TRY(writable());
  const Name key = TRY(Name::make(name));
  Transaction transaction(*volume_, request);
  const InodeRef inode = TRY(volume_->inodes().find(file));
  volume_->inodes().change(*inode);
  set_change_time(*volume_, *inode, request.now);
  TRY(volume_->inodes().write(*inode));
  Handle handle;
  TRY(handle.open(*volume_, *inode));
  if (!has(handle, key)) return fail(Error::NotFound);
  TRY(check(ext2fs_xattr_remove(handle.get(), key.text())));
  TRY(volume_->inodes().reload(*inode));
  return transaction.commit();
}

}  // namespace ext4
