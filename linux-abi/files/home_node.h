// SPDX-License-Identifier: Apache-2.0
// A file of a vNode's root file system. Its attributes are remembered; its data are lines of the ExCache, by way of a
// processor::SharedObject, which regular files get when they are first opened. `mutex` is Linux's inode lock: it
// serialises writes, truncations and changes of attributes.
#pragma once

#include <atomic>
#include <boost/intrusive/set.hpp>
#include <optional>

#include "kernel/threads/mutex.h"
#include "linux-abi/files/home_file_system.h"
#include "linux-abi/files/known_listing.h"
#include "linux-abi/files/mount.h"
#include "linux-abi/files/text_use.h"
#include "processor/shared_object.h"

namespace linux_abi {

// F_SEAL_* of linux/fcntl.h.
namespace seal {
inline constexpr std::uint32_t seal = 1, shrink = 2, grow = 4, write = 8, future_write = 16, all = 31;
}

class HomeNode final : public Node, public boost::intrusive::set_base_hook<> {
 public:
  HomeNode(HomeFileSystem& file_system, const messages::FileAttributes& attributes);

  std::uint64_t id() const { return id_; }
  HomeFileSystem& home_system() const { return file_system_; }

  Answer<FileStatus> status(Caller& caller) override;
  Answer<> change(const AttributeChange& change, Caller& caller) override;
  Answer<> truncate(std::uint64_t bytes, Caller& caller) override;
  // The bytes of the range become zeros, as far as the file reaches; what stored them is given back. EPERM: sealed.
  Answer<> punch(std::uint64_t offset, std::uint64_t bytes, Caller& caller);
  // Where data or a hole begin at or behind `offset`, which is in the file. ENXIO: no data follow.
  Answer<std::uint64_t> seek_extent(std::uint64_t offset, messages::Extents what, Caller& caller);
  Answer<OpenFileReference> open(int flags, processor::Reference<Place> place, Caller& caller) override;
  Answer<FileSystemStatus> file_system(Caller& caller) override;
  Answer<NodeReference> look_up(std::string_view name, Caller& caller) override;
  Answer<NodeReference> create(std::string_view name, std::uint32_t mode, std::uint64_t device,
                               Caller& caller) override;
  Answer<NodeReference> create_unnamed(std::uint32_t mode, bool linkable, Caller& caller) override;
  Answer<> create_link(std::string_view name, std::string_view target, Caller& caller) override;
  Answer<> link(std::string_view name, Node& node, Caller& caller) override;
  Answer<> unlink(std::string_view name, bool directory, Caller& caller) override;
  Answer<> rename(std::string_view name, Node& new_directory, std::string_view new_name, std::uint32_t flags,
                  Caller& caller) override;
  Answer<base::Array<std::byte>> xattrs(Caller& caller) override;
  Answer<> set_xattr(std::string_view name, std::span<const std::byte> value, messages::XattrChange change,
                     Caller& caller) override;
  Answer<base::Array<char>> read_link(Caller& caller) override;
  const void* domain() const override { return &file_system_; }

  // The data of a regular file; made (and held at the home) on first use.
  Answer<processor::Reference<processor::SharedObject>> data(processor::Sleeper& sleeper);
  threads::Mutex& mutex() { return mutex_; }
  // Of a file in memory: F_SEAL_*, what is not to be done to it any more (memfd_create(2)). Changes with mutex() held.
  std::uint32_t seals() const { return seals_.load(std::memory_order_relaxed); }
  void set_seals(std::uint32_t seals) { seals_.store(seals, std::memory_order_relaxed); }
  bool write_sealed() const { return (seals() & (seal::write | seal::future_write)) != 0; }
  TextUse& text_use() { return text_use_; }
  bool is_executed() const override { return text_use_.is_executed(); }
  bool is_written() const override { return text_use_.is_written(); }
  std::uint64_t bytes();
  // Before it is written or cut off, with mutex() held: whoever is not root takes its set-user and set-group bits away.
  Answer<> drop_set_id_bits(Caller& caller);
  // It was read, where this mount has it: its access time may move (mount(8): relatime). That stays here, as long as
  // the file is known: nothing goes to the home for it.
  void accessed(const Mount* mount, std::uint64_t wall_ns);
  // It was written: the time is told to the home by tell_times().
  void modified(std::uint64_t wall_ns);
  // It becomes longer by more than what is written: how much of it is stored only the home knows.
  void leaves_hole();
  Answer<> tell_times(processor::Sleeper& sleeper);
  // All that was written is at the home (and, by FileSync, on the disk).
  Answer<> flush(processor::Sleeper& sleeper);
  Answer<> synchronize(bool data_only, processor::Sleeper& sleeper);
  // What the home said is the state now.
  void update(const messages::FileAttributes& attributes);
  void attributes_changed() override;  // ask the home next time
  // Of a directory; every change of its names ends it.
  KnownListing& listing() { return listing_; }

 private:
  void destroy() override;
  // Whether they were known; `done` says whether there was memory.
  bool copy_known_xattrs(base::Array<std::byte>& to, Answer<>& done);
  Answer<messages::FileAttributes> attributes(processor::Sleeper& sleeper);
  Answer<messages::FileAttributes> attributes_now(processor::Sleeper& sleeper);
  Answer<messages::FileAttributes> attributes_with_blocks(processor::Sleeper& sleeper);
  // Takes what a request removes of the data out of use around it; with mutex() held.
  template <typename Removal, typename Request>
  Answer<messages::FileAttributes> remove_data(Removal&& removal, const Request& request, Caller& caller);
  Answer<> data_removed(const Answer<messages::FileAttributes>& changed);
  Answer<processor::Reference<HomeNode>> create_any(std::string_view name, std::uint32_t mode, std::uint64_t device,
                                                    std::string_view target, messages::NewFileHold hold,
                                                    Caller& caller);

  HomeFileSystem& file_system_;
  const std::uint64_t id_;
  threads::Mutex mutex_;
  TextUse text_use_;
  KnownListing listing_;
  std::atomic<std::uint32_t> seals_{seal::seal};
  base::SpinLock lock_{base::LockRank::Poll};  // guards all below
  messages::FileAttributes attributes_;
  bool attributes_known_ = true;
  bool times_untold_ = false;
  bool may_have_holes_ = false;
  std::optional<std::uint64_t> accessed_ns_;
  bool xattrs_known_ = false;
  base::Array<std::byte> xattrs_;  // as messages have them
  processor::Reference<processor::SharedObject> data_;
};

}  // namespace linux_abi
