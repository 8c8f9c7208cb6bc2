// SPDX-License-Identifier: Apache-2.0
// Finds a file by its absolute path from the root of a vNode, following symbolic links as Linux does: for the
// interpreter that an ELF program names. All other paths are walked by the pComponent.
#pragma once

#include <string_view>

#include "memory/service/context.h"
#include "net/messages/file.h"

namespace memory {

class PathWalk {
 public:
  explicit PathWalk(Context& context) : context_(context) {}
  // NotFound, NotDirectory, TooManySymlinks... `path` stays during the walk.
  base::Task<FileObject*> find(base::VNodeId vnode, std::string_view path);

 private:
  static constexpr unsigned max_links = 40;  // as Linux
  base::Task<messages::FileAttributes> look_up(FileVolume& volume, std::uint64_t directory, std::string_view name);
  base::Task<base::Array<char>> read_link(FileVolume& volume, std::uint64_t file);

  Context& context_;
};

}  // namespace memory
