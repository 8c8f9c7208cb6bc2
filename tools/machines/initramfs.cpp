// SPDX-License-Identifier: Apache-2.0
// The archive format is "newc" (cpio(5)): headers of 8-digit hexadecimal numbers, names and contents padded to 4 bytes.
#include "tools/machines/initramfs.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace machines {
namespace {

namespace fs = std::filesystem;

class Archive {
 public:
  explicit Archive(std::ofstream& out) : out_(out) {}

  void add(const std::string& name, unsigned mode, const std::string& content) {
    ++inode_;
    out_ << fmt::format("070701{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}", inode_,
                        mode, 0, 0, 1, 0, content.size(), 0, 0, 0, 0, name.size() + 1, 0);
    out_ << name << '\0';
    pad();
    out_ << content;
    pad();
  }
  // Each folder above the file, once.
  void add_folders(const fs::path& name) {
    fs::path folder;
    for (const fs::path& part : name.parent_path()) {
      folder /= part;
      if (made_.insert(folder).second) add(folder, S_IFDIR | 0755, "");
    }
  }
  void end() { add("TRAILER!!!", 0, ""); }

 private:
  void pad() {
    while (out_.tellp() % 4 != 0) out_ << '\0';
  }
  std::ofstream& out_;
  std::set<fs::path> made_;
  unsigned inode_ = 0;
};

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void add_files(const fs::path& image, const GuestFiles& files, const fs::path& target) {
  fs::copy_file(image, target, fs::copy_options::overwrite_existing);
  std::ofstream out(target, std::ios::binary | std::ios::app);
  out.seekp(0, std::ios::end);
  Archive archive(out);
  for (const auto& [host, guest] : files) {
    const fs::path name = fs::path(guest).relative_path();
    const std::string content = content_of(host);
    archive.add_folders(name);
    archive.add(name, S_IFREG | (static_cast<unsigned>(fs::status(host).permissions()) & 0777), content);
  }
  archive.end();
  out.flush();
  if (!out) throw std::runtime_error("cannot write " + target.string());
}

}  // namespace machines
