// SPDX-License-Identifier: Apache-2.0
// The files of a vNode: see file_tree.h.
#include "linux-abi/files/tree.h"

#include <asm/fcntl.h>

#include <array>
#include <atomic>
#include <cstring>

#include "kernel/base/format.h"
#include "kernel/base/memory.h"
#include "linux-abi/files/home_node.h"
#include "linux-abi/files/synthetic.h"
#include "linux-abi/process/vnode.h"

namespace linux_abi {

namespace {

// A file system in memory, over a directory of the tree.
struct MemoryMount {
  PlaceReference directory;
  std::string_view name;
  base::Own<HomeFileSystem> system;
  PlaceReference place;
};

}  // namespace

class FileTree : public processor::Counted {
 public:
  FileTree(processor::Reference<processor::Family> family, const FileHome& home)
      : home_system(std::move(family), home) {}
  void last_reference_gone() { base::Own<FileTree>(this).reset(); }

  static constexpr std::size_t max_memory_mounts = 3;
  HomeFileSystem home_system;
  std::array<MemoryMount, max_memory_mounts> memory;  // the first memory_count of them
  std::array<MemoryMountPoint, max_memory_mounts> memory_points;
  std::size_t memory_count = 0;
  // Where files without names are: in no place of the tree, and made for the first of them.
  threads::Mutex unnamed_lock;
  base::Own<HomeFileSystem> unnamed;
  PlaceReference unnamed_root;
  std::atomic<std::uint64_t> unnamed_ever{0};
  NameCache names;
  PlaceReference root, proc, sys, dev;
};

PlaceReference root_of(FileTree& tree) { return tree.root; }
NameCache& name_cache_of(FileTree& tree) { return tree.names; }
HomeFileSystem& home_system_of(FileTree& tree) { return tree.home_system; }

std::span<const MemoryMountPoint> memory_mounts_of(FileTree& tree) {
  return std::span(tree.memory_points).first(tree.memory_count);
}

PlaceReference mounted_at(FileTree& tree, const PlaceReference& directory, std::string_view name) {
  for (std::size_t i = 0; i < tree.memory_count; ++i)
    if (directory == tree.memory[i].directory && name == tree.memory[i].name) return tree.memory[i].place;
  if (directory != tree.root) return {};
  if (name == "proc") return tree.proc;
  if (name == "sys") return tree.sys;
  if (name == "dev") return tree.dev;
  return {};
}

Answer<> flush_files(FileTree& tree, processor::Sleeper& sleeper) {
  TRY(tree.home_system.flush_all(sleeper));
  for (std::size_t i = 0; i < tree.memory_count; ++i) TRY(tree.memory[i].system->flush_all(sleeper));
  HomeFileSystem* unnamed = nullptr;
  {
    threads::MutexGuard guard(tree.unnamed_lock);
    unnamed = tree.unnamed.get();
  }
  if (unnamed != nullptr) TRY(unnamed->flush_all(sleeper));
  return {};
}

namespace {

Answer<base::Own<HomeFileSystem>> new_system(FileTree& tree) {
  auto system = base::make<HomeFileSystem>(processor::Reference<processor::Family>(tree.home_system.family()),
                                           tree.home_system.home());
  if (!system) return error(ENOMEM);
  return system;
}

Answer<PlaceReference> root_of_unnamed(FileTree& tree, processor::Sleeper& sleeper) {
  threads::MutexGuard guard(tree.unnamed_lock);
  if (tree.unnamed_root) return tree.unnamed_root;
  auto system = TRY(new_system(tree));
  NodeReference root = TRY(system->mount_in_memory(0700, sleeper));
  PlaceReference place = TRY(Place::create(std::move(root), {}, "/"));
  tree.unnamed = std::move(system);
  tree.unnamed_root = place;
  return place;
}

}  // namespace

Answer<OpenFileReference> create_unnamed(FileTree& tree, std::string_view label, std::uint32_t seals, Caller& caller) {
  // Nobody sees the name that it has until it is open.
  std::array<char, 24> buffer;
  const std::string_view name = base::format(buffer, "{}", tree.unnamed_ever.fetch_add(1, std::memory_order_relaxed));
  std::array<char, 264> shown;
  const PlaceReference root = TRY(root_of_unnamed(tree, caller.sleeper()));
  Node& directory = root->node();
  NodeReference node = TRY(directory.create(name, file_mode::regular | 0777, 0, caller));
  const auto opened = [&]() -> Answer<OpenFileReference> {
    PlaceReference place = TRY(Place::create(node, tree.root, base::format(shown, "memfd:{}", label)));
    place->set_removed();
    return node->open(O_RDWR, std::move(place), caller);
  };
  auto file = opened();
  Answer<> removed = directory.unlink(name, false, caller);
  if (!file) return file;
  TRY(std::move(removed));
  static_cast<HomeNode&>(*node).set_seals(seals);
  return file;
}

namespace {

// A directory of the root that is there and holds nothing. "." and ".." are always listed.
Answer<bool> is_empty_directory(FileTree& tree, std::string_view name, processor::Sleeper& sleeper) {
  const FileHome& home = tree.home_system.home();
  messages::FileLookupRequest look_up;
  look_up.directory = static_cast<HomeNode&>(tree.root->node()).id();
  look_up.name_bytes = static_cast<std::uint32_t>(name.size());
  const auto found = ask(home, look_up, sleeper, std::as_bytes(std::span(name)));
  if (!found && found.error() == ENOENT) return false;
  if (!found) return std::unexpected(found.error());
  if (messages::file_type(found->attributes.mode) != messages::FileType::Directory) return false;
  messages::FileReadDirectoryRequest list;
  list.directory = found->attributes.file;
  const HomeReply reply = TRY(send_home(home, messages::Operation::FileReadDirectory,
                                        std::as_bytes(std::span(&list, 1)), {}, WithBulk::Yes, sleeper));
  unsigned entries = 0;
  for (std::span<const std::byte> rest = reply.bulk(); rest.size() >= sizeof(messages::DirectoryEntry); ++entries) {
    messages::DirectoryEntry entry;
    std::memcpy(static_cast<void*>(&entry), rest.data(), sizeof entry);
    if (entry.entry_bytes < sizeof entry || entry.entry_bytes > rest.size()) return error(EIO);
    rest = rest.subspan(entry.entry_bytes);
  }
  return entries <= 2;
}

Answer<> mount_in_memory(FileTree& tree, PlaceReference directory, std::string_view path, std::uint32_t permissions,
                         processor::Sleeper& sleeper) {
  MemoryMount mount;
  mount.name = path.substr(path.rfind('/') + 1);
  mount.system = TRY(new_system(tree));
  NodeReference node = TRY(mount.system->mount_in_memory(permissions, sleeper));
  mount.place = TRY(Place::create(std::move(node), directory, mount.name));
  mount.directory = std::move(directory);
  tree.memory_points[tree.memory_count] = {path, mount.system->device()};
  tree.memory[tree.memory_count++] = std::move(mount);
  return {};
}

Answer<> mount_all_in_memory(FileTree& tree, std::uint32_t kept, processor::Sleeper& sleeper) {
  struct Candidate {
    std::string_view path;
    std::uint32_t permissions;
  };
  constexpr std::array<Candidate, 2> candidates{{{"/tmp", 01777}, {"/run", 0755}}};
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto& [path, permissions] = candidates[i];
    if ((kept & 1U << i) != 0 || !TRY(is_empty_directory(tree, path.substr(1), sleeper))) continue;
    TRY(mount_in_memory(tree, tree.root, path, permissions, sleeper));
  }
  return mount_in_memory(tree, tree.dev, "/dev/shm", 01777, sleeper);
}

}  // namespace

Answer<processor::Reference<FileTree>> mount_files(processor::Family& family, VNode& vnode,
                                                   const rpc::NodeAddress& storage, std::uint32_t kept,
                                                   processor::Sleeper& sleeper) {
  auto made =
      base::make<FileTree>(processor::Reference<processor::Family>(family), FileHome{vnode.id(), family.home().memory});
  if (!made) return error(ENOMEM);
  processor::Reference<FileTree> tree(*made.release());
  NodeReference root = TRY(tree->home_system.mount(storage, sleeper)), proc = TRY(make_proc()), sys = TRY(make_sys()),
                dev = TRY(make_dev());
  tree->root = TRY(Place::create(std::move(root), {}, "/"));
  tree->proc = TRY(Place::create(std::move(proc), tree->root, "proc"));
  tree->sys = TRY(Place::create(std::move(sys), tree->root, "sys"));
  tree->dev = TRY(Place::create(std::move(dev), tree->root, "dev"));
  TRY(mount_all_in_memory(*tree, kept, sleeper));
  return tree;
}

Answer<> unmount_files(FileTree& tree, processor::Sleeper& sleeper) {
  const Answer<> flushed = flush_files(tree, sleeper);
  tree.names.clear();
  Answer<> unmounted;
  for (; tree.memory_count > 0; --tree.memory_count) {
    MemoryMount& mount = tree.memory[tree.memory_count - 1];
    mount.place.reset();
    mount.directory.reset();
    if (const Answer<> done = mount.system->unmount(sleeper); !done) unmounted = done;
    mount.system.reset();
  }
  if (tree.unnamed) {
    tree.unnamed_root.reset();
    if (const Answer<> done = tree.unnamed->unmount(sleeper); !done) unmounted = done;
    tree.unnamed.reset();
  }
  tree.proc.reset();
  tree.sys.reset();
  tree.dev.reset();
  tree.root.reset();
  TRY(tree.home_system.unmount(sleeper));
  TRY(unmounted);
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
