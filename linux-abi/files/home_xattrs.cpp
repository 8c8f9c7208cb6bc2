// SPDX-License-Identifier: Apache-2.0
// Extended attributes of a file at its home: see home_node.h. All of them are remembered from the first look on.
#include <cstring>

#include "linux-abi/files/home_node.h"
#include "net/messages/xattr.h"

namespace linux_abi {

bool HomeNode::copy_known_xattrs(base::Array<std::byte>& to, Answer<>& done) {
  while (true) {
    std::size_t bytes = 0;
    {
      const base::SpinGuard guard(lock_);
      if (!xattrs_known_) return false;
      bytes = xattrs_.size();
    }
    // Memory is taken outside the lock; they may change meanwhile.
    if (bytes > 0 && !to.resize(bytes)) {
      done = error(ENOMEM);
      return true;
    }
    const base::SpinGuard guard(lock_);
    if (!xattrs_known_) return false;
    if (xattrs_.size() != bytes) continue;
    if (bytes > 0) std::memcpy(to.data(), xattrs_.data(), bytes);
    return true;
  }
}

Answer<base::Array<std::byte>> HomeNode::xattrs(Caller& caller) {
  base::Array<std::byte> list;
  Answer<> copied;
  if (copy_known_xattrs(list, copied)) {
    TRY(std::move(copied));
    return list;
  }
  // With the mutex, so that what is remembered is not older than the last change.
  TRY(mutex_.lock_killable());
  messages::FileListXattrsRequest request;
  request.file = id_;
  const auto locked = [&]() -> Answer<> {
    const HomeReply reply = TRY(send_home(file_system_.home(), messages::Operation::FileListXattrs,
                                          std::as_bytes(std::span(&request, 1)), {}, WithBulk::Yes, caller.sleeper()));
    const auto body = TRY(reply.as<messages::FileListXattrsReply>());
    if (body.bytes > reply.bulk().size()) return error(EIO);
    const auto bytes = reply.bulk().first(body.bytes);
    base::Array<std::byte> known;
    TRY(known.append(bytes));
    TRY(list.append(bytes));
    const base::SpinGuard guard(lock_);
    std::swap(xattrs_, known);
    xattrs_known_ = true;
    return {};
  };
  Answer<> asked = locked();
  mutex_.unlock();
  TRY(std::move(asked));
  return list;
}

Answer<> HomeNode::set_xattr(std::string_view name, std::span<const std::byte> value, messages::XattrChange change,
                             Caller& caller) {
  messages::FileSetXattrRequest request;
  request.file = id_;
  request.change = static_cast<std::uint32_t>(change);
  request.name_bytes = static_cast<std::uint32_t>(name.size());
  request.value_bytes = static_cast<std::uint32_t>(value.size());
  base::Array<std::byte> tail;
  TRY(tail.append(std::as_bytes(std::span(name))));
  TRY(tail.append(value));
  TRY(mutex_.lock_killable());
  const auto reply = file_system_.ask_for_room(request, caller.sleeper(), tail.span());
  base::Array<std::byte> forgotten;
  {
    // Whatever the answer: if it was lost, the change may have happened.
    const base::SpinGuard guard(lock_);
    xattrs_known_ = false;
    std::swap(xattrs_, forgotten);
  }
  mutex_.unlock();
  if (!reply && reply.error() == ENOENT) return error(ENODATA);
  if (!reply) return std::unexpected(reply.error());
  update(reply->attributes);
  return {};
}

}  // namespace linux_abi
