// SPDX-License-Identifier: Apache-2.0
// An open directory: see directory_file.h.
#include "linux-abi/files/directory_file.h"

#include <linux/fs.h>

#include <cstring>

#include "kernel/base/memory.h"
#include "linux-abi/files/file_description.h"

namespace linux_abi {

std::size_t put_directory_entry(std::span<std::byte> to, std::uint64_t inode, std::uint64_t cookie, std::uint8_t type,
                                std::string_view name) {
  // struct linux_dirent64: inode, cookie, length (16 bits), type (8 bits), name with a zero, padded to 8.
  constexpr std::size_t name_at = 19;
  const std::size_t bytes = base::round_up(name_at + name.size() + 1, 8);
  if (bytes > to.size()) return 0;
  std::memset(to.data(), 0, bytes);
  const auto length = static_cast<std::uint16_t>(bytes);
  std::memcpy(to.data(), &inode, 8);
  std::memcpy(to.data() + 8, &cookie, 8);
  std::memcpy(to.data() + 16, &length, 2);
  std::memcpy(to.data() + 18, &type, 1);
  std::memcpy(to.data() + name_at, name.data(), name.size());
  return bytes;
}

namespace {

class DirectoryFile final : public OpenFile {
 public:
  DirectoryFile(HomeNode& node, int flags, PlaceReference place)
      : OpenFile(flags), node_(node), place_(std::move(place)) {}

  Answer<std::size_t> read(std::span<std::byte>, Caller&) override { return error(EISDIR); }
  Answer<std::size_t> read_at(std::uint64_t, std::span<std::byte>, Caller&) override { return error(EISDIR); }

  Answer<std::uint64_t> seek(std::int64_t offset, int whence, Caller&) override {
    threads::MutexGuard guard(lock_);
    if (whence == SEEK_CUR && offset == 0) return cookie_;
    if (whence != SEEK_SET) return error(EINVAL);
    if (offset < 0) return error(EINVAL);
    cookie_ = static_cast<std::uint64_t>(offset);
    return cookie_;
  }

  Answer<std::size_t> read_directory(std::span<std::byte> to, Caller& caller) override {
    TRY(lock_.lock_killable());
    const auto done = read_locked(to, caller);
    lock_.unlock();
    return done;
  }

  Answer<FileStatus> status(Caller& caller) override { return node_->status(caller); }
  Answer<> synchronize(bool data_only, Caller& caller) override {
    return node_->synchronize(data_only, caller.sleeper());
  }
  std::size_t describe(std::span<char> to, Caller& caller) override { return describe_place(*place_, to, caller); }
  Place* place() override { return place_.get(); }
  Node* node() override { return node_.get(); }

 private:
  void close() override { base::Own<DirectoryFile>(this).reset(); }

  Answer<std::size_t> read_locked(std::span<std::byte> to, Caller& caller) {
    messages::FileReadDirectoryRequest request;
    request.directory = node_->id();
    request.cookie = cookie_;
    const HomeReply reply = TRY(send_home(node_->home_system().home(), messages::Operation::FileReadDirectory,
                                          std::as_bytes(std::span(&request, 1)), {}, WithBulk::Yes, caller.sleeper()));
    const auto body = TRY(reply.as<messages::FileReadDirectoryReply>());
    std::span<const std::byte> entries = reply.bulk();
    if (body.bytes > entries.size()) return error(EIO);
    entries = entries.first(body.bytes);
    std::size_t used = 0;
    while (entries.size() >= sizeof(messages::DirectoryEntry)) {
      messages::DirectoryEntry entry;
      std::memcpy(static_cast<void*>(&entry), entries.data(), sizeof entry);
      if (entry.entry_bytes < sizeof entry + entry.name_bytes || entry.entry_bytes > entries.size()) return error(EIO);
      const std::string_view name(reinterpret_cast<const char*>(entries.data() + sizeof entry), entry.name_bytes);
      const std::size_t bytes = put_directory_entry(to.subspan(used), entry.inode, entry.cookie, entry.type, name);
      if (bytes == 0) return used > 0 ? Answer<std::size_t>(used) : error(EINVAL);
      used += bytes;
      cookie_ = entry.cookie;
      entries = entries.subspan(entry.entry_bytes);
    }
    return used;
  }

  processor::Reference<HomeNode> node_;
  PlaceReference place_;
  threads::Mutex lock_;
  std::uint64_t cookie_ = 0;  // where to go on; the home's cookies
};

}  // namespace

Answer<OpenFileReference> open_directory(HomeNode& node, int flags, PlaceReference place) {
  auto file = base::make<DirectoryFile>(node, flags, std::move(place));
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

}  // namespace linux_abi
