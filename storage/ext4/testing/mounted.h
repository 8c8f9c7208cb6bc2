// SPDX-License-Identifier: Apache-2.0
// A mounted image for tests, with calls that throw instead of returning errors.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernel/base/random.h"
#include "storage/ext4/file_system.h"
#include "storage/ext4/testing/image.h"

namespace ext4::testing {

template <typename T>
T must(base::Result<T> result) {
  if (!result) throw std::runtime_error(base::error_name(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline constexpr storage::Time test_time = 1700000000'123456789;

class Names final : public storage::DirectoryVisitor {
 public:
  bool entry(std::string_view name, std::uint64_t inode, std::uint8_t type, std::uint64_t cookie) override {
    if (names.size() == most) return false;
    names.emplace_back(name);
    inodes[names.back()] = inode;
    types[names.back()] = type;
    last_cookie = cookie;
    return true;
  }
  std::size_t most = SIZE_MAX;
  std::vector<std::string> names;
  std::map<std::string, std::uint64_t> inodes;
  std::map<std::string, std::uint8_t> types;
  std::uint64_t last_cookie = 0;
};

class Mounted {
  std::unique_ptr<TestStore> owned_;

 public:
  explicit Mounted(std::unique_ptr<TestStore> disk, std::size_t cache_blocks = 512)
      : owned_(std::move(disk)), store(*owned_) {
    mount(cache_blocks);
  }
  explicit Mounted(const std::string& path, std::size_t cache_blocks = 512)
      : Mounted(std::make_unique<FileStore>(path), cache_blocks) {}
  explicit Mounted(const Image& image, std::size_t cache_blocks = 512) : Mounted(image.path(), cache_blocks) {}

  void mount(std::size_t cache_blocks = 512) {
    static std::uint32_t mounts = 0;
    system = must(FileSystem::mount(
        store, {.cache_blocks = cache_blocks, .first_generation = ++mounts * 100000, .hash_seed = 4711}, test_time));
  }
  // In order, so that e2fsck finds nothing.
  void unmount() {
    must(system->unmount());
    system.reset();
  }

  FileSystem& operator*() { return *system; }
  FileSystem* operator->() { return system.get(); }
  base::FileId root() const { return system->root(); }

  base::FileId make(base::FileId directory, const std::string& name,
                    std::uint32_t mode = storage::mode::regular | 0644) {
    return must(system->create(directory, name, {.mode = mode}, request)).file;
  }
  base::FileId make_directory(base::FileId directory, const std::string& name) {
    return make(directory, name, storage::mode::directory | 0755);
  }
  void write(base::FileId file, std::uint64_t offset, const std::string& text) {
    must(system->write(file, offset, std::as_bytes(std::span(text)), request));
  }
  std::string read(base::FileId file, std::uint64_t offset = 0, std::size_t bytes = 1 << 20) {
    std::string text(bytes, '?');
    text.resize(must(system->read(file, offset, std::as_writable_bytes(std::span(text)))));
    return text;
  }
  std::vector<std::string> list(base::FileId directory) {
    Names names;
    if (!must(system->read_directory(directory, 0, names))) throw std::runtime_error("list");
    return names.names;
  }
  base::Error error_of_lookup(base::FileId directory, const std::string& name) {
    auto result = system->lookup(directory, name);
    return result ? base::Error::None : result.error();
  }

  TestStore& store;
  base::Own<FileSystem> system;
  storage::Request request{.now = test_time};
};

template <typename T>
base::Error error_of(const base::Result<T>& result) {
  return result ? base::Error::None : result.error();
}

}  // namespace ext4::testing
