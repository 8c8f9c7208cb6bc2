// SPDX-License-Identifier: Apache-2.0
// The files of a vNode: see file_tree.h.
#include "linux-abi/files/tree.h"

#include "kernel/base/memory.h"
#include "linux-abi/files/synthetic.h"
#include "linux-abi/process/vnode.h"

namespace linux_abi {

class FileTree : public processor::Counted {
 public:
  FileTree(processor::Reference<processor::Family> family, const FileHome& home)
      : home_system(std::move(family), home) {}
  void last_reference_gone() { base::Own<FileTree>(this).reset(); }

  HomeFileSystem home_system;
  NameCache names;
  PlaceReference root, proc, dev;
};

PlaceReference root_of(FileTree& tree) { return tree.root; }
NameCache& name_cache_of(FileTree& tree) { return tree.names; }
HomeFileSystem& home_system_of(FileTree& tree) { return tree.home_system; }

PlaceReference mounted_at(FileTree& tree, const PlaceReference& directory, std::string_view name) {
  if (directory != tree.root) return {};
  if (name == "proc") return tree.proc;
  if (name == "dev") return tree.dev;
  return {};
}

Answer<processor::Reference<FileTree>> mount_files(processor::Family& family, VNode& vnode,
                                                   const rpc::NodeAddress& storage, processor::Sleeper& sleeper) {
  auto made =
      base::make<FileTree>(processor::Reference<processor::Family>(family), FileHome{vnode.id(), family.home().memory});
  if (!made) return error(ENOMEM);
  processor::Reference<FileTree> tree(*made.release());
  NodeReference root = TRY(tree->home_system.mount(storage, sleeper)), proc = TRY(make_proc()), dev = TRY(make_dev());
  tree->root = TRY(Place::create(std::move(root), {}, "/"));
  tree->proc = TRY(Place::create(std::move(proc), tree->root, "proc"));
  tree->dev = TRY(Place::create(std::move(dev), tree->root, "dev"));
  return tree;
}

Answer<> unmount_files(FileTree& tree, processor::Sleeper& sleeper) {
  const Answer<> flushed = tree.home_system.flush_all(sleeper);
  tree.names.clear();
  tree.proc.reset();
  tree.dev.reset();
  tree.root.reset();
  TRY(tree.home_system.unmount(sleeper));
  return flushed;
}

}  // namespace linux_abi

namespace processor {
void ReferenceCount<linux_abi::FileTree>::take(linux_abi::FileTree& tree) {
  CountedReferences<linux_abi::FileTree>::take(tree);
}
void ReferenceCount<linux_abi::FileTree>::drop(linux_abi::FileTree& tree) {
  CountedReferences<linux_abi::FileTree>::drop(tree);
}
}  // namespace processor
