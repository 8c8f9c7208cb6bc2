// SPDX-License-Identifier: Apache-2.0
// Holes in files, made and found: fallocate with FALLOC_FL_PUNCH_HOLE, lseek with SEEK_DATA and SEEK_HOLE, what mappings
// see of a punched range, and seals. On a disk (/var/tmp or FILES_IN), in memory (/dev/shm) and in memfds.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "show.h"

namespace {

constexpr long page = 4096, pages = 32;
constexpr int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

int new_file(const std::string& place) {
  if (place == "memfd") return memfd_create("ranges", MFD_ALLOW_SEALING);
  std::string name = place + "/file_rangesXXXXXX";
  const int fd = mkstemp(name.data());
  unlink(name.c_str());
  return fd;
}

void sizes(int fd) {
  struct stat now;
  fstat(fd, &now);
  printf("size %ld, blocks %ld\n", (long)now.st_size, (long)now.st_blocks);
}

// Runs of equal bytes.
void contents(int fd) {
  std::vector<char> bytes(pages * page + 2 * page);
  const ssize_t got = pread(fd, bytes.data(), bytes.size(), 0);
  for (ssize_t at = 0, start = 0; at < got; ++at) {
    if (at + 1 < got && bytes[at + 1] == bytes[start]) continue;
    printf(" %zd-%zd:%c", start, at, bytes[start] == 0 ? '.' : bytes[start]);
    start = at + 1;
  }
  printf(" (%zd bytes)\n", got);
}

void extents(int fd) {
  for (long at = 0; (at = lseek(fd, at, SEEK_DATA)) >= 0;) {
    printf(" data %ld", at);
    at = lseek(fd, at, SEEK_HOLE);
    printf("-%ld", at);
  }
  printf(" then %s\n", strerrorname_np(errno));
}

void fill(int fd) {
  std::vector<char> bytes(pages * page);
  for (long i = 0; i < pages * page; ++i) bytes[i] = static_cast<char>('a' + i / page % 26);
  pwrite(fd, bytes.data(), bytes.size(), 0);
}

void punching(int fd) {
  fill(fd);
  sizes(fd);
  SHOW(fallocate(fd, punch, 4 * page, 8 * page));
  sizes(fd);
  contents(fd);
  extents(fd);
  SHOW(fallocate(fd, punch, 100, 50));
  SHOW(fallocate(fd, punch, 14 * page + 100, 2 * page));
  sizes(fd);
  contents(fd);
  fsync(fd);
  SHOW(fallocate(fd, punch, 20 * page - 10, 2 * page + 20));
  SHOW(fallocate(fd, punch, 30 * page, 100 * page));
  sizes(fd);
  contents(fd);
  extents(fd);
  SHOW(fallocate(fd, punch, 1000 * page, page));
  SHOW(pwrite(fd, "X", 1, 6 * page + 5));  // five extents: ext4 may need a block for them sooner or later
  extents(fd);
  SHOW(fallocate(fd, punch, 0, pages * page));
  sizes(fd);
  extents(fd);
  fsync(fd);
  fill(fd);
  fsync(fd);
  SHOW(fallocate(fd, punch, page, page));
  fsync(fd);
  contents(fd);
  extents(fd);
  sizes(fd);
}

void refusals(int fd) {
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, page));
  SHOW(fallocate(fd, punch, -1, page));
  SHOW(fallocate(fd, punch, 0, 0));
  SHOW(fallocate(fd, punch | FALLOC_FL_ZERO_RANGE, 0, page));
  SHOW(lseek(fd, pages * page, SEEK_DATA));
  SHOW(lseek(fd, pages * page, SEEK_HOLE));
  SHOW(lseek(fd, -1, SEEK_DATA));
  SHOW(lseek(fd, 1L << 60, SEEK_HOLE));
}

// Others' mappings see the zeros; private copies stay.
void mapped(int fd) {
  fill(fd);
  char* shared = (char*)mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char* copies = (char*)mmap(nullptr, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  for (long i = 0; i < pages; ++i) shared[i * page + 9] = 'S';
  copies[2 * page] = 'P';
  int ready[2], go[2];
  pipe(ready), pipe(go);
  fflush(stdout);
  const pid_t other = fork();
  if (other == 0) {
    char byte = shared[2 * page], seen = copies[3 * page];
    write(ready[1], &byte, 1);
    read(go[0], &byte, 1);
    printf("other: shared %d %d %d, copied %c %d\n", shared[2 * page], shared[2 * page + 9], shared[3 * page + 9],
           copies[2 * page], copies[3 * page]);
    shared[2 * page + 1] = 'o';
    fflush(stdout);
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  SHOW(fallocate(fd, punch, page + 10, 3 * page));
  write(go[1], &byte, 1);
  waitpid(other, nullptr, 0);
  printf("shared %c%c%d %d %d %c, copied %c %d\n", shared[page], shared[page + 9], shared[page + 10],
         shared[3 * page + 9], shared[4 * page + 9], shared[4 * page + 10], copies[2 * page], copies[3 * page]);
  contents(fd);
  munmap(shared, pages * page), munmap(copies, pages * page);
}

void sparse(int fd) {
  SHOW(ftruncate(fd, 0));
  SHOW(ftruncate(fd, 1 << 20));
  sizes(fd);
  extents(fd);
  SHOW(lseek(fd, 0, SEEK_HOLE));
  SHOW(pwrite(fd, "middle", 6, 512 * 1024 + 100));
  sizes(fd);
  extents(fd);
  SHOW(pwrite(fd, "far", 3, 3 << 20));
  sizes(fd);
  extents(fd);
  SHOW(lseek(fd, 512 * 1024 + 50, SEEK_DATA));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(lseek(fd, 512 * 1024 + 50, SEEK_HOLE));
}

void zeroing(int fd) {
  ftruncate(fd, 0);
  fill(fd);
  SHOW(fallocate(fd, FALLOC_FL_ZERO_RANGE, 3 * page + 7, 4 * page));
  SHOW(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 30 * page, 10 * page));
  contents(fd);
  SHOW(fallocate(fd, FALLOC_FL_ZERO_RANGE, 31 * page, 2 * page));
  contents(fd);
}

void sealed() {
  const int fd = new_file("memfd");
  fill(fd);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  SHOW(fallocate(fd, 0, 0, (pages + 1) * page));
  SHOW(fallocate(fd, punch, page, page));
  void* mapped = mmap(nullptr, page, PROT_READ, MAP_SHARED, fd, 0);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  munmap(mapped, page);
  mapped = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(fallocate(fd, punch, page, page));
  sizes(fd);
  close(fd);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  const char* wanted = getenv("FILES_IN");
  const std::string disk = wanted == nullptr ? "/var/tmp" : wanted;
  for (const std::string& place : {disk, std::string("/dev/shm"), std::string("memfd")}) {
    printf("--- %s\n", place.c_str());
    const int fd = new_file(place);
    punching(fd);
    refusals(fd);
    mapped(fd);
    sparse(fd);
    if (place == disk) zeroing(fd);
    close(fd);
  }
  sealed();
}
