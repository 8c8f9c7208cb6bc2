// SPDX-License-Identifier: Apache-2.0
#include "tools/rootfs/make_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tools/rootfs/ext4_image.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"
#include "tools/support/fd.h"

namespace rootfs {
namespace {

constexpr std::uint64_t block_bytes = 4096;

struct Content {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  bool all_of_root = true;
};

Content measure(const std::filesystem::path& folder) {
  Content content;
  const auto add = [&](const std::filesystem::path& path) {
    struct stat status;
    if (lstat(path.c_str(), &status) != 0) {
      throw support::Failure(fmt::format("{}: {}", path.string(), strerror(errno)));
    }
    ++content.files;
    content.bytes += (static_cast<std::uint64_t>(status.st_size) / block_bytes + 1) * block_bytes;
    content.all_of_root = content.all_of_root && status.st_uid == 0 && status.st_gid == 0;
  };
  add(folder);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) add(entry.path());
  return content;
}

std::uint64_t image_bytes(const Content& content, std::uint64_t room_bytes) {
  // Inodes, bitmaps, the journal and folders' blocks come on top.
  const std::uint64_t bytes = content.bytes + content.bytes / 10 + (64 << 20) + room_bytes;
  return (bytes + block_bytes - 1) / block_bytes * block_bytes;
}

bool clone_or_copy(int from, int to) {
  if (ioctl(to, FICLONE, from) == 0) return true;
  struct stat status;
  if (fstat(from, &status) != 0 || ftruncate(to, status.st_size) != 0) return false;
  for (off_t data = lseek(from, 0, SEEK_DATA); data >= 0;) {
    const off_t end = lseek(from, data, SEEK_HOLE);
    off_t in = data;
    off_t out = data;
    while (in < end) {
      if (copy_file_range(from, &in, to, &out, static_cast<std::size_t>(end - in), 0) <= 0) return false;
    }
    data = lseek(from, end, SEEK_DATA);
  }
  return true;
}

}  // namespace

void make_image(const std::filesystem::path& folder, const std::filesystem::path& image, std::uint64_t room_bytes) {
  const Content content = measure(folder);
  const std::uint64_t bytes = image_bytes(content, room_bytes);
  const std::uint64_t inodes = std::max(bytes / 16384, content.files + content.files / 4 + 10000);
  // The image is sparse, so what "lazy" leaves out is zero anyway.
  const auto made = support::run_captured({"mke2fs",
                                           "-q",
                                           "-F",
                                           "-t",
                                           "ext4",
                                           "-b",
                                           "4096",
                                           "-m",
                                           "0",
                                           "-L",
                                           "lego",
                                           "-O",
                                           "^orphan_file,^metadata_csum_seed",
                                           "-E",
                                           "lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0",
                                           "-N",
                                           std::to_string(inodes),
                                           "-d",
                                           folder,
                                           image,
                                           fmt::format("{}k", bytes / 1024)});
  if (made.status != 0)
    throw support::Failure(fmt::format("mke2fs cannot make an image of {}: {}", folder.string(), made.output));
  if (content.all_of_root || getenv("FAKEROOTKEY") != nullptr) return;
  Ext4Image written(image, Ext4Image::Access::Write);
  written.own_all_by_root();
  written.close();
}

void copy_sparse(const std::filesystem::path& from, const std::filesystem::path& to) {
  const support::Fd in(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const support::Fd out(open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!in || !out || !clone_or_copy(in.get(), out.get())) {
    throw support::Failure(fmt::format("cannot copy {} to {}: {}", from.string(), to.string(), strerror(errno)));
  }
}

}  // namespace rootfs
