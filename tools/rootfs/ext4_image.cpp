// SPDX-License-Identifier: Apache-2.0
// Opening, folders and placing files; what goes the other way is in copy_out.cpp.
#include "tools/rootfs/ext4_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <vector>

#include "tools/support/failure.h"
#include "tools/support/fd.h"

namespace rootfs {
namespace {

void discard(ext2_filsys fs) {
  // Without writing: what close() did not write is not wanted.
  if (fs != nullptr) ext2fs_free(fs);
}

std::uint32_t now_seconds() { return static_cast<std::uint32_t>(time(nullptr)); }

}  // namespace

Ext4Image::Ext4Image(const std::filesystem::path& path, Access access) : name_(path), fs_(nullptr, discard) {
  initialize_ext2_error_table();
  const bool writing = access == Access::Write;
  ext2_filsys fs = nullptr;
  check(ext2fs_open(path.c_str(), (writing ? EXT2_FLAG_RW : 0) | EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs),
        "no ext4 file system can be read");
  fs_.reset(fs);
  if (!writing) return;
  if (ext2fs_has_feature_journal_needs_recovery(fs->super) != 0) {
    throw support::Failure(fmt::format("{}: was not closed in order (e2fsck -p repairs it)", name_));
  }
  check(ext2fs_read_bitmaps(fs), "the bitmaps cannot be read");
}

void Ext4Image::check(errcode_t error, std::string_view what) const {
  if (error != 0) throw support::Failure(fmt::format("{}: {}: {}", name_, what, error_message(error)));
}

void Ext4Image::close() {
  ext2_filsys fs = fs_.release();
  check(ext2fs_close_free(&fs), "cannot be written");
}

void Ext4Image::own_all_by_root() {
  ext2_inode_scan scan;
  check(ext2fs_open_inode_scan(fs_.get(), 0, &scan), "the inodes cannot be read");
  const std::unique_ptr<std::remove_pointer_t<ext2_inode_scan>, void (*)(ext2_inode_scan)> owner(
      scan, ext2fs_close_inode_scan);
  for (;;) {
    ext2_ino_t number;
    ext2_inode inode;
    check(ext2fs_get_next_inode(scan, &number, &inode), "an inode cannot be read");
    if (number == 0) return;
    if (inode.i_links_count == 0 || (inode_uid(inode) == 0 && inode_gid(inode) == 0)) continue;
    inode.i_uid = inode.i_gid = 0;
    ext2fs_set_i_uid_high(inode, 0);
    ext2fs_set_i_gid_high(inode, 0);
    check(ext2fs_write_inode(fs_.get(), number, &inode), "an inode cannot be written");
  }
}

// The folder at this path below the root, made if it is not there.
ext2_ino_t Ext4Image::make_folders(std::string_view path, const std::string& whole) {
  ext2_ino_t folder = EXT2_ROOT_INO;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string name(path.substr(0, slash));
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
    if (name.empty()) continue;
    if (name.size() > EXT2_NAME_LEN) throw support::Failure(fmt::format("{}: a name is too long", whole));
    ext2_ino_t next = 0;
    errcode_t error = ext2fs_namei_follow(fs_.get(), EXT2_ROOT_INO, folder, name.c_str(), &next);
    if (error == EXT2_ET_FILE_NOT_FOUND) {
      error = ext2fs_mkdir(fs_.get(), folder, 0, name.c_str());
      if (error == EXT2_ET_DIR_NO_SPACE) {
        check(ext2fs_expand_dir(fs_.get(), folder), "a folder cannot grow");
        error = ext2fs_mkdir(fs_.get(), folder, 0, name.c_str());
      }
      if (error == 0)
        error = ext2fs_lookup(fs_.get(), folder, name.c_str(), static_cast<int>(name.size()), nullptr, &next);
    }
    check(error, fmt::format("{}: {}", whole, name));
    check(ext2fs_check_directory(fs_.get(), next), fmt::format("{}: {}", whole, name));
    folder = next;
  }
  return folder;
}

void Ext4Image::place_file(const std::filesystem::path& host, const std::string& guest) {
  struct stat status;
  if (stat(host.c_str(), &status) != 0) throw support::Failure(fmt::format("{}: {}", host.string(), strerror(errno)));
  if (!S_ISREG(status.st_mode)) throw support::Failure(fmt::format("{} is not a file", host.string()));
  if (guest.empty() || guest[0] != '/') throw support::Failure(fmt::format("'{}' is not an absolute path", guest));
  const auto slash = guest.rfind('/');
  std::string name = guest.substr(slash + 1);
  std::string folder_path = guest.substr(0, slash);
  ext2_ino_t there = 0;
  if (name.empty() || (ext2fs_namei_follow(fs_.get(), EXT2_ROOT_INO, EXT2_ROOT_INO, guest.c_str(), &there) == 0 &&
                       ext2fs_check_directory(fs_.get(), there) == 0)) {
    folder_path = guest;
    name = host.filename();
  }
  if (name == "." || name == ".." || name.size() > EXT2_NAME_LEN) {
    throw support::Failure(fmt::format("'{}' cannot be the name of a file", guest));
  }
  const ext2_ino_t folder = make_folders(folder_path, guest);
  remove_entry(folder, name);
  const auto mode = static_cast<std::uint16_t>(LINUX_S_IFREG | (status.st_mode & 07777));
  write_content(create_file(folder, name, mode, static_cast<std::uint32_t>(status.st_mtime)), host);
}

void Ext4Image::remove_entry(ext2_ino_t folder, const std::string& name) {
  ext2_ino_t number = 0;
  if (ext2fs_lookup(fs_.get(), folder, name.c_str(), static_cast<int>(name.size()), nullptr, &number) != 0) return;
  ext2_inode inode;
  check(ext2fs_read_inode(fs_.get(), number, &inode), name);
  check(ext2fs_unlink(fs_.get(), folder, name.c_str(), 0, 0), name);
  if (--inode.i_links_count == 0) {
    inode.i_dtime = now_seconds();
    if (ext2fs_inode_has_valid_blocks2(fs_.get(), &inode) != 0) {
      check(ext2fs_punch(fs_.get(), number, &inode, nullptr, 0, ~0ULL), name);
    }
    ext2fs_inode_alloc_stats2(fs_.get(), number, -1, 0);
  }
  check(ext2fs_write_inode(fs_.get(), number, &inode), name);
}

ext2_ino_t Ext4Image::create_file(ext2_ino_t folder, const std::string& name, std::uint16_t mode, std::uint32_t time) {
  ext2_ino_t number = 0;
  check(ext2fs_new_inode(fs_.get(), folder, mode, nullptr, &number), name);
  errcode_t error = ext2fs_link(fs_.get(), folder, name.c_str(), number, EXT2_FT_REG_FILE);
  if (error == EXT2_ET_DIR_NO_SPACE) {
    check(ext2fs_expand_dir(fs_.get(), folder), name);
    error = ext2fs_link(fs_.get(), folder, name.c_str(), number, EXT2_FT_REG_FILE);
  }
  check(error, name);
  ext2fs_inode_alloc_stats2(fs_.get(), number, +1, 0);
  ext2_inode inode{};
  inode.i_mode = mode;
  inode.i_links_count = 1;
  inode.i_atime = inode.i_ctime = now_seconds();
  inode.i_mtime = time;
  if (ext2fs_has_feature_extents(fs_->super) != 0) {
    ext2_extent_handle_t extents;
    check(ext2fs_extent_open2(fs_.get(), number, &inode, &extents), name);
    ext2fs_extent_free(extents);
  }
  check(ext2fs_write_new_inode(fs_.get(), number, &inode), name);
  return number;
}

void Ext4Image::write_content(ext2_ino_t number, const std::filesystem::path& host) {
  const support::Fd from(open(host.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from) throw support::Failure(fmt::format("{}: {}", host.string(), strerror(errno)));
  ext2_file_t file;
  check(ext2fs_file_open(fs_.get(), number, EXT2_FILE_WRITE, &file), host.string());
  errcode_t error = 0;
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const ssize_t got = read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    unsigned written = 0;
    for (unsigned done = 0; error == 0 && done < static_cast<unsigned>(got); done += written) {
      error = ext2fs_file_write(file, buffer.data() + done, static_cast<unsigned>(got) - done, &written);
    }
    if (error != 0) break;
  }
  const errcode_t closing = ext2fs_file_close(file);
  check(error != 0 ? error : closing, fmt::format("{} cannot be placed", host.string()));
}

}  // namespace rootfs
