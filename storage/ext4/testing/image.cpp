// SPDX-License-Identifier: Apache-2.0
// Images and their tools: see image.h.
#include "storage/ext4/testing/image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace ext4::testing {

using base::Error;
using base::fail;
using base::Result;

CommandResult run_command(const std::string& command) {
  CommandResult result;
  std::FILE* pipe = ::popen(("PATH=$PATH:/sbin:/usr/sbin; " + command).c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) result.output.append(buffer, got);
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

FileStore::FileStore(const std::string& path) : file_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
  struct stat status {};
  if (file_ < 0 || ::fstat(file_, &status) != 0) throw std::runtime_error("cannot open " + path);
  capacity_ = static_cast<std::uint64_t>(status.st_size);
}

FileStore::~FileStore() { ::close(file_); }

Result<> FileStore::check(std::uint64_t offset, std::uint64_t bytes) const {
  if (fails && fails()) return fail(Error::IoError);
  if (offset % 512 != 0 || bytes % 512 != 0) return fail(Error::InvalidArgument);
  if (offset > capacity_ || bytes > capacity_ - offset) return fail(Error::OutOfRange);
  return {};
}

Result<> FileStore::read(std::span<const storage::ReadSegment> segments) {
  for (const auto& segment : segments) {
    TRY(check(segment.offset, segment.into.size()));
    ++reads;
    const auto got = ::pread(file_, segment.into.data(), segment.into.size(), static_cast<off_t>(segment.offset));
    if (got != static_cast<ssize_t>(segment.into.size())) return fail(Error::IoError);
  }
  return {};
}

Result<> FileStore::write(std::span<const storage::WriteSegment> segments) {
  if (read_only_) return fail(Error::ReadOnly);
  for (const auto& segment : segments) {
    TRY(check(segment.offset, segment.from.size()));
    ++writes;
    const auto put = ::pwrite(file_, segment.from.data(), segment.from.size(), static_cast<off_t>(segment.offset));
    if (put != static_cast<ssize_t>(segment.from.size())) return fail(Error::IoError);
  }
  return {};
}

Result<> FileStore::flush() {
  if (fails && fails()) return fail(Error::IoError);
  ++flushes;
  return {};
}

Image::Image(std::uint64_t megabytes, const std::string& options,
             const std::function<void(const std::string& folder)>& populate) {
  char name[] = "/tmp/lego-ext4-XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = name;
  path_ = folder_ + "/image";
  std::string command = "mke2fs -q -F ";
  if (options.find("-t ") == std::string::npos) command += "-t ext4 ";
  if (populate) {
    std::filesystem::create_directory(folder_ + "/root");
    populate(folder_ + "/root");
    command += "-d " + folder_ + "/root ";
  }
  command += options + " " + path_ + " " + std::to_string(megabytes) + "M 2>&1";
  if (const auto result = run_command(command); result.status != 0)
    throw std::runtime_error(command + ": " + result.output);
}

Image::~Image() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Image::check() const {
  const auto result = run_command("e2fsck -fn " + path_ + " 2>&1");
  return result.status == 0 ? "" : result.output;
}

std::string Image::debugfs(const std::string& request) const {
  return run_command("debugfs -R '" + request + "' " + path_ + " 2>/dev/null").output;
}

std::string Image::debugfs_after_replay(const std::string& request) const {
  const std::string path = copy("replayed");
  if (const auto result = run_command("e2fsck -fy " + path + " 2>&1"); result.status > 1)
    throw std::runtime_error("e2fsck: " + result.output);
  return run_command("debugfs -R '" + request + "' " + path + " 2>/dev/null").output;
}

void Image::change(const std::vector<std::string>& requests) const {
  std::ofstream script(folder_ + "/script");
  for (const std::string& request : requests) script << request << "\n";
  script.close();
  const auto result = run_command("debugfs -w -f " + folder_ + "/script " + path_ + " 2>&1");
  if (result.status != 0) throw std::runtime_error("debugfs: " + result.output);
}

std::string Image::copy(const std::string& name) const {
  const std::string path = folder_ + "/" + name;
  std::filesystem::copy_file(path_, path, std::filesystem::copy_options::overwrite_existing);
  return path;
}

std::string Image::file(const std::string& name, const std::vector<std::byte>& contents) const {
  const std::string path = folder_ + "/" + name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(contents.data()), static_cast<std::streamsize>(contents.size()));
  return path;
}

std::vector<std::byte> Image::bytes_of(const std::string& path) {
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

std::vector<std::byte> Image::bytes() const { return bytes_of(path_); }

}  // namespace ext4::testing
