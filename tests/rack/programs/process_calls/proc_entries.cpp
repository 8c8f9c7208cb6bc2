// SPDX-License-Identifier: Apache-2.0
// What /proc says of namespaces, settings and inotify's watches; texts that are read again through the same descriptor.
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../show.h"
#include "parts.h"

namespace {

std::string text_of(const char* path) {
  char text[4096] = "";
  const int fd = open(path, O_RDONLY);
  const ssize_t bytes = read(fd, text, sizeof text - 1);
  close(fd);
  return bytes < 0 ? strerrorname_np(errno) : text;
}

bool writes(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY);
  const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return done;
}

void namespaces() {
  std::vector<std::string> names;
  DIR* folder = opendir("/proc/self/ns");
  while (const dirent* entry = readdir(folder))
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  closedir(folder);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string path = "/proc/self/ns/" + name, parents = "/proc/" + std::to_string(getppid()) + "/ns/" + name;
    char target[64] = "", other[64] = "";
    const ssize_t bytes = readlink(path.c_str(), target, sizeof target - 1);
    readlink(parents.c_str(), other, sizeof other - 1);
    const std::string text = target, kind = text.substr(0, text.find(':'));
    struct stat status {};
    const int fd = open(path.c_str(), O_RDONLY);
    fstat(fd, &status);
    printf("%s: %s, the parent's: %d, its number: %d, opened: %d %o\n", name.c_str(), kind.c_str(), text == other,
           bytes > 0 && kind + ":[" + std::to_string(status.st_ino) + "]" == text, fd >= 0, status.st_mode & S_IFMT);
    close(fd);
  }
  char target[64];
  SHOW(readlink("/proc/self/ns/none", target, sizeof target));
  fflush(stdout);
  if (fork() == 0) {
    setresuid(65534, 65534, 65534);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", getppid());
    SHOW(readlink(path, target, sizeof target));
    fflush(stdout);
    _exit(0);
  }
  wait(nullptr);
}

void settings() {
  int levels[4] = {};
  printf("log levels: %d\n", sscanf(text_of("/proc/sys/kernel/printk").c_str(), "%d\t%d\t%d\t%d\n", levels, levels + 1,
                                    levels + 2, levels + 3));
  printf("last pid: %d\n", atoi(text_of("/proc/sys/kernel/ns_last_pid").c_str()) > 1);
  printf("areas: %d\n", atoi(text_of("/proc/sys/vm/max_map_count").c_str()) >= 65530);
  for (const char* path : {"/proc/sys/kernel/printk", "/proc/sys/fs/nr_open", "/proc/sys/vm/max_map_count"}) {
    printf("%s: %d", path, writes(path, text_of(path)));
    printf(" %d\n", writes(path, "words\n"));
  }
  printf("too few: %d\n", writes("/proc/sys/fs/nr_open", "1\n"));
  printf("no number of areas: %d\n", writes("/proc/sys/vm/max_map_count", "-1\n"));
  const rlim_t most = strtoul(text_of("/proc/sys/fs/nr_open").c_str(), nullptr, 10);
  printf("many descriptors: %d\n", most >= 1048576);
  const rlimit beyond{most + 1, most + 1};
  SHOW(setrlimit(RLIMIT_NOFILE, &beyond));
}

void watches() {
  char name[] = "/tmp/watched.XXXXXX";
  mkdtemp(name);
  const int fd = inotify_init1(0);
  inotify_add_watch(fd, "/", IN_CREATE | IN_DELETE_SELF);
  inotify_add_watch(fd, name, IN_ALL_EVENTS | IN_ONESHOT);
  inotify_rm_watch(fd, inotify_add_watch(fd, "/proc", IN_OPEN));
  const std::string text = text_of(("/proc/self/fdinfo/" + std::to_string(fd)).c_str());
  for (std::size_t at = text.find("inotify "); at != std::string::npos; at = text.find("inotify ", at + 1)) {
    unsigned number = 0, device = 0, mask = 0, ignored = 1;
    unsigned long inode = 0;
    const int read = sscanf(text.c_str() + at, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:%x ", &number,
                            &inode, &device, &mask, &ignored);
    struct stat status;
    stat(number == 1 ? "/" : name, &status);
    printf("%d: watch %u, inode %d, device %d, mask %x, ignored %x\n", read, number, inode == status.st_ino,
           number == 1 || device == (major(status.st_dev) << 20 | minor(status.st_dev)), mask & IN_ALL_EVENTS, ignored);
  }
  close(fd);
  rmdir(name);
}

// A text is what it says now to who goes back to its beginning.
void again() {
  const int fd = open("/proc/self/maps", O_RDONLY);
  char text[16384] = "";
  read(fd, text, sizeof text - 1);
  void* made = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char wanted[40];
  snprintf(wanted, sizeof wanted, "%lx-", reinterpret_cast<unsigned long>(made));
  const bool before = strstr(text, wanted) != nullptr;
  lseek(fd, 0, SEEK_SET);
  memset(text, 0, sizeof text);
  read(fd, text, sizeof text - 1);
  printf("before %d, after %d\n", before, strstr(text, wanted) != nullptr);
  close(fd);
  munmap(made, 4096);
}

}  // namespace

void proc_entries() {
  namespaces();
  settings();
  watches();
  again();
}
