// SPDX-License-Identifier: Apache-2.0
// Files that are made here: see synthetic.h.
#include "linux-abi/files/synthetic.h"

#include <linux/fcntl.h>
#include <linux/fs.h>

#include <algorithm>
#include <cstring>

#include "kernel/base/memory.h"
#include "kernel/threads/mutex.h"
#include "linux-abi/files/directory_file.h"
#include "linux-abi/files/placed_file.h"
#include "linux-abi/files/special_files.h"
#include "linux-abi/files/text_file.h"

namespace linux_abi {
namespace {

constexpr int synthetic_domain = 0;

class SyntheticNode : public Node {
 public:
  SyntheticNode(std::uint32_t mode, int subject, std::uint64_t inode = next_anonymous_inode())
      : Node(mode), mode_(mode), subject_(subject), inode_(inode) {}

  Answer<FileStatus> status(Caller& caller) override {
    const std::uint64_t now = caller.wall_time_ns();
    return FileStatus{.device = synthetic_device,
                      .inode = inode_,
                      .mode = mode_,
                      .links = is_directory() ? 2U : 1U,
                      .uid = owner_of_ != nullptr ? owner_of_(subject_, caller).uid : 0,
                      .gid = owner_of_ != nullptr ? owner_of_(subject_, caller).gid : 0,
                      .special_device = special_device(),
                      .access_time_ns = now,
                      .modify_time_ns = now,
                      .change_time_ns = now};
  }
  Answer<FileSystemStatus> file_system(Caller&) override {
    constexpr std::uint64_t proc_magic = 0x9fa0;
    return FileSystemStatus{.type = proc_magic};
  }
  const void* domain() const override { return &synthetic_domain; }
  int subject() const { return subject_; }
  void set_owner(OwnerOf owner_of) { owner_of_ = owner_of; }

 protected:
  virtual std::uint64_t special_device() const { return 0; }
  void destroy() override { base::Own<SyntheticNode>(this).reset(); }

 private:
  std::uint32_t mode_;
  int subject_;
  std::uint64_t inode_;
  OwnerOf owner_of_ = nullptr;
};

class TextNode final : public SyntheticNode {
 public:
  TextNode(WriteText write, int subject, std::uint32_t permissions, StoreText store,
           std::uint64_t inode = next_anonymous_inode())
      : SyntheticNode(file_mode::regular | permissions, subject, inode), write_(write), store_(store) {}
  // open(O_TRUNC) before it is written changes nothing.
  Answer<> truncate(std::uint64_t, Caller&) override {
    if (store_ == nullptr) return error(EINVAL);
    return {};
  }
  Answer<OpenFileReference> open(int flags, PlaceReference place, Caller& caller) override {
    TextWriter out;
    TRY(write_(out, subject(), caller));
    auto file = base::make<TextFile>(flags, std::move(place), std::move(out.bytes()), write_, store_, subject());
    if (!file) return error(ENOMEM);
    return OpenFileReference(*file.release());
  }

 private:
  WriteText write_;
  StoreText store_;
};

class NumberedTextNode final : public SyntheticNode {
 public:
  NumberedTextNode(WriteNumbered write, int subject, int number, std::uint32_t permissions)
      : SyntheticNode(file_mode::regular | permissions, subject), write_(write), number_(number) {}
  Answer<OpenFileReference> open(int flags, PlaceReference place, Caller& caller) override {
    TextWriter out;
    TRY(write_(out, subject(), number_, caller));
    auto file = base::make<TextFile>(flags, std::move(place), std::move(out.bytes()), nullptr, nullptr, subject());
    if (!file) return error(ENOMEM);
    return OpenFileReference(*file.release());
  }

 private:
  WriteNumbered write_;
  int number_;
};

class OwnFileNode final : public SyntheticNode {
 public:
  OwnFileNode(OpenOwn opener, int subject, std::uint32_t permissions)
      : SyntheticNode(file_mode::regular | permissions, subject), open_(opener) {}
  Answer<> truncate(std::uint64_t, Caller&) override { return {}; }
  Answer<OpenFileReference> open(int flags, PlaceReference place, Caller& caller) override {
    return open_(flags, std::move(place), subject(), caller);
  }

 private:
  OpenOwn open_;
};

class LinkNode final : public SyntheticNode {
 public:
  LinkNode(WriteText target, WriteNumbered numbered, LeadTo lead, int subject, int number, std::uint32_t permissions)
      : SyntheticNode(file_mode::link | permissions, subject),
        target_(target),
        numbered_(numbered),
        lead_(lead),
        number_(number) {}
  Answer<base::Array<char>> read_link(Caller& caller) override {
    TextWriter out;
    if (numbered_ != nullptr)
      TRY(numbered_(out, subject(), number_, caller));
    else
      TRY(target_(out, subject(), caller));
    return std::move(out.bytes());
  }
  Answer<PlaceReference> follow(Caller& caller) override {
    if (lead_ == nullptr) return PlaceReference();
    return lead_(subject(), number_, caller);
  }
  Answer<OpenFileReference> open(int, PlaceReference, Caller&) override { return error(ELOOP); }

 private:
  WriteText target_;
  WriteNumbered numbered_;  // nullptr: target_ it is
  LeadTo lead_;
  int number_;
};

class DeviceNode : public SyntheticNode {
 public:
  DeviceNode(std::uint64_t number, std::uint32_t permissions, std::uint32_t type, int subject = 0)
      : SyntheticNode(type | permissions, subject, device_inode(number)), number_(number) {}
  Answer<OpenFileReference> open(int flags, PlaceReference place, Caller& caller) override {
    if (type() == file_mode::block) return open_block_device(number_, flags, std::move(place), caller);
    return open_device(number_, flags, std::move(place), caller);
  }
  Answer<> change(const AttributeChange&, Caller&) override { return {}; }
  // open(O_TRUNC) of a device does nothing.
  Answer<> truncate(std::uint64_t, Caller&) override { return error(EINVAL); }

 private:
  std::uint64_t special_device() const override { return number_; }
  std::uint64_t number_;
};

class OwnedDeviceNode final : public DeviceNode {
 public:
  OwnedDeviceNode(std::uint64_t number, int subject, TellOwner tells, ChangeOwner changes)
      : DeviceNode(number, 0, file_mode::character, subject), owner_(tells), change_(changes) {}
  // What is gone (and open somewhere) is nobody's.
  Answer<FileStatus> status(Caller& caller) override {
    FileStatus status = TRY(DeviceNode::status(caller));
    const DeviceOwner owner = owner_(subject(), caller).value_or(DeviceOwner{});
    status.mode |= owner.permissions;
    status.uid = owner.uid;
    status.gid = owner.gid;
    return status;
  }
  Answer<> change(const AttributeChange& change, Caller& caller) override { return change_(subject(), change, caller); }

 private:
  TellOwner owner_;
  ChangeOwner change_;
};

class DirectoryNode final : public SyntheticNode {
 public:
  DirectoryNode(const DirectorySource& source, int subject, std::uint32_t permissions)
      : SyntheticNode(file_mode::directory | permissions, subject), source_(source) {}
  Answer<NodeReference> look_up(std::string_view name, Caller& caller) override {
    return source_.find(name, subject(), caller);
  }
  bool names_are_stable() const override { return source_.stable; }
  Answer<OpenFileReference> open(int flags, PlaceReference place, Caller& caller) override;
  const DirectorySource& source() const { return source_; }
  int process() const override { return source_.names_process ? subject() : 0; }

 private:
  const DirectorySource& source_;
};

class ListedDirectory final : public PlacedFile {
 public:
  using PlacedFile::PlacedFile;
  Answer<std::size_t> read(std::span<std::byte>, Caller&) override { return error(EISDIR); }
  Answer<std::uint64_t> seek(std::int64_t offset, int whence, Caller&) override {
    threads::MutexGuard guard(lock_);
    if (whence == SEEK_CUR && offset == 0) return cookie_;
    if (whence != SEEK_SET || offset < 0) return error(EINVAL);
    cookie_ = static_cast<std::uint64_t>(offset);
    return cookie_;
  }
  Answer<std::size_t> read_directory(std::span<std::byte> to, Caller& caller) override {
    threads::MutexGuard guard(lock_);
    auto& directory = static_cast<DirectoryNode&>(place_->node());
    std::size_t used = 0;
    while (true) {
      ListedEntry entry;
      if (!next(directory, caller, entry)) return used;
      const std::size_t bytes =
          put_directory_entry(to.subspan(used), 1 + entry.cookie, entry.cookie, entry.type, entry.name.data());
      if (bytes == 0) return used > 0 ? Answer<std::size_t>(used) : error(EINVAL);
      used += bytes;
      cookie_ = entry.cookie;
    }
  }

 private:
  static constexpr std::uint64_t dots = 2;  // cookies of "." and ".."
  static constexpr std::uint8_t directory_type = 4;

  bool next(DirectoryNode& directory, Caller& caller, ListedEntry& entry) {
    if (cookie_ < dots) {
      entry.cookie = cookie_ + 1;
      entry.type = directory_type;
      std::memcpy(entry.name.data(), "..", cookie_ + 1);
      return true;
    }
    if (!directory.source().list(cookie_ - dots, directory.subject(), caller, entry)) return false;
    entry.cookie += dots;
    return true;
  }
  void close() override { base::Own<ListedDirectory>(this).reset(); }

  threads::Mutex lock_;
  std::uint64_t cookie_ = 0;
};

Answer<OpenFileReference> DirectoryNode::open(int flags, PlaceReference place, Caller&) {
  auto file = base::make<ListedDirectory>(flags, std::move(place));
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

template <typename T, typename... Arguments>
Answer<NodeReference> make_node(Arguments&&... arguments) {
  auto node = base::make<T>(std::forward<Arguments>(arguments)...);
  if (!node) return error(ENOMEM);
  return NodeReference(*node.release());
}

}  // namespace

Answer<NodeReference> make_text(WriteText write, int subject, std::uint32_t permissions, StoreText store) {
  return make_node<TextNode>(write, subject, permissions, store);
}
Answer<NodeReference> make_text_of_inode(WriteText write, std::uint64_t inode) {
  return make_node<TextNode>(write, 0, 0444U, nullptr, inode);
}
Answer<NodeReference> make_numbered_text(WriteNumbered write, int subject, int number, std::uint32_t permissions) {
  return make_node<NumberedTextNode>(write, subject, number, permissions);
}
Answer<NodeReference> make_own_file(OpenOwn open, int subject, std::uint32_t permissions) {
  return make_node<OwnFileNode>(open, subject, permissions);
}
Answer<NodeReference> make_link(WriteText target, LeadTo lead, int subject) {
  return make_node<LinkNode>(target, nullptr, lead, subject, 0, 0777U);
}
Answer<NodeReference> make_numbered_link(WriteNumbered target, LeadTo lead, int subject, int number,
                                         std::uint32_t permissions) {
  return make_node<LinkNode>(nullptr, target, lead, subject, number, permissions);
}
Answer<NodeReference> owned(Answer<NodeReference> node, OwnerOf owner) {
  if (node) static_cast<SyntheticNode&>(**node).set_owner(owner);
  return node;
}
bool ListedEntry::set(std::string_view text, std::uint8_t entry_type, std::uint64_t next_cookie) {
  std::memcpy(name.data(), text.data(), std::min(text.size(), name.size() - 1));
  type = entry_type;
  cookie = next_cookie;
  return true;
}

int number_of_name(std::string_view name) {
  if (name.empty() || name.size() > 9 || (name.size() > 1 && name[0] == '0')) return -1;
  int number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

Answer<std::uint64_t> decimal_in(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == 0)) text.remove_suffix(1);
  std::uint64_t number = 0;
  if (text.empty() || text.size() > 20) return error(EINVAL);
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return error(EINVAL);
    if (__builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, static_cast<std::uint64_t>(digit - '0'), &number))
      return error(EINVAL);
  }
  return number;
}

Answer<NodeReference> make_device(std::uint64_t number, std::uint32_t permissions, std::uint32_t type) {
  return make_node<DeviceNode>(number, permissions, type);
}
Answer<NodeReference> make_owned_device(std::uint64_t number, int subject, TellOwner owner, ChangeOwner change) {
  return make_node<OwnedDeviceNode>(number, subject, owner, change);
}
Answer<NodeReference> make_directory(const DirectorySource& source, int subject, std::uint32_t permissions) {
  return make_node<DirectoryNode>(source, subject, permissions);
}

}  // namespace linux_abi
