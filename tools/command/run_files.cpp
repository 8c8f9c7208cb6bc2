// SPDX-License-Identifier: Apache-2.0
#include "tools/command/run_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/rootfs/ext4_image.h"
#include "tools/rootfs/make_image.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace command {
namespace {

namespace fs = std::filesystem;
using support::Failure;

constexpr std::size_t key_bytes = 32;
constexpr std::size_t kept_logs = 10;
// Of the default root's room, so much may be taken by the user's files before the image is made larger.
constexpr std::uint64_t files_in_default_room = rootfs::default_room_bytes / 4;

std::uint64_t bytes_of_files(const RunOptions& options) {
  std::uint64_t bytes = 0;
  for (const auto& [host, guest] : options.files) {
    std::error_code error;
    const std::uint64_t size = fs::file_size(host, error);
    if (error) throw Failure(fmt::format("--file: {}: {}", host, error.message()));
    bytes += size;
  }
  return bytes;
}

void place_files(const RunOptions& options, const fs::path& image) {
  if (options.files.empty()) return;
  rootfs::Ext4Image writable(image, rootfs::Ext4Image::Access::Write);
  for (const auto& [host, guest] : options.files) writable.place_file(host, guest);
  writable.close();
}

void enlarge(const fs::path& image, std::uint64_t bytes) {
  fs::resize_file(image, fs::file_size(image) + (bytes + 4095) / 4096 * 4096);
  const auto done = support::run_captured({"resize2fs", image});
  if (done.status != 0) throw Failure(fmt::format("the root cannot be made larger: {}", done.output));
}

support::Fd lock_image(const fs::path& image) {
  support::Fd file(open(image.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) throw Failure(fmt::format("--root: {}: {}", image.string(), strerror(errno)));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Failure(fmt::format("--root: {} is in use by another rack", image.string()));
  }
  return file;
}

fs::path make_root(const RunOptions& options, const fs::path& folder, const fs::path& cache, Disks& disks) {
  const fs::path copy = folder / "root.ext4";
  const std::uint64_t file_bytes = bytes_of_files(options);
  if (options.root.empty()) {
    rootfs::copy_sparse(rootfs::default_image(cache), copy);
    if (file_bytes > files_in_default_room) enlarge(copy, file_bytes);
    return copy;
  }
  if (fs::is_directory(options.root)) {
    rootfs::make_image(options.root, copy, rootfs::default_room_bytes + file_bytes);
    return copy;
  }
  const fs::path image = fs::absolute(options.root);
  disks.lock = lock_image(image);
  disks.root_use = rack::DiskUse::Own;
  rootfs::Ext4Image(image, rootfs::Ext4Image::Access::Read);  // or it is none
  return image;
}

// fstab(5): device, directory, type.
bool gives_to_tmpfs(const std::string& fstab, std::string_view directory) {
  std::istringstream lines(fstab);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string device, where, type;
    fields >> device >> where >> type;
    if (!device.starts_with('#') && where == directory && type == "tmpfs") return true;
  }
  return false;
}

nlohmann::json parse_counters(const std::string& name, const std::string& text) {
  auto parsed = nlohmann::json::parse(text, nullptr, false);
  if (parsed.is_discarded())
    throw Failure(fmt::format("the counters of {} are not JSON: {}", name, text.substr(0, 80)));
  return parsed;
}

void forget_old_logs(const fs::path& kept) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(kept)) folders.push_back(entry.path());
  std::ranges::sort(folders);  // their names begin with the time
  if (folders.size() < kept_logs) return;
  for (std::size_t i = 0; i + kept_logs <= folders.size(); ++i) fs::remove_all(folders[i]);
}

}  // namespace

std::uint32_t kept_on_disk(const RunOptions& options) {
  std::uint32_t kept = 0;
  for (const auto& [guest, host] : options.copy_out) {
    const fs::path path = (fs::path("/") / guest).lexically_normal();
    const fs::path top = path.relative_path().empty() ? fs::path() : *path.relative_path().begin();
    if (top.empty() || top == "tmp") kept |= 1;
    if (top.empty() || top == "run") kept |= 2;
  }
  if (!options.root.empty() && !fs::is_directory(options.root)) {
    const std::string fstab = rootfs::Ext4Image(options.root, rootfs::Ext4Image::Access::Read).read_text("/etc/fstab");
    if (!gives_to_tmpfs(fstab, "/tmp")) kept |= 1;
    if (!gives_to_tmpfs(fstab, "/run")) kept |= 2;
  }
  return kept;
}

void write_rack_key(const fs::path& file) {
  std::array<char, key_bytes> key;
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) throw Failure("no random bytes");
  const support::Fd out(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  // In hexadecimal, for whoever has to type it one day.
  std::string text;
  for (const char byte : key) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  if (!out || write(out.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw Failure(fmt::format("cannot write {}: {}", file.string(), strerror(errno)));
  }
}

Disks prepare_disks(const RunOptions& options, const fs::path& folder, const fs::path& cache) {
  Disks disks;
  disks.paths.push_back(make_root(options, folder, cache, disks));
  place_files(options, disks.paths[0]);
  for (unsigned i = 1; i < options.rack.storages; ++i) {
    fs::create_directories(folder / "empty");
    disks.paths.push_back(folder / fmt::format("disk{}.ext4", i));
    rootfs::make_image(folder / "empty", disks.paths.back(), rootfs::default_room_bytes);
  }
  return disks;
}

void copy_out(const RunOptions& options, const fs::path& root_image) {
  if (options.copy_out.empty()) return;
  rootfs::Ext4Image image(root_image, rootfs::Ext4Image::Access::Read);
  for (const auto& [guest, host] : options.copy_out) {
    const unsigned left_out = image.copy_out(guest, host);
    if (left_out > 0) fmt::print(stderr, "lego: --copy-out: {} device files of {} were left out\n", left_out, guest);
  }
}

void check_writable(const std::string& path) {
  if (path.empty()) return;
  const support::Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  if (!file) throw Failure(fmt::format("{} cannot be written: {}", path, strerror(errno)));
}

void write_stats(const std::string& path, const RunOutcome& outcome) {
  nlohmann::json document;
  document["components"] = nlohmann::json::object();
  for (const auto& [name, text] : outcome.stats) document["components"][name] = parse_counters(name, text);
  const console::ProgramEnd end = outcome.program.value_or(console::ProgramEnd{});
  document["program"] = {
      {"status", outcome.status}, {"wall_ns", end.wall_ns}, {"user_ns", end.user_ns}, {"system_ns", end.system_ns}};
  std::ofstream file(path);
  file << document.dump(2) << "\n";
  if (!file.flush()) throw Failure(fmt::format("{} cannot be written", path));
}

fs::path keep_logs(const fs::path& logs, const fs::path& kept) {
  fs::create_directories(kept);
  forget_old_logs(kept);
  const fs::path folder = kept / fmt::format("{:012}-{}", time(nullptr), getpid());
  fs::copy(logs, folder, fs::copy_options::recursive);
  return folder;
}

}  // namespace command
