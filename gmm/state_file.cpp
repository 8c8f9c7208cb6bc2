// SPDX-License-Identifier: Apache-2.0
// The managers' counters in a file: see state_file.h.
#include "gmm/state_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace gmm {

namespace {

constexpr const char* format =
    "lego managers 1\nepoch %" PRIu64 "\nnodes %" PRIu32 "\nvnodes %" PRIu64 "\nlaunches %" PRIu64 "\n";

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

// So that the name, too, is on the disk.
bool sync_folder(const std::string& path) {
  const auto folder = std::filesystem::absolute(path).parent_path();
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = fsync(fd) == 0;
  close(fd);
  return synced;
}

}  // namespace

Result<Counters> StateFile::load() const {
  const File file(std::fopen(path_.c_str(), "re"));
  if (!file) return errno == ENOENT ? Result<Counters>(Counters{}) : base::fail(Error::IoError);
  Counters counters;
  const int read = std::fscanf(
      file.get(), "lego managers 1\nepoch %" SCNu64 "\nnodes %" SCNu32 "\nvnodes %" SCNu64 "\nlaunches %" SCNu64 "\n",
      &counters.epoch, &counters.nodes, &counters.vnodes, &counters.launches);
  if (read != 4) return base::fail(Error::Malformed);
  return counters;
}

Result<> StateFile::save(const Counters& counters) {
  const std::string fresh = path_ + ".new";
  {
    const File file(std::fopen(fresh.c_str(), "we"));
    if (!file) return base::fail(Error::IoError);
    const bool written =
        std::fprintf(file.get(), format, counters.epoch, counters.nodes, counters.vnodes, counters.launches) > 0;
    if (!written || std::fflush(file.get()) != 0 || fsync(fileno(file.get())) != 0) return base::fail(Error::IoError);
  }
  if (std::rename(fresh.c_str(), path_.c_str()) != 0 || !sync_folder(path_)) return base::fail(Error::IoError);
  return {};
}

}  // namespace gmm
