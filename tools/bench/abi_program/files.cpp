// SPDX-License-Identifier: Apache-2.0
// Calls on a file of 16 pages that is used again and again, two folders below one of the root's own (in a vNode: on its
// disk, not in a file system in memory).
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>

#include "tools/bench/abi_program/benchmark.h"

namespace abi_bench {
namespace {

constexpr std::size_t page_bytes = 4096, pages = 16;

class NullCall final : public Benchmark {
 public:
  void perform(std::uint64_t times) override {
    for (; times != 0; --times) syscall(SYS_getppid);
  }
};

class OnFile : public Benchmark {
 public:
  OnFile() {
    mkdir("/var", 0755);  // they may be there
    mkdir("/var/abi_bench", 0755);
    mkdir("/var/abi_bench/folder", 0755);
    fd_ = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    check(fd_ >= 0, "open");
    page_.fill('x');
    for (std::size_t page = 0; page < pages; ++page) {
      check(write(fd_, page_.data(), page_bytes) == page_bytes, "write");
    }
  }
  ~OnFile() override {
    close(fd_);
    unlink(path);
  }

 protected:
  static constexpr const char* path = "/var/abi_bench/folder/file";
  static off_t place(std::uint64_t number) { return static_cast<off_t>(number % pages * page_bytes); }
  int fd_ = -1;
  std::array<char, page_bytes> page_;
};

class ReadPage final : public OnFile {
 public:
  void perform(std::uint64_t times) override {
    for (; times != 0; --times) check(pread(fd_, page_.data(), page_bytes, place(times)) == page_bytes, "pread");
  }
};

class WritePage final : public OnFile {
 public:
  void perform(std::uint64_t times) override {
    for (; times != 0; --times) check(pwrite(fd_, page_.data(), page_bytes, place(times)) == page_bytes, "pwrite");
  }
};

class StatFile final : public OnFile {
 public:
  void perform(std::uint64_t times) override {
    struct stat found;
    for (; times != 0; --times) check(stat(path, &found) == 0, "stat");
  }
};

class OpenAndClose final : public OnFile {
 public:
  void perform(std::uint64_t times) override {
    for (; times != 0; --times) {
      const int fd = open(path, O_RDONLY);
      check(fd >= 0, "open");
      close(fd);
    }
  }
};

}  // namespace

std::unique_ptr<Benchmark> null_call() { return std::make_unique<NullCall>(); }
std::unique_ptr<Benchmark> read_page() { return std::make_unique<ReadPage>(); }
std::unique_ptr<Benchmark> write_page() { return std::make_unique<WritePage>(); }
std::unique_ptr<Benchmark> stat_file() { return std::make_unique<StatFile>(); }
std::unique_ptr<Benchmark> open_and_close() { return std::make_unique<OpenAndClose>(); }

}  // namespace abi_bench
