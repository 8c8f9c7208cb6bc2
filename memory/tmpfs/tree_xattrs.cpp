// SPDX-License-Identifier: Apache-2.0
// Extended attributes in a tree: see tree.h. A file's are one list, as messages have it, which is made anew by each
// change.
#include "memory/tmpfs/tree.h"
#include "memory/tmpfs/tree_files.h"

namespace memory {

using base::Error;
using base::Result;
using messages::XattrChange;

Result<std::span<const std::byte>> MemoryTree::xattrs(std::uint64_t id) {
  const File* file = TRY(find(id));
  return std::span<const std::byte>(file->xattrs.data(), file->xattrs.size());
}

Result<MemoryTree::FileAttributes> MemoryTree::set_xattr(const messages::FileSetXattrRequest& request,
                                                         std::string_view name, std::span<const std::byte> value,
                                                         std::uint64_t now_ns) {
  File* file = TRY(find(request.file));
  const auto change = static_cast<XattrChange>(request.change.get());
  bool exists = false;
  std::size_t kept_bytes = 0;
  std::span<const std::byte> list(file->xattrs.data(), file->xattrs.size());
  while (const auto each = messages::take_xattr(list)) {
    if (each->name == name)
      exists = true;
    else
      kept_bytes += messages::xattr_bytes(each->name.size(), each->value.size());
  }
  if (exists && change == XattrChange::Create) return base::fail(Error::Exists);
  if (!exists && (change == XattrChange::Replace || change == XattrChange::Remove)) return base::fail(Error::NotFound);
  const bool adds = change != XattrChange::Remove;
  const std::size_t bytes = kept_bytes + (adds ? messages::xattr_bytes(name.size(), value.size()) : 0);
  const std::uint64_t in_tree = xattr_bytes_ - file->xattrs.size() + bytes;
  if (bytes > messages::max_xattr_list_bytes || in_tree > max_xattr_bytes) return base::fail(Error::NoSpace);
  base::Array<std::byte> fresh;
  TRY(fresh.resize(bytes));
  std::span<std::byte> to = fresh.span();
  list = {file->xattrs.data(), file->xattrs.size()};
  while (const auto each = messages::take_xattr(list))
    if (each->name != name) to = to.subspan(messages::put_xattr(to, each->name, each->value));
  if (adds) messages::put_xattr(to, name, value);
  std::swap(file->xattrs, fresh);
  xattr_bytes_ = in_tree;
  file->attributes.change_time_ns = now_ns;
  return file->attributes;
}

}  // namespace memory
