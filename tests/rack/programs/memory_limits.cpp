// SPDX-License-Identifier: Apache-2.0
// File systems in memory that are full (tmpfs(5), size= and nr_inodes=): what still fits, what is said of it, and what
// gives room back. In an empty folder of its own, and on native Linux in a mount namespace of its own.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "show.h"

namespace {

constexpr size_t page = 4096;

void space(const char* when) {
  struct statfs status;
  if (statfs(".", &status) != 0) perror("statfs");
  printf("%s: %ld of %ld blocks free, %ld of %ld files\n", when, long(status.f_bavail), long(status.f_blocks),
         long(status.f_ffree), long(status.f_files));
}

void about(const char* path) {
  struct stat status;
  if (stat(path, &status) != 0) return perror(path);
  printf("%s: %ld bytes in %ld sectors\n", path, long(status.st_size), long(status.st_blocks));
}

// In pieces, until one is refused.
void fill(const char* path, size_t piece) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  const std::vector<char> bytes(piece, 'f');
  ssize_t done = 0;
  size_t all = 0;
  while ((done = write(fd, bytes.data(), piece)) > 0) all += size_t(done);
  printf("%s took %zu bytes by %zu: %s\n", path, all, piece, done < 0 ? strerrorname_np(errno) : "nothing written");
  close(fd);
  about(path);
}

sigjmp_buf beyond;
volatile sig_atomic_t stored;
void no_room(int) { siglongjmp(beyond, 1); }

// How many pages of a mapping of a hole can be stored to.
void store_into_hole(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  SHOW(ftruncate(fd, 100 * page));
  auto* memory = static_cast<char*>(mmap(nullptr, 100 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  signal(SIGBUS, no_room);
  stored = 0;
  if (sigsetjmp(beyond, 1) == 0)
    while (stored < 100) {
      memory[size_t(stored) * page] = 'm';
      stored = stored + 1;
    }
  printf("%d pages of the mapping were stored to\n", int(stored));
  signal(SIGBUS, SIG_DFL);
  munmap(memory, 100 * page);
  about(path);
  close(fd);
}

void bytes() {
  SHOW(mount("t", "t", "tmpfs", 0, "size=64k,nr_inodes=20"));
  SHOW(chdir("t"));
  space("empty");
  for (const size_t piece : {size_t(10000), page, size_t(1), size_t(300000)}) {
    fill("f", piece);
    space("full");
    const int fd = open("f", O_RDWR);
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(pwrite(fd, "x", 1, 20 * page));
    SHOW(ftruncate(fd, 10 * page + 5));
    space("cut");
    SHOW(pwrite(fd, "x", 1, 30 * page));
    space("a page more");
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * page));
    space("a hole");
    close(fd);
    SHOW(unlink("f"));
  }
  space("empty");

  const int fd = open("a", O_RDWR | O_CREAT, 0644);
  SHOW(fallocate(fd, 0, 0, 17 * page));
  about("a");
  SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 3 * page));
  about("a");
  SHOW(fallocate(fd, 0, 10 * page, 6 * page));
  about("a");
  SHOW(fallocate(fd, 0, 0, off_t(1) << 40));
  space("kept");
  fill("b", page);
  char text[page];
  SHOW(pread(fd, text, sizeof text, 12 * page));
  printf("%d\n", text[0] | text[page - 1]);
  SHOW(unlink("b"));
  SHOW(unlink("a"));
  space("still open");
  close(fd);
  store_into_hole("m");
  space("mapped");
  SHOW(truncate("m", 0));
  space("empty");
  SHOW(chdir(".."));
}

void changes() {
  fill("t/f", 10 * page);
  SHOW(mount(nullptr, "t", nullptr, MS_REMOUNT, "size=32k"));
  SHOW(mount(nullptr, "t", nullptr, MS_REMOUNT, "size=128k"));
  SHOW(chdir("t"));
  space("grown");
  fill("f", page);
  SHOW(mount(nullptr, ".", nullptr, MS_REMOUNT, "nr_inodes=1"));
  SHOW(mount(nullptr, ".", nullptr, MS_REMOUNT, "nr_inodes=9"));
  SHOW(mount(nullptr, ".", nullptr, MS_REMOUNT, "size=no"));
  space("changed");
  SHOW(chdir(".."));
  SHOW(umount("t"));
}

void files() {
  SHOW(mount("t", "t", "tmpfs", 0, "nr_inodes=7,size=1m"));
  SHOW(chdir("t"));
  SHOW(mkdir("d", 0755));
  SHOW(symlink("d", "s"));
  SHOW(mknod("p", S_IFIFO | 0644, 0));
  close(open("f", O_CREAT | O_RDWR, 0644));
  SHOW(link("f", "d/g"));
  space("six and one");
  SHOW(mknod("h", S_IFREG | 0644, 0));
  SHOW(mkdir("e", 0755));
  SHOW(link("f", "h"));
  SHOW(rename("f", "h"));
  SHOW(unlink("d/g"));
  SHOW(mkdir("e", 0755));
  SHOW(rmdir("e"));
  const int fd = open("i", O_CREAT | O_RDWR, 0644);
  SHOW(unlink("i"));
  SHOW(mkdir("e", 0755));
  close(fd);
  SHOW(mkdir("e", 0755));
  space("full");
  SHOW(chdir(".."));
  SHOW(umount("t"));
}

// Room for one file, which is given up again and again.
void files_in_turn() {
  SHOW(mount("t", "t", "tmpfs", 0, "nr_inodes=2"));
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    const int fd = open("t/f", O_CREAT | O_EXCL | O_RDWR, 0644);
    if (fd < 0) {
      ++refused;
      continue;
    }
    (void)!write(fd, "x", 1);
    unlink("t/f");
    close(fd);
  }
  printf("%d of 1000 files in turn were refused\n", refused);
  SHOW(umount("t"));
}

void no_limit() {
  SHOW(mount("t", "t", "tmpfs", 0, "size=0"));
  const int fd = open("t/f", O_CREAT | O_RDWR, 0644);
  SHOW(fallocate(fd, 0, 0, 100 * page));
  close(fd);
  SHOW(umount("t"));
  SHOW(mount("t", "t", "tmpfs", 0, "size=10%"));
  struct statfs status;
  SHOW(statfs("t", &status));
  printf("%d\n", status.f_blocks > 100 && status.f_blocks == status.f_bfree);
  SHOW(umount("t"));
  SHOW(mount("t", "t", "tmpfs", 0, "size=1x"));
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  unshare(CLONE_NEWNS);
  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  const char* given = getenv("FILES_IN");
  std::string folder = std::string(given ? given : "/var/tmp") + "/limits.XXXXXX";
  if (!mkdtemp(folder.data()) || chdir(folder.c_str()) || mkdir("t", 0755)) return 1;
  bytes();
  changes();
  files();
  files_in_turn();
  no_limit();
  chdir("/");
  return system(("rm -rf " + folder).c_str()) == -1;
}
