// SPDX-License-Identifier: Apache-2.0
// mount(2) and umount2(2): file systems in memory, bind mounts, flags and what they forbid, what is busy, and loop
// devices. In an empty folder of its own, and on native Linux in a mount namespace of its own.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include <string>

#include "show.h"

namespace {

void write_text(const char* path, const char* text, mode_t mode = 0644) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) perror(path);
  close(fd);
}

void read_text(const char* path) {
  char text[100] = "";
  const int fd = open(path, O_RDONLY);
  const ssize_t bytes = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  printf("%s: %s\n", path, bytes < 0 ? strerrorname_np(errno) : text);
  close(fd);
}

// What /proc/mounts says of paths below this folder: the path, the type and the flags.
void mounts_of(const std::string& folder) {
  FILE* file = fopen("/proc/self/mounts", "r");
  char line[1000];
  while (fgets(line, sizeof line, file)) {
    char source[200], path[500], type[50], options[500];
    if (sscanf(line, "%199s %499s %49s %499s", source, path, type, options) != 4) continue;
    if (strncmp(path, folder.c_str(), folder.size()) != 0 || path[folder.size()] != '/') continue;
    std::string flags;
    for (char* each = strtok(options, ","); each; each = strtok(nullptr, ","))
      for (const char* known : {"ro", "rw", "nosuid", "nodev", "noexec", "noatime", "relatime", "nodiratime"})
        if (!strcmp(each, known)) flags += std::string(" ") + each;
    printf("  %s on %s type %s:%s\n", source, path + folder.size(), type, flags.c_str());
  }
  fclose(file);
}

void in_memory(const std::string& folder) {
  mkdir("a", 0755);
  write_text("a/below", "below");
  SHOW(mount("some source", "a", "tmpfs", 0, "mode=700,uid=5,gid=6,size=1m"));
  struct stat status;
  stat("a", &status);
  printf("mode %o uid %d gid %d\n", status.st_mode, status.st_uid, status.st_gid);
  struct statfs system;
  statfs("a", &system);
  printf("type %lx flags %lx\n", (long)system.f_type, (long)system.f_flags);
  SHOW(access("a/below", F_OK));
  write_text("a/file", "inside");
  read_text("a/file");
  struct stat inside, outside;
  stat("a/file", &inside);
  stat(".", &outside);
  printf("another device: %d\n", inside.st_dev != outside.st_dev);
  SHOW(rename("a/file", "file"));
  SHOW(link("a/file", "file"));
  SHOW(rmdir("a"));
  SHOW(rename("a", "b"));
  SHOW(mount("other", "a", "tmpfs", MS_NODEV, nullptr));
  SHOW(access("a/file", F_OK));
  mounts_of(folder);
  SHOW(umount("a"));
  read_text("a/file");
  const int fd = open("a/file", O_RDONLY);
  SHOW(umount("a"));
  close(fd);
  SHOW(chdir("a"));
  SHOW(umount2("../a", 0));
  SHOW(chdir(".."));
  SHOW(umount2("a", MNT_EXPIRE | MNT_DETACH));
  SHOW(umount2("a", MNT_EXPIRE));
  SHOW(umount2("a", MNT_EXPIRE));
  SHOW(umount("a"));
  read_text("a/below");
}

void errors() {
  char* bad = (char*)mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mkdir("e", 0755);
  write_text("plain", "");
  SHOW(mount("x", "e", "nosuchsystem", 0, nullptr));
  SHOW(mount("x", "e", nullptr, 0, nullptr));
  SHOW(mount("x", "missing", "tmpfs", 0, nullptr));
  SHOW(mount("x", "plain", "tmpfs", 0, nullptr));
  SHOW(mount("x", bad, "tmpfs", 0, nullptr));
  SHOW(mount("x", "e", bad, 0, nullptr));
  SHOW(mount("x", "e", "tmpfs", 0, "mode=9"));
  SHOW(mount("x", "e", "tmpfs", 0, "no_such_option"));
  SHOW(mount("x", "e", "tmpfs", MS_REMOUNT, nullptr));
  SHOW(mount("missing", "e", nullptr, MS_BIND, nullptr));
  SHOW(mount("plain", "e", nullptr, MS_BIND, nullptr));
  SHOW(mount("e", "e", nullptr, MS_MOVE, nullptr));
  SHOW(umount("e"));
  SHOW(umount("missing"));
  SHOW(umount2("e", 0x100));
  SHOW(umount(bad));
  const pid_t child = fork();
  if (child == 0) {
    setuid(65534);
    SHOW(mount("x", "e", "tmpfs", 0, nullptr));
    SHOW(umount("e"));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

void read_only() {
  mkdir("r", 0755);
  SHOW(mount("r", "r", "tmpfs", 0, nullptr));
  write_text("r/file", "text", 0755);
  mkdir("r/folder", 0755);
  mkfifo("r/fifo", 0666);
  int fd = open("r/file", O_RDWR);
  SHOW(mount("r", "r", nullptr, MS_REMOUNT | MS_RDONLY, nullptr));
  close(fd);
  SHOW(mount("r", "r", nullptr, MS_REMOUNT | MS_RDONLY, nullptr));
  SHOW(open("r/file", O_RDWR));
  SHOW(open("r/new", O_RDWR | O_CREAT, 0644));
  SHOW(open("r", O_RDWR | O_TMPFILE, 0644));
  fd = open("r/fifo", O_RDWR | O_NONBLOCK);
  printf("a pipe can be written to: %d\n", fd >= 0);
  close(fd);
  SHOW(creat("r/file", 0644));
  SHOW(mkdir("r/new", 0755));
  SHOW(mkdir("r/folder", 0755));
  SHOW(mknod("r/new", S_IFIFO | 0644, 0));
  SHOW(symlink("x", "r/new"));
  SHOW(link("r/file", "r/new"));
  SHOW(unlink("r/file"));
  SHOW(unlink("r/missing"));
  SHOW(rmdir("r/folder"));
  SHOW(rename("r/file", "r/new"));
  SHOW(chmod("r/file", 0600));
  SHOW(chown("r/file", 1, 1));
  SHOW(utime("r/file", nullptr));
  SHOW(truncate("r/file", 0));
  SHOW(setxattr("r/file", "trusted.x", "y", 1, 0));
  SHOW(access("r/file", W_OK));
  SHOW(access("r/fifo", W_OK));
  SHOW(access("r/file", R_OK | X_OK));
  struct statvfs system;
  statvfs("r", &system);
  printf("read-only: %d\n", (system.f_flag & ST_RDONLY) != 0);
  SHOW(mount("r", "r", nullptr, MS_REMOUNT, nullptr));
  SHOW(chmod("r/file", 0600));
  SHOW(umount("r"));
}

// What happens to names in one place is seen in the other, however well it was known there.
void names_in_two_places() {
  mkdir("o", 0755);
  mkdir("p", 0755);
  SHOW(mount("o", "p", nullptr, MS_BIND, nullptr));
  SHOW(access("p/made", F_OK));
  write_text("o/made", "here");
  read_text("p/made");
  SHOW(access("o/folder", F_OK));
  SHOW(mkdir("p/folder", 0755));
  SHOW(access("o/folder", F_OK));
  SHOW(unlink("o/made"));
  SHOW(access("p/made", F_OK));
  SHOW(access("p/moved", F_OK));
  write_text("o/made", "again");
  SHOW(access("p/made", F_OK));
  SHOW(rename("o/made", "o/moved"));
  SHOW(access("p/made", F_OK));
  read_text("p/moved");
  SHOW(rmdir("o/folder"));
  SHOW(access("p/folder", F_OK));
  SHOW(umount("p"));
}

// Times are compared with one another only.
void access_times(unsigned long flags) {
  mkdir("t", 0755);
  SHOW(mount("t", "t", "tmpfs", flags, nullptr));
  write_text("t/file", "text");
  const timespec before[2] = {{1000, 5}, {2000, 7}};
  SHOW(utimensat(AT_FDCWD, "t/file", before, 0));
  struct stat status;
  stat("t/file", &status);
  printf("access %ld.%ld\n", (long)status.st_atim.tv_sec, status.st_atim.tv_nsec);
  read_text("t/file");
  stat("t/file", &status);
  printf("moved: %d, modified %ld\n", status.st_atim.tv_sec != 1000, (long)status.st_mtim.tv_sec);
  const timespec after[2] = {{3000, 0}, {0, UTIME_OMIT}};
  SHOW(utimensat(AT_FDCWD, "t/file", after, 0));
  const int fd = open("t/file", O_RDONLY | O_NOATIME);
  char text[10];
  SHOW(read(fd, text, sizeof text));
  close(fd);
  stat("t/file", &status);
  printf("moved: %d\n", status.st_atim.tv_sec != 3000);
  SHOW(umount("t"));
}

// In a directory that gives its group away; and what no file system here can do.
void set_groups() {
  mkdir("g", 0755);
  SHOW(mount("g", "g", "tmpfs", 0, "mode=777"));
  mkdir("g/folder", 0755);
  chown("g/folder", -1, 77);
  SHOW(chmod("g/folder", 02777));
  const pid_t child = fork();
  if (child == 0) {
    setgid(65534);
    setuid(65534);
    umask(0);
    for (const mode_t mode : {02755, 02745, 02770, 0755}) {
      const std::string name = "g/folder/" + std::to_string(mode);
      close(creat(name.c_str(), mode));
      struct stat status;
      stat(name.c_str(), &status);
      printf("%o: %o of %d\n", mode, status.st_mode, status.st_gid);
    }
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  const int from = open("g/from", O_RDWR | O_CREAT, 0644), to = open("g/to", O_RDWR | O_CREAT, 0644);
  SHOW(ioctl(to, FICLONE, from));
  close(from);
  close(to);
  SHOW(umount("g"));
}

void forbidding() {
  mkdir("f", 0755);
  SHOW(mount("f", "f", "tmpfs", MS_NOEXEC | MS_NODEV | MS_NOSUID, nullptr));
  write_text("f/program", "#!/bin/sh\n", 0755);
  SHOW(execl("f/program", "f/program", nullptr));
  SHOW(access("f/program", X_OK));
  const int fd = open("f/program", O_RDONLY);
  printf("%d\n", mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno : 0);
  void* memory = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  SHOW(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
  SHOW(mprotect(memory, 4096, PROT_READ | PROT_WRITE));
  SHOW(personality(READ_IMPLIES_EXEC));
  SHOW(mprotect(memory, 4096, PROT_READ));
  void* implied = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  printf("implied: %d\n", implied != MAP_FAILED);
  SHOW(personality(0));
  munmap(memory, 4096);
  munmap(implied, 4096);
  close(fd);
  SHOW(mknod("f/null", S_IFCHR | 0666, 0x103));
  SHOW(open("f/null", O_RDONLY));
  SHOW(mount(nullptr, "f", nullptr, MS_REMOUNT | MS_BIND | MS_NOEXEC, nullptr));
  const int null = open("f/null", O_RDONLY);
  printf("opened: %d\n", null >= 0);
  close(null);
  SHOW(umount("f"));
}

void binds(const std::string& folder) {
  mkdir("from", 0755);
  mkdir("from/deep", 0755);
  mkdir("to", 0755);
  write_text("from/file", "one");
  write_text("target", "covered");
  SHOW(mount("from", "to", nullptr, MS_BIND, nullptr));
  read_text("to/file");
  write_text("to/file", "two");
  read_text("from/file");
  SHOW(rename("to/file", "from/other"));
  SHOW(link("to/file", "from/other"));
  SHOW(mount("none", "to", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr));
  SHOW(open("to/file", O_WRONLY));
  const int fd = open("from/file", O_WRONLY);
  printf("written to beside it: %d\n", fd >= 0);
  close(fd);
  SHOW(mount("from/file", "target", nullptr, MS_BIND, nullptr));
  read_text("target");
  SHOW(unlink("target"));
  SHOW(umount("target"));
  read_text("target");
  SHOW(mount("inner", "from/deep", "tmpfs", 0, nullptr));
  write_text("from/deep/x", "deep");
  SHOW(access("to/deep/x", F_OK));
  SHOW(umount("to"));
  SHOW(mount("from", "to", nullptr, MS_BIND | MS_REC, nullptr));
  read_text("to/deep/x");
  SHOW(umount("to"));
  SHOW(umount2("to", MNT_DETACH));
  mkdir("moved", 0755);
  SHOW(mount("from/deep", "moved", nullptr, MS_MOVE, nullptr));
  read_text("moved/x");
  SHOW(access("from/deep/x", F_OK));
  mounts_of(folder);
  const int kept = open("moved/x", O_RDONLY);
  SHOW(umount2("moved", MNT_DETACH));
  char text[10] = "";
  SHOW(read(kept, text, sizeof text - 1));
  printf("%s\n", text);
  close(kept);
  SHOW(mount("p", "moved", "proc", MS_NOEXEC, nullptr));
  SHOW(access("moved/self/stat", F_OK));
  SHOW(umount("moved"));
}

void loops() {
  const int control = open("/dev/loop-control", O_RDWR);
  const int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
  const std::string path = "/dev/loop" + std::to_string(number);
  printf("a free one: %d\n", number >= 0);
  const int device = open(path.c_str(), O_RDWR);
  const int file = open("image", O_RDWR | O_CREAT, 0600);
  ftruncate(file, 8192);
  struct loop_info64 status;
  SHOW(ioctl(device, LOOP_GET_STATUS64, &status));
  SHOW(ioctl(device, LOOP_CLR_FD, 0));
  SHOW(ioctl(device, LOOP_SET_FD, -1));
  SHOW(ioctl(device, LOOP_SET_FD, file));
  SHOW(ioctl(device, LOOP_SET_FD, file));
  memset(&status, 0, sizeof status);
  strcpy((char*)status.lo_file_name, "a name");
  SHOW(ioctl(device, LOOP_SET_STATUS64, &status));
  SHOW(ioctl(device, LOOP_GET_STATUS64, &status));
  printf("%s\n", status.lo_file_name);
  unsigned long long bytes = 0;
  SHOW(ioctl(device, BLKGETSIZE64, &bytes));
  printf("%llu\n", bytes);
  SHOW(pwrite(device, "sector", 6, 512));
  SHOW(fsync(device));
  char text[10] = "";
  SHOW(pread(file, text, 6, 512));
  printf("%s\n", text);
  SHOW(pread(device, text, 6, 8192));
  SHOW(ioctl(device, LOOP_CLR_FD, 0));
  close(device);
  close(file);
}

// Who polls the list of mounts is told once of each change.
void polled() {
  mkdir("polled", 0755);
  const int file = open("/proc/self/mounts", O_RDONLY), other = open("/proc/self/mountinfo", O_RDONLY),
            set = epoll_create1(0);
  const auto asked = [&](const char* what) {
    pollfd each{file, POLLPRI, 0};
    const int ready = poll(&each, 1, 0);
    epoll_event told{};
    const int events = epoll_wait(set, &told, 1, 0);
    printf("%s: %d %x, %d %x\n", what, ready, each.revents, events, told.events);
  };
  epoll_event wanted{EPOLLPRI};
  SHOW(epoll_ctl(set, EPOLL_CTL_ADD, other, &wanted));
  asked("first");
  SHOW(mount("x", "polled", "tmpfs", 0, ""));
  asked("mounted");
  asked("again");
  SHOW(mount(nullptr, "polled", nullptr, MS_REMOUNT | MS_BIND | MS_NOSUID, nullptr));
  asked("changed");
  static char text[65536];
  lseek(file, 0, SEEK_SET);
  read(file, text, sizeof text - 1);
  printf("listed %d\n", strstr(text, "/polled tmpfs") != nullptr);
  SHOW(umount("polled"));
  asked("unmounted");
  lseek(file, 0, SEEK_SET);
  memset(text, 0, sizeof text);
  read(file, text, sizeof text - 1);
  printf("listed %d\n", strstr(text, "/polled tmpfs") != nullptr);
  pollfd readable{file, POLLIN, 0};
  SHOW(poll(&readable, 1, 0));
  for (const int fd : {file, other, set}) close(fd);
  rmdir("polled");
}

}  // namespace

void mounting_in_steps();  // mounting_in_steps.cpp

// With an argument: loop devices alone.
int main(int count, char**) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  unshare(CLONE_NEWNS);
  mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  const char* given = getenv("FILES_IN");
  std::string folder = std::string(given ? given : "/var/tmp") + "/mounts.XXXXXX";
  if (!mkdtemp(folder.data()) || chdir(folder.c_str()) || chmod(".", 0755)) return 1;
  umask(0);
  if (count > 1) {
    loops();
  } else {
    in_memory(folder);
    errors();
    names_in_two_places();
    read_only();
    for (const unsigned long flags : {0UL, (unsigned long)MS_NOATIME, (unsigned long)MS_STRICTATIME})
      access_times(flags);
    set_groups();
    forbidding();
    binds(folder);
    polled();
    mounting_in_steps();
  }
  chdir("/");
  return system(("rm -rf " + folder).c_str()) == -1;
}
