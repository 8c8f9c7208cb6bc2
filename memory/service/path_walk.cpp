// SPDX-License-Identifier: Apache-2.0
// Finds a file by its path: see path_walk.h.
#include "memory/service/path_walk.h"

#include <algorithm>

namespace memory {

using base::Error;
using base::Task;

Task<messages::FileAttributes> PathWalk::look_up(FileVolume& volume, std::uint64_t directory, std::string_view name) {
  if (name.size() > messages::max_name_bytes) co_return base::fail(Error::NameTooLong);
  messages::FileLookupRequest request;
  request.directory = directory;
  request.name_bytes = static_cast<std::uint32_t>(name.size());
  CO_TRY(const auto reply,
         co_await rpc::call(context_.loop, volume.storage(), request,
                            {.copied_tail = std::as_bytes(std::span(name)), .vnode = volume.vnode()}));
  co_return reply.body.attributes;
}

Task<base::Array<char>> PathWalk::read_link(FileVolume& volume, std::uint64_t file) {
  messages::FileReadLinkRequest request;
  request.file = file;
  CO_TRY(const auto reply, co_await rpc::call(context_.loop, volume.storage(), request, {.vnode = volume.vnode()}));
  base::Array<char> target;
  const auto tail = reply.tail();
  CO_TRY_VOID(target.append({reinterpret_cast<const char*>(tail.data()), tail.size()}));
  co_return target;
}

Task<FileObject*> PathWalk::find(base::VNodeId vnode, std::string_view path) {
  FileVolume* volume = context_.volumes.find(vnode);
  if (volume == nullptr) co_return base::fail(Error::NotFound);
  const FileVolume::Use use(*volume);
  // What is still to be walked; a symbolic link puts its target before the rest.
  base::Array<char> rest;
  CO_TRY_VOID(rest.append(std::span(path)));
  std::uint64_t directory = volume->root().value();
  messages::FileAttributes found{};
  unsigned links = 0;
  while (true) {
    const std::string_view text(rest.data(), rest.size());
    const std::size_t start = text.find_first_not_of('/');
    if (start == std::string_view::npos) break;
    const std::size_t end = std::min(text.find('/', start), text.size());
    CO_TRY(found, co_await look_up(*volume, directory, text.substr(start, end - start)));
    base::Array<char> after;
    if (messages::file_type(found.mode) == messages::FileType::SymbolicLink) {
      if (++links > max_links) co_return base::fail(Error::TooManySymlinks);
      CO_TRY(after, co_await read_link(*volume, found.file));
      if (after.empty()) co_return base::fail(Error::NotFound);
      if (after[0] == '/') directory = volume->root().value();
    } else {
      directory = found.file;
    }
    CO_TRY_VOID(after.append(std::span(text.substr(end))));
    rest = std::move(after);
  }
  if (messages::file_type(found.mode) != messages::FileType::Regular) co_return base::fail(Error::AccessDenied);
  if (volume->ended) co_return base::fail(Error::Stale);
  CO_TRY(FileObject * file,
         context_.files.get(vnode, {volume, base::FileId(found.file)}, found.size, found.modify_time_ns));
  co_return file;
}

}  // namespace memory
