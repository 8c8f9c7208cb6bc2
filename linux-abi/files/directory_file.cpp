// SPDX-License-Identifier: Apache-2.0
// An open directory: see directory_file.h.
#include "linux-abi/files/directory_file.h"

#include <linux/fcntl.h>
#include <linux/fs.h>

#include <cstring>
#include <optional>

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
    if ((flags() & O_NOATIME) == 0) node_->accessed(place_->mount(), caller.wall_time_ns());
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
    KnownListing& known = node_->listing();
    if (const auto listing = known.get()) {
      if (const auto rest = rest_of(listing->entries.span())) return put(*rest, to);
    }
    const std::uint64_t changes = known.changes();
    if (cookie_ == end_.cookie && changes == end_.changes) return std::size_t{0};
    messages::FileReadDirectoryRequest request;
    request.directory = node_->id();
    request.cookie = cookie_;
    const auto reply_or = send_home(node_->home_system().home(), messages::Operation::FileReadDirectory,
                                    std::as_bytes(std::span(&request, 1)), {}, WithBulk::Yes, caller.sleeper());
    if (!reply_or) return error(reply_or.error() == ESTALE ? ENOENT : reply_or.error().number());  // it is gone
    const HomeReply& reply = *reply_or;
    const auto body = TRY(reply.as<messages::FileReadDirectoryReply>());
    std::span<const std::byte> entries = reply.bulk();
    if (body.bytes > entries.size()) return error(EIO);
    entries = entries.first(body.bytes);
    if (body.end != 0 && cookie_ == 0) known.remember(entries, changes);
    end_ = body.end != 0 ? End{last_cookie(entries), changes} : End{};
    return put(entries, to);
  }

  // The first of the entries, which loses it; empty if what the home sent is no entry.
  static std::optional<messages::DirectoryEntry> take_entry(std::span<const std::byte>& entries,
                                                            std::string_view& name) {
    messages::DirectoryEntry entry;
    if (entries.size() < sizeof entry) return {};
    std::memcpy(static_cast<void*>(&entry), entries.data(), sizeof entry);
    if (entry.entry_bytes < sizeof entry + entry.name_bytes || entry.entry_bytes > entries.size()) return {};
    name = {reinterpret_cast<const char*>(entries.data() + sizeof entry), entry.name_bytes};
    entries = entries.subspan(entry.entry_bytes);
    return entry;
  }

  std::uint64_t last_cookie(std::span<const std::byte> entries) const {
    std::uint64_t last = cookie_;
    std::string_view name;
    while (const auto entry = take_entry(entries, name)) last = entry->cookie;
    return last;
  }

  // What of all entries follows the cookie, if that is one of theirs.
  std::optional<std::span<const std::byte>> rest_of(std::span<const std::byte> entries) const {
    if (cookie_ == 0) return entries;
    std::string_view name;
    while (const auto entry = take_entry(entries, name))
      if (entry->cookie == cookie_) return entries;
    return {};
  }

  Answer<std::size_t> put(std::span<const std::byte> entries, std::span<std::byte> to) {
    std::size_t used = 0;
    while (!entries.empty()) {
      std::string_view name;
      const auto entry = take_entry(entries, name);
      if (!entry) return error(EIO);
      const std::size_t bytes = put_directory_entry(to.subspan(used), entry->inode, entry->cookie, entry->type, name);
      if (bytes == 0) return used > 0 ? Answer<std::size_t>(used) : error(EINVAL);
      used += bytes;
      cookie_ = entry->cookie;
    }
    return used;
  }

  // Nothing followed this cookie when names had changed so often.
  struct End {
    std::uint64_t cookie = ~std::uint64_t{0}, changes = 0;
  };

  processor::Reference<HomeNode> node_;
  PlaceReference place_;
  threads::Mutex lock_;
  std::uint64_t cookie_ = 0;  // where to go on; the home's cookies
  End end_;
};

}  // namespace

Answer<OpenFileReference> open_directory(HomeNode& node, int flags, PlaceReference place) {
  auto file = base::make<DirectoryFile>(node, flags, std::move(place));
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

}  // namespace linux_abi
