// SPDX-License-Identifier: Apache-2.0
// storage::FileSystem on an ext4 image. Each changing operation is one transaction of the volume; freeing a large file
// takes several, with the file on the list of orphans in between.
#pragma once

#include "storage/ext4/directory.h"
#include "storage/ext4/volume.h"
#include "storage/file_system.h"

namespace ext4 {

class FileSystem final : public storage::FileSystem {
 public:
  // Errors: as Volume::open().
  static base::Result<base::Own<FileSystem>> mount(storage::BlockStore& store, const MountOptions& options,
                                                   storage::Time now);
  explicit FileSystem(base::Own<Volume> volume) : volume_(std::move(volume)) {}

  base::FileId root() const override { return root_; }
  bool read_only() const override { return volume_->read_only(); }
  base::Result<storage::Statistics> statistics() override;

  base::Result<storage::Attributes> lookup(base::FileId directory, std::string_view name) override;
  base::Result<storage::Attributes> create(base::FileId directory, std::string_view name, const storage::NewFile& file,
                                           const storage::Request& request) override;
  base::Result<storage::Attributes> create_unnamed(base::FileId directory, const storage::NewFile& file, bool linkable,
                                                   const storage::Request& request) override;
  base::Result<storage::Attributes> link(base::FileId file, base::FileId directory, std::string_view name,
                                         const storage::Request& request) override;
  base::Result<storage::Attributes> unlink(base::FileId directory, std::string_view name,
                                           const storage::Request& request) override;
  base::Result<storage::Attributes> remove_directory(base::FileId directory, std::string_view name,
                                                     const storage::Request& request) override;
  base::Result<std::optional<storage::Attributes>> rename(base::FileId old_directory, std::string_view old_name,
                                                          base::FileId new_directory, std::string_view new_name,
                                                          storage::RenameMode mode,
                                                          const storage::Request& request) override;
  base::Result<bool> read_directory(base::FileId directory, std::uint64_t cookie,
                                    storage::DirectoryVisitor& visitor) override;
  base::Result<std::string_view> read_link(base::FileId file, std::span<char> into) override;

  base::Result<storage::Attributes> attributes(base::FileId file) override;
  base::Result<storage::Attributes> set_attributes(base::FileId file, const storage::AttributeChanges& changes,
                                                   const storage::Request& request) override;
  base::Result<std::size_t> get_xattr(base::FileId file, std::string_view name, std::span<std::byte> into) override;
  base::Result<> set_xattr(base::FileId file, std::string_view name, std::span<const std::byte> value,
                           storage::XattrMode mode, const storage::Request& request) override;
  base::Result<> remove_xattr(base::FileId file, std::string_view name, const storage::Request& request) override;
  base::Result<std::size_t> list_xattrs(base::FileId file, std::span<char> into) override;

  base::Result<std::size_t> read(base::FileId file, std::uint64_t offset, std::span<std::byte> into) override;
  base::Result<storage::Attributes> write(base::FileId file, std::uint64_t offset, std::span<const std::byte> from,
                                          const storage::Request& request) override;
  base::Result<> reserve(base::FileId file, std::uint64_t offset, std::uint64_t bytes,
                         const storage::Request& request) override;
  base::Result<storage::Attributes> punch(base::FileId file, std::uint64_t offset, std::uint64_t bytes,
                                          const storage::Request& request) override;
  base::Result<storage::FileExtent> extent(base::FileId file, std::uint64_t offset) override;
  base::Result<> sync(base::FileId file, storage::SyncScope scope) override;

  base::Result<storage::Attributes> hold(base::FileId file) override;
  base::Result<> release(base::FileId file, std::uint32_t count, const storage::Request& request) override;
  base::Result<> release_all(const storage::Request& request) override;

  base::Result<> write_back() override;
  void for_each_counter(CounterVisitor visit, void* context) override;
  base::Result<> unmount() override;

  Volume& volume() { return *volume_; }  // for counters and tests

 private:
  enum class Kind : std::uint8_t { Directory, Other };

  base::Result<> writable() const;
  base::Result<InodeRef> directory(base::FileId id);
  base::Result<InodeRef> entry(Directory& directory, std::string_view name, FoundEntry& found);
  void touch_directory(Inode& directory, storage::Time now);

  base::Result<> fill_new(Inode& inode, const Inode& parent, const storage::NewFile& file, storage::Time now);
  base::Result<> write_target(Inode& inode, std::string_view target);
  base::Result<storage::Attributes> remove_entry(base::FileId directory, std::string_view name, Kind kind,
                                                 const storage::Request& request);
  // One name less. `left_over`: the inode's number if it needs free_left_over() once the transaction has committed.
  base::Result<> drop_link(Inode& inode, storage::Time now, std::uint32_t& left_over);
  std::uint32_t deletion_time(storage::Time now) const;
  base::Result<bool> free_step(Inode& inode, storage::Time now);
  base::Result<> free_left_over(std::uint32_t inode, const storage::Request& request);
  base::Result<> add_link_to_parent(Inode& parent);
  void drop_link_to_parent(Inode& parent);

  struct RenameSide;
  base::Result<> check_rename(RenameSide& from, RenameSide& to, storage::RenameMode mode);
  base::Result<> replace_entries(RenameSide& from, RenameSide& to, storage::Time now, std::uint32_t& left_over);
  base::Result<> exchange_entries(RenameSide& from, RenameSide& to, storage::Time now);
  base::Result<bool> lies_below(std::uint32_t inode, std::uint32_t ancestor);

  base::Result<bool> resize(Inode& inode, std::uint64_t size);
  base::Result<> check_size(Inode& inode, std::uint64_t size);
  base::Result<> zero_tail(Inode& inode, std::uint64_t from);
  base::Result<> zero_part(Inode& inode, std::uint64_t from, std::uint64_t end);
  base::Result<> process_orphans(storage::Time now);

  base::Own<Volume> volume_;
  base::FileId root_;
};

}  // namespace ext4
