// SPDX-License-Identifier: Apache-2.0
// Reading and writing files' bytes: see file_system.h. Data passes by the cache: whole blocks go between the caller's
// memory and the store, parts of blocks by way of a buffer. A write's blocks are on their way to the disk before the
// transaction that makes them the file's commits.
#include <algorithm>
#include <array>
#include <cstring>

#include "storage/ext4/attributes.h"
#include "storage/ext4/file_map.h"
#include "storage/ext4/file_system.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;

namespace {

constexpr std::size_t max_segments = 64;

template <typename Segment>
class Transfers {
 public:
  explicit Transfers(storage::BlockStore& store) : store_(store) {}
  Result<> add(Segment segment) {
    if (count_ == max_segments) TRY(finish());
    segments_[count_++] = segment;
    return {};
  }
  Result<> finish() {
    const std::size_t count = std::exchange(count_, 0);
    if (count == 0) return {};
    if constexpr (std::is_same_v<Segment, storage::ReadSegment>)
      return store_.read({segments_.data(), count});
    else
      return store_.write({segments_.data(), count});
  }

 private:
  storage::BlockStore& store_;
  std::array<Segment, max_segments> segments_;
  std::size_t count_ = 0;
};

}  // namespace

Result<std::size_t> FileSystem::read(base::FileId file, std::uint64_t offset, std::span<std::byte> into) {
  const InodeRef inode = TRY(volume_->inodes().find(file));
  if (inode->is_directory()) return fail(Error::IsDirectory);
  if (!inode->is_regular()) return fail(Error::InvalidArgument);
  if (offset >= inode->size()) return std::size_t{0};
  into = into.first(std::min<std::uint64_t>(into.size(), inode->size() - offset));
  const std::uint32_t block_bytes = volume_->block_bytes();
  base::Array<std::byte> buffer;  // for the partial blocks at either end
  TRY(buffer.resize(std::size_t{2} * block_bytes));
  struct Partial {
    std::span<std::byte> from, to;
  };
  std::array<Partial, 2> partials;
  std::size_t partial_count = 0;
  FileMap map(*volume_, *inode);
  Transfers<storage::ReadSegment> transfers(volume_->store());
  for (std::size_t done = 0; done < into.size();) {
    const std::uint64_t at = offset + done;
    const std::size_t left = into.size() - done;
    const std::uint64_t skip = at % block_bytes;
    const Mapping mapping = TRY(map.find(at / block_bytes));
    const std::uint64_t mapped = std::min<std::uint64_t>(mapping.count * block_bytes - skip, left);
    if (mapping.physical == 0 || mapping.written == Written::No) {
      std::memset(into.data() + done, 0, mapped);
      done += mapped;
    } else if (skip != 0 || left < block_bytes) {
      const std::size_t bytes = std::min<std::uint64_t>(block_bytes - skip, left);
      const std::span<std::byte> whole(buffer.data() + partial_count * block_bytes, block_bytes);
      partials[partial_count++] = {whole.subspan(skip, bytes), into.subspan(done, bytes)};
      TRY(transfers.add({mapping.physical * block_bytes, whole}));
      done += bytes;
    } else {
      const std::size_t bytes = mapped / block_bytes * block_bytes;
      TRY(transfers.add({mapping.physical * block_bytes, into.subspan(done, bytes)}));
      done += bytes;
    }
  }
  TRY(transfers.finish());
  for (std::size_t i = 0; i < partial_count; ++i)
    std::memcpy(partials[i].to.data(), partials[i].from.data(), partials[i].to.size());
  return into.size();
}

namespace {

// One write: the file's blocks [first, last], of which the outer two may be covered only in part.
class Write {
 public:
  Write(Volume& volume, Inode& inode, std::uint64_t offset, std::span<const std::byte> from)
      : volume_(volume),
        map_(volume, inode),
        old_size_(inode.size()),
        offset_(offset),
        from_(from),
        block_bytes_(volume.block_bytes()),
        first_(offset / block_bytes_),
        last_((offset + from.size() - 1) / block_bytes_) {}

  Result<> run() {
    TRY(edges_.resize(std::size_t{2} * block_bytes_));
    const bool head = offset_ % block_bytes_ != 0;
    const bool tail = (offset_ + from_.size()) % block_bytes_ != 0;
    if (head || (tail && first_ == last_)) TRY(load_edge(first_, 0));
    if (tail && first_ != last_) TRY(load_edge(last_, 1));
    TRY(map_.allocate(first_, last_ - first_ + 1, Written::No));
    TRY(map_.mark_written(first_, last_ - first_ + 1));
    return transfer(head, tail);
  }

 private:
  std::span<std::byte> edge(std::size_t index) { return {edges_.data() + index * block_bytes_, block_bytes_}; }

  // What the block holds beside the new bytes: what the file has there, and zeros behind its old end.
  Result<> load_edge(std::uint64_t block, std::size_t index) {
    const Mapping mapping = TRY(map_.find(block));
    if (mapping.physical == 0 || mapping.written == Written::No) return {};  // the buffer is zero
    const storage::ReadSegment segment{mapping.physical * block_bytes_, edge(index)};
    TRY(volume_.store().read({&segment, 1}));
    const std::uint64_t start = block * block_bytes_;
    if (old_size_ >= start + block_bytes_) return {};
    const std::uint64_t valid = old_size_ > start ? old_size_ - start : 0;
    std::memset(edge(index).data() + valid, 0, block_bytes_ - valid);
    return {};
  }

  Result<> transfer(bool head, bool tail) {
    Transfers<storage::WriteSegment> transfers(volume_.store());
    for (std::uint64_t block = first_; block <= last_;) {
      const Mapping mapping = TRY(map_.find(block));
      if (mapping.physical == 0) return fail(Error::IoError);
      const bool is_edge = (block == first_ && (head || (tail && first_ == last_))) || (block == last_ && tail);
      std::uint64_t count = 1;
      if (is_edge) {
        TRY(transfers.add({mapping.physical * block_bytes_, merge_edge(block)}));
      } else {
        const std::uint64_t end = tail ? last_ : last_ + 1;
        count = std::min(mapping.count, end - block);
        const std::size_t start = block * block_bytes_ - offset_;
        TRY(transfers.add({mapping.physical * block_bytes_, from_.subspan(start, count * block_bytes_)}));
      }
      block += count;
    }
    return transfers.finish();
  }

  std::span<const std::byte> merge_edge(std::uint64_t block) {
    const std::span<std::byte> buffer = edge(block == first_ ? 0 : 1);
    const std::uint64_t start = std::max(block * block_bytes_, offset_);
    const std::uint64_t end = std::min((block + 1) * block_bytes_, offset_ + from_.size());
    std::memcpy(buffer.data() + start % block_bytes_, from_.data() + (start - offset_), end - start);
    return buffer;
  }

  Volume& volume_;
  FileMap map_;
  const std::uint64_t old_size_, offset_;
  const std::span<const std::byte> from_;
  const std::uint64_t block_bytes_, first_, last_;
  base::Array<std::byte> edges_;
};

}  // namespace

Result<storage::Attributes> FileSystem::write(base::FileId file, std::uint64_t offset, std::span<const std::byte> from,
                                              const storage::Request& request) {
  TRY(writable());
  Transaction transaction(*volume_, request);
  const InodeRef inode = TRY(volume_->inodes().find(file));
  if (inode->is_directory()) return fail(Error::IsDirectory);
  if (!inode->is_regular()) return fail(Error::InvalidArgument);
  if (from.empty()) return attributes_of(*volume_, *inode);
  if (offset + from.size() < offset) return fail(Error::TooBig);
  TRY(check_size(*inode, offset + from.size()));
  volume_->inodes().change(*inode);
  const std::uint64_t old_size = inode->size();
  if (offset > old_size && offset / volume_->block_bytes() != old_size / volume_->block_bytes())
    TRY(zero_tail(*inode, old_size));
  TRY(Write(*volume_, *inode, offset, from).run());
  if (offset + from.size() > old_size) {
    inode->set_size(offset + from.size());
    if (inode->size() > 0x7fffffff) ext2fs_set_feature_large_file(volume_->library()->super);
  }
  set_modify_time(*volume_, *inode, request.now);
  set_change_time(*volume_, *inode, request.now);
  TRY(transaction.commit());
  return attributes_of(*volume_, *inode);
}

}  // namespace ext4
