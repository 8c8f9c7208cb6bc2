// SPDX-License-Identifier: Apache-2.0
// An ext4 image on the host, read and changed by libext2fs without mounting it: no root needed, and any name will do.
// The images of users are not trusted: nothing in one makes this write outside of the destination it was given.
// Trouble is thrown as support::Failure. close() writes what was changed.
#pragma once

#include <ext2fs/ext2fs.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace rootfs {

class Ext4Image {
 public:
  enum class Access { Read, Write };
  Ext4Image(const std::filesystem::path& path, Access access);

  // Gives every file to user 0 and group 0.
  void own_all_by_root();

  // Places a host's regular file at an absolute path in the image, mode and time of change kept, owner 0:0. Folders on
  // the way are made; a folder as the target takes the file under its own name; a file that is there is replaced.
  void place_file(const std::filesystem::path& host, const std::string& guest);

  // Copies a file or a folder with all in it to the host. A folder as the destination takes it under its own name.
  // Device files are left out; returns how many.
  unsigned copy_out(const std::string& guest, const std::filesystem::path& host);

  // The beginning of a file, 64 KiB at most; empty if there is no such file.
  std::string read_text(const std::string& guest);

  void close();

 private:
  using Handle = std::unique_ptr<struct_ext2_filsys, void (*)(ext2_filsys)>;

  ext2_ino_t make_folders(std::string_view path, const std::string& whole);
  void remove_entry(ext2_ino_t folder, const std::string& name);
  ext2_ino_t create_file(ext2_ino_t folder, const std::string& name, std::uint16_t mode, std::uint32_t time);
  void write_content(ext2_ino_t file, const std::filesystem::path& host);
  unsigned copy_inode(ext2_ino_t inode, const std::filesystem::path& host, unsigned depth);
  void copy_content(ext2_ino_t inode, const std::filesystem::path& host, std::uint16_t mode);
  std::string link_target(ext2_ino_t inode, const ext2_inode& content);
  void check(errcode_t error, std::string_view what) const;

  std::string name_;
  Handle fs_;
};

}  // namespace rootfs
