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
#include "linux-abi/files/loop_devices.h"
#include "linux-abi/files/mount_table.h"
#include "linux-abi/files/special_files.h"
#include "linux-abi/files/synthetic.h"
#include "linux-abi/process/vnode.h"

namespace linux_abi {

class FileTree : public processor::Counted {
 public:
  FileTree(processor::Reference<processor::Family> family, const FileHome& home)
      : home_system(base::make<HomeFileSystem>(std::move(family), home)) {}
  void last_reference_gone() {
    base::Own<HomeFileSystem> system = std::move(home_system);
    base::Own<FileTree>(this).reset();
    HomeFileSystem::retire(std::move(system));
  }

  base::Own<HomeFileSystem> home_system;
  MountTable mounts;
  // All that are mounted or still used; with the table's mutex held.
  base::Array<MountedSystemReference> systems;
  // Where files without names are: in no place of the tree, and made for the first of them.
  threads::Mutex unnamed_lock;
  base::Own<HomeFileSystem> unnamed;
  PlaceReference unnamed_root;
  std::atomic<std::uint64_t> unnamed_ever{0};
  NameCache names;
  LoopDevices loops;
  PlaceReference root;
};

PlaceReference root_of(FileTree& tree) { return tree.root; }
NameCache& name_cache_of(FileTree& tree) { return tree.names; }
HomeFileSystem& home_system_of(FileTree& tree) { return *tree.home_system; }

MountTable& mounts_of(FileTree& tree) { return tree.mounts; }
LoopDevices& loop_devices_of(FileTree& tree) { return tree.loops; }

PlaceReference mounted_at(FileTree& tree, const PlaceReference& directory, std::string_view name) {
  return tree.mounts.at(directory, name);
}

Answer<> flush_files(FileTree& tree, processor::Sleeper& sleeper) {
  TRY(tree.home_system->flush_all(sleeper));
  {
    threads::MutexGuard guard(tree.mounts.mutex);
    for (const MountedSystemReference& system : tree.systems)
      if (system->home) TRY(system->home->flush_all(sleeper));
  }
  HomeFileSystem* unnamed = nullptr;
  {
    threads::MutexGuard guard(tree.unnamed_lock);
    unnamed = tree.unnamed.get();
  }
  if (unnamed != nullptr) TRY(unnamed->flush_all(sleeper));
  return {};
}

Answer<MountedSystemReference> new_system(FileTree& tree, std::string_view type, std::uint64_t device,
                                          std::string_view source) {
  auto system = base::make<MountedSystem>(type, device);
  if (!system) return error(ENOMEM);
  TRY(system->source.append(std::span(source)));
  MountedSystemReference reference(*system.release());
  TRY(tree.systems.push_back(reference));
  return reference;
}

void sweep_systems(FileTree& tree, processor::Sleeper& sleeper) {
  for (std::size_t i = tree.systems.size(); i > 0; --i) {
    MountedSystemReference& system = tree.systems[i - 1];
    if (processor::CountedReferences<MountedSystem>::count(*system) != 1) continue;
    if (system->home && !system->home->is_unused()) continue;
    // It may be known no more at a home that has died; there is nothing else to be done about it.
    if (system->home) (void)system->home->unmount(sleeper);
    tree.systems.erase(i - 1);
  }
}

namespace {

Answer<base::Own<HomeFileSystem>> new_home_system(FileTree& tree) {
  auto system = base::make<HomeFileSystem>(processor::Reference<processor::Family>(tree.home_system->family()),
                                           tree.home_system->home());
  if (!system) return error(ENOMEM);
  return system;
}

Answer<PlaceReference> root_of_unnamed(FileTree& tree, processor::Sleeper& sleeper) {
  threads::MutexGuard guard(tree.unnamed_lock);
  if (tree.unnamed_root) return tree.unnamed_root;
  auto system = TRY(new_home_system(tree));
  NodeReference root = TRY(system->mount_in_memory(0700, sleeper));
  PlaceReference place = TRY(Place::create(std::move(root), {}, "/"));
  tree.unnamed = std::move(system);
  tree.unnamed_root = place;
  return place;
}

}  // namespace

Answer<SystemRoot> new_memory_system(FileTree& tree, const MemoryOptions& options, processor::Sleeper& sleeper) {
  auto home = TRY(new_home_system(tree));
  NodeReference root = TRY(home->mount_in_memory(options.mode.value_or(01777), sleeper));
  const auto limited = home->limit(options, sleeper);
  auto system = limited ? new_system(tree, "tmpfs", home->device(), "tmpfs") : std::unexpected(limited.error());
  if (!system) {
    root.reset();
    (void)home->unmount(sleeper);
    return std::unexpected(system.error());
  }
  (*system)->home = std::move(home);
  return SystemRoot{std::move(*system), std::move(root)};
}

Answer<SystemRoot> new_made_system(FileTree& tree, std::string_view type) {
  NodeReference root;
  if (type == "proc")
    root = TRY(make_proc());
  else if (type == "sysfs")
    root = TRY(make_sys());
  else
    root = TRY(make_dev());
  return SystemRoot{TRY(new_system(tree, type, synthetic_device, type)), std::move(root)};
}

processor::Reference<HomeNode> known_file(FileTree& tree, std::uint64_t id) {
  processor::Reference<HomeNode> found = tree.home_system->known_node(id);
  if (found) return found;
  {
    threads::MutexGuard guard(tree.unnamed_lock);
    if (tree.unnamed) found = tree.unnamed->known_node(id);
  }
  if (found) return found;
  threads::MutexGuard guard(tree.mounts.mutex);
  for (const MountedSystemReference& system : tree.systems)
    if (!found && system->home) found = system->home->known_node(id);
  return found;
}

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

// While the vNode is made: over a name in a directory of which nothing need be stored.
Answer<> mount_at_start(FileTree& tree, const PlaceReference& directory, std::string_view name, SystemRoot made,
                        std::uint32_t flags) {
  auto mount =
      base::make<Mount>(std::move(made.system), flags | mount_flag::relative_access_times, tree.mounts.next_id());
  if (!mount) return error(ENOMEM);
  const PlaceReference at = TRY(Place::create(made.root, directory, name));
  TRY(tree.mounts.add(MountReference(*mount.release()), std::move(made.root), at));
  return {};
}

// A directory of the root that is there and holds nothing. "." and ".." are always listed.
Answer<bool> is_empty_directory(FileTree& tree, std::string_view name, processor::Sleeper& sleeper) {
  const FileHome& home = tree.home_system->home();
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

Answer<> mount_all_in_memory(FileTree& tree, std::uint32_t kept, processor::Sleeper& sleeper) {
  struct Candidate {
    std::string_view name;
    std::uint32_t permissions, flags;
  };
  constexpr std::array<Candidate, 2> candidates{
      {{"tmp", 01777, 0}, {"run", 0755, mount_flag::no_set_id | mount_flag::no_devices}}};
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if ((kept & 1U << i) != 0 || !TRY(is_empty_directory(tree, candidate.name, sleeper))) continue;
    SystemRoot made = TRY(new_memory_system(tree, {.mode = candidate.permissions}, sleeper));
    TRY(mount_at_start(tree, tree.root, candidate.name, std::move(made), candidate.flags));
  }
  const PlaceReference dev = tree.mounts.at(tree.root, "dev");
  SystemRoot made = TRY(new_memory_system(tree, {}, sleeper));
  return mount_at_start(tree, dev, "shm", std::move(made), mount_flag::no_set_id | mount_flag::no_devices);
}

Answer<> mount_root(FileTree& tree, const rpc::NodeAddress& storage, processor::Sleeper& sleeper) {
  NodeReference root = TRY(tree.home_system->mount(storage, sleeper));
  auto system = TRY(new_system(tree, "ext4", tree.home_system->device(), "lego"));
  auto mount = base::make<Mount>(std::move(system), mount_flag::relative_access_times, tree.mounts.next_id());
  if (!mount) return error(ENOMEM);
  tree.root = TRY(tree.mounts.add(MountReference(*mount.release()), std::move(root), {}));
  return {};
}

}  // namespace

Answer<processor::Reference<FileTree>> mount_files(processor::Family& family, VNode& vnode,
                                                   const rpc::NodeAddress& storage, std::uint32_t kept,
                                                   processor::Sleeper& sleeper) {
  auto made =
      base::make<FileTree>(processor::Reference<processor::Family>(family), FileHome{vnode.id(), family.home().memory});
  if (!made || !made->home_system) return error(ENOMEM);
  processor::Reference<FileTree> tree(*made.release());
  TRY(mount_root(*tree, storage, sleeper));
  constexpr std::uint32_t of_kernel = mount_flag::no_set_id | mount_flag::no_devices | mount_flag::no_execution;
  for (const std::string_view name : {"proc", "sys", "dev"}) {
    const bool devices = name == "dev";
    const std::string_view type = devices ? "devtmpfs" : name == "sys" ? "sysfs" : "proc";
    SystemRoot system = TRY(new_made_system(*tree, type));
    TRY(mount_at_start(*tree, tree->root, name, std::move(system), devices ? mount_flag::no_set_id : of_kernel));
  }
  TRY(mount_all_in_memory(*tree, kept, sleeper));
  return tree;
}

Answer<> unmount_files(FileTree& tree, processor::Sleeper& sleeper) {
  const Answer<> flushed = flush_files(tree, sleeper);
  tree.names.clear();
  for (LoopDevices::Loop& loop : tree.loops.loops) loop.backing.reset();
  Answer<> unmounted;
  tree.root.reset();
  tree.mounts.clear();
  for (MountedSystemReference& system : tree.systems)
    if (system->home)
      if (const Answer<> done = system->home->unmount(sleeper); !done) unmounted = done;
  tree.systems.clear();
  if (tree.unnamed) {
    tree.unnamed_root.reset();
    if (const Answer<> done = tree.unnamed->unmount(sleeper); !done) unmounted = done;
    tree.unnamed.reset();
  }
  TRY(tree.home_system->unmount(sleeper));
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
