// SPDX-License-Identifier: Apache-2.0
// From an image to the host. Names come from the image, so each is checked, and nothing inside the destination is ever
// opened that this did not make itself (O_EXCL, O_NOFOLLOW).
#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "tools/rootfs/ext4_image.h"
#include "tools/support/failure.h"
#include "tools/support/fd.h"

namespace rootfs {
namespace {

constexpr unsigned max_depth = 200;  // a damaged image may have a folder inside itself

struct Entry {
  std::string name;
  ext2_ino_t inode;
};

int collect(ext2_ino_t, int, ext2_dir_entry* entry, int, int, char*, void* list) {
  std::string name(entry->name, static_cast<std::size_t>(ext2fs_dirent_name_len(entry)));
  const bool harmless =
      !name.empty() && name != "." && name != ".." && name.find('/') == name.npos && name.find('\0') == name.npos;
  if (harmless) static_cast<std::vector<Entry>*>(list)->push_back({std::move(name), entry->inode});
  return 0;
}

[[noreturn]] void fail_at(const std::filesystem::path& path) {
  throw support::Failure(fmt::format("{}: {}", path.string(), strerror(errno)));
}

bool all_zero(const char* bytes, std::size_t count) {
  return std::all_of(bytes, bytes + count, [](char byte) { return byte == 0; });
}

void write_at(int fd, const char* bytes, std::size_t count, off_t offset, const std::filesystem::path& path) {
  while (count > 0) {
    const ssize_t written = pwrite(fd, bytes, count, offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_at(path);
    bytes += written;
    offset += written;
    count -= static_cast<std::size_t>(written);
  }
}

}  // namespace

unsigned Ext4Image::copy_out(const std::string& guest, const std::filesystem::path& host) {
  if (guest.empty() || guest[0] != '/') throw support::Failure(fmt::format("'{}' is not an absolute path", guest));
  ext2_ino_t number = 0;
  check(ext2fs_namei_follow(fs_.get(), EXT2_ROOT_INO, EXT2_ROOT_INO, guest.c_str(), &number), guest);
  std::filesystem::path to = host;
  if (std::filesystem::is_directory(host)) {
    // "/a/b/" is called b, "/" has no name of its own.
    std::filesystem::path name = std::filesystem::path(guest).lexically_normal();
    if (!name.has_filename()) name = name.parent_path();
    if (name.filename() == "..") throw support::Failure(fmt::format("'{}' has no name to copy it under", guest));
    if (name.has_filename()) to /= name.filename();
  }
  ext2_inode inode;
  check(ext2fs_read_inode(fs_.get(), number, &inode), guest);
  // What was asked for by name may replace a file; what is inside of it never does.
  if (LINUX_S_ISREG(inode.i_mode)) {
    if (unlink(to.c_str()) != 0 && errno != ENOENT) fail_at(to);
  } else if (std::filesystem::is_directory(to) && std::filesystem::is_empty(to)) {
    rmdir(to.c_str());
  }
  return copy_inode(number, to, 0);
}

unsigned Ext4Image::copy_inode(ext2_ino_t number, const std::filesystem::path& host, unsigned depth) {
  if (depth > max_depth) throw support::Failure(fmt::format("{}: folders are nested too deeply", host.string()));
  ext2_inode inode;
  check(ext2fs_read_inode(fs_.get(), number, &inode), host.string());
  if (LINUX_S_ISREG(inode.i_mode)) {
    copy_content(number, host, inode.i_mode);
    return 0;
  }
  if (LINUX_S_ISLNK(inode.i_mode)) {
    if (symlink(link_target(number, inode).c_str(), host.c_str()) != 0) fail_at(host);
    return 0;
  }
  if (LINUX_S_ISFIFO(inode.i_mode)) {
    if (mkfifo(host.c_str(), inode.i_mode & 07777) != 0) fail_at(host);
    return 0;
  }
  if (!LINUX_S_ISDIR(inode.i_mode)) return 1;
  if (mkdir(host.c_str(), 0700) != 0) fail_at(host);
  std::vector<Entry> entries;
  check(ext2fs_dir_iterate2(fs_.get(), number, 0, nullptr, collect, &entries), host.string());
  unsigned left_out = 0;
  for (const Entry& entry : entries) left_out += copy_inode(entry.inode, host / entry.name, depth + 1);
  chmod(host.c_str(), inode.i_mode & 07777);
  return left_out;
}

void Ext4Image::copy_content(ext2_ino_t number, const std::filesystem::path& host, std::uint16_t mode) {
  const support::Fd to(open(host.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!to) fail_at(host);
  ext2_file_t file;
  check(ext2fs_file_open(fs_.get(), number, 0, &file), host.string());
  const std::unique_ptr<std::remove_pointer_t<ext2_file_t>, errcode_t (*)(ext2_file_t)> owner(file, ext2fs_file_close);
  __u64 size = 0;
  check(ext2fs_file_get_lsize(file, &size), host.string());
  std::vector<char> buffer(1 << 16);
  for (__u64 offset = 0; offset < size;) {
    unsigned got = 0;
    check(ext2fs_file_read(file, buffer.data(), static_cast<unsigned>(buffer.size()), &got), host.string());
    if (got == 0) break;
    if (!all_zero(buffer.data(), got)) write_at(to.get(), buffer.data(), got, static_cast<off_t>(offset), host);
    offset += got;
  }
  if (ftruncate(to.get(), static_cast<off_t>(size)) != 0) fail_at(host);
  fchmod(to.get(), mode & 07777);
}

std::string Ext4Image::read_text(const std::string& guest) {
  ext2_ino_t number = 0;
  if (ext2fs_namei_follow(fs_.get(), EXT2_ROOT_INO, EXT2_ROOT_INO, guest.c_str(), &number) != 0) return {};
  ext2_file_t file;
  check(ext2fs_file_open(fs_.get(), number, 0, &file), guest);
  std::string text(1 << 16, 0);
  unsigned got = 0;
  const errcode_t error = ext2fs_file_read(file, text.data(), static_cast<unsigned>(text.size()), &got);
  ext2fs_file_close(file);
  check(error, guest);
  text.resize(got);
  return text;
}

std::string Ext4Image::link_target(ext2_ino_t number, const ext2_inode& inode) {
  if (ext2fs_is_fast_symlink(const_cast<ext2_inode*>(&inode)) != 0) {
    const auto* text = reinterpret_cast<const char*>(inode.i_block);
    return {text, strnlen(text, std::min<std::size_t>(inode.i_size, sizeof(inode.i_block)))};
  }
  ext2_file_t file;
  check(ext2fs_file_open(fs_.get(), number, 0, &file), "a symbolic link");
  std::string text(4096, 0);
  unsigned got = 0;
  const errcode_t error = ext2fs_file_read(file, text.data(), static_cast<unsigned>(text.size()), &got);
  ext2fs_file_close(file);
  check(error, "a symbolic link");
  return text.substr(0, std::min<std::size_t>(got, strlen(text.c_str())));
}

}  // namespace rootfs
