// SPDX-License-Identifier: Apache-2.0
// Disk images for tests: made by mke2fs, checked by e2fsck, looked into by debugfs. They are sparse files in a
// temporary folder that goes with the object.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "storage/block_store.h"

namespace ext4::testing {

// Standard output of a shell command and its exit status.
struct CommandResult {
  int status = -1;
  std::string output;
};
CommandResult run_command(const std::string& command);

// A disk that fails on demand, and counts.
class TestStore : public storage::BlockStore {
 public:
  // Asked before each segment; true makes the call fail.
  std::function<bool()> fails;

  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
  std::uint64_t flushes = 0;
};

// In a file.
class FileStore final : public TestStore {
 public:
  explicit FileStore(const std::string& path);
  FileStore(const FileStore&) = delete;
  FileStore& operator=(const FileStore&) = delete;
  ~FileStore() override;

  std::uint64_t capacity_bytes() const override { return capacity_; }
  std::uint32_t sector_bytes() const override { return 512; }
  bool read_only() const override { return read_only_; }
  base::Result<> read(std::span<const storage::ReadSegment> segments) override;
  base::Result<> write(std::span<const storage::WriteSegment> segments) override;
  base::Result<> flush() override;

  void set_read_only(bool read_only) { read_only_ = read_only; }

 private:
  base::Result<> check(std::uint64_t offset, std::uint64_t bytes) const;
  int file_;
  std::uint64_t capacity_;
  bool read_only_ = false;
};

class Image {
 public:
  // mke2fs with these options (of type ext4 unless they say otherwise). `populate`: fills a folder whose contents go
  // into the image.
  explicit Image(std::uint64_t megabytes, const std::string& options = "",
                 const std::function<void(const std::string& folder)>& populate = nullptr);
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image();

  const std::string& path() const { return path_; }
  // Nothing to complain about; otherwise what e2fsck -fn says.
  std::string check() const;
  std::string debugfs(const std::string& request) const;
  // The same of a copy that e2fsck has replayed the journal of, for while it is mounted or after a crash.
  std::string debugfs_after_replay(const std::string& request) const;
  // With a writing debugfs, one after the other.
  void change(const std::vector<std::string>& requests) const;
  // The path of a copy, in a file of this name beside the image.
  std::string copy(const std::string& name) const;
  // The path of a file beside the image with these contents.
  std::string file(const std::string& name, const std::vector<std::byte>& contents) const;
  std::vector<std::byte> bytes() const;
  static std::vector<std::byte> bytes_of(const std::string& path);

 private:
  std::string folder_;
  std::string path_;
};

}  // namespace ext4::testing
