// SPDX-License-Identifier: Apache-2.0
// Files that lose their names, by rename or otherwise, while they are open, mapped, or have pages that no disk has yet.
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "show.h"

static int make(const char* name, const char* text) {
  const int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  write(file, text, strlen(text));
  return file;
}

static void print(int file) {
  struct stat status;
  char text[64] = {};
  SHOW(fstat(file, &status));
  printf("%ld links, %ld bytes\n", long(status.st_nlink), long(status.st_size));
  SHOW(pread(file, text, sizeof text - 1, 0));
  printf("[%s]\n", text);
}

static void replace_open_file() {
  puts("replaced while open");
  const int old = make("old", "old text"), fresh = make("new", "new");
  SHOW(rename("new", "old"));
  print(old);
  SHOW(write(old, "more", 4));
  SHOW(fsync(old));
  SHOW(syncfs(old));
  print(old);
  print(fresh);
  close(old);
  close(fresh);
}

static void replace_dirty_file(const char* how, unsigned flags) {
  printf("replaced before it was on a disk: %s\n", how);
  const int other = make("other", "other");
  close(make("old", "never written"));
  close(make("new", "instead"));
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "new", AT_FDCWD, "old", flags));
  SHOW(syncfs(other));
  const int now = open("old", O_RDONLY);
  print(now);
  close(now);
  close(other);
  unlink("new");
}

static void replace_one_of_two_names() {
  puts("replaced, with another name");
  const int old = make("old", "two names");
  SHOW(link("old", "second"));
  close(make("new", "new"));
  SHOW(rename("new", "old"));
  print(old);
  SHOW(unlink("second"));
  print(old);
  SHOW(syncfs(old));
  close(old);
}

static void replace_mapped_file() {
  puts("replaced while mapped");
  const int old = make("old", "mapped text");
  char* memory = (char*)mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, old, 0);
  close(old);
  close(make("new", "new"));
  SHOW(rename("new", "old"));
  memcpy(memory, "MAPPED", 6);
  SHOW(msync(memory, 4096, MS_SYNC));
  printf("[%s]\n", memory);
  SHOW(munmap(memory, 4096));
  sync();
  const int now = open("old", O_RDONLY);
  print(now);
  SHOW(syncfs(now));
  close(now);
}

static void replace_directory() {
  puts("a directory replaced by another");
  mkdir("empty", 0755);
  mkdir("full", 0755);
  close(make("full/x", "x"));
  const int empty = open("empty", O_RDONLY | O_DIRECTORY);
  SHOW(rename("full", "empty"));
  struct stat status;
  SHOW(fstat(empty, &status));
  printf("%ld links\n", long(status.st_nlink));
  SHOW(openat(empty, "x", O_RDONLY));
  SHOW(access("empty/x", F_OK));
  SHOW(syncfs(empty));
  close(empty);
}

int main() {
  char place[] = "/var/tmp/replaced.XXXXXX";
  if (mkdtemp(place) == nullptr || chdir(place) != 0) return 1;
  replace_open_file();
  replace_dirty_file("rename", 0);
  replace_dirty_file("exchange", RENAME_EXCHANGE);
  replace_one_of_two_names();
  replace_mapped_file();
  replace_directory();
  chdir("/");
  for (const char* name : {"old", "empty/x", "empty"}) remove((std::string(place) + "/" + name).c_str());
  return rmdir(place);
}
