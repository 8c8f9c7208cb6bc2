// SPDX-License-Identifier: Apache-2.0
// A part of mounts: fsopen, fsconfig, fsmount, fspick, open_tree, move_mount and mount_setattr, in the folder where
// mounts is.
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "show.h"

extern "C" int umount2(const char*, int);

namespace {

int open_system(const char* type, unsigned flags = 0) { return (int)syscall(SYS_fsopen, type, flags); }
int configure(int fd, unsigned command, const char* key = nullptr, const void* value = nullptr, int number = 0) {
  return (int)syscall(SYS_fsconfig, fd, command, key, value, number);
}
int make_mount(int fd, unsigned flags = 0, unsigned attributes = 0) {
  return (int)syscall(SYS_fsmount, fd, flags, attributes);
}
int pick(const char* path, unsigned flags = 0) { return (int)syscall(SYS_fspick, AT_FDCWD, path, flags); }
int tree(const char* path, unsigned flags) { return (int)syscall(SYS_open_tree, AT_FDCWD, path, flags); }
int attach(int fd, const char* to) {
  return (int)syscall(SYS_move_mount, fd, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH);
}
int set_attributes(const char* path, const mount_attr& attributes, unsigned flags = 0,
                   size_t size = sizeof(mount_attr)) {
  return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attributes, size);
}

void show_flags(const char* path) {
  struct statvfs shown {};
  statvfs(path, &shown);
  printf("%s: flags %lx\n", path, shown.f_flag & ~0x20UL);
}

void write_file(const char* path) {
  const int fd = open(path, O_CREAT | O_WRONLY, 0644);
  printf("%s: %s\n", path, fd < 0 ? strerrorname_np(errno) : "written");
  close(fd);
}

void making() {
  SHOW(open_system("no such thing"));
  SHOW(open_system(nullptr));
  SHOW(open_system("tmpfs", 8));
  const int fd = open_system("tmpfs", FSOPEN_CLOEXEC);
  SHOW(fcntl(fd, F_GETFD));
  SHOW(make_mount(fd));
  SHOW(configure(fd, FSCONFIG_SET_FLAG, "no such flag"));
  SHOW(configure(fd, FSCONFIG_SET_FLAG, "rw", "value"));
  SHOW(configure(fd, FSCONFIG_SET_FLAG, "rw"));
  SHOW(configure(fd, FSCONFIG_SET_STRING, "source", "a source"));
  SHOW(configure(fd, FSCONFIG_SET_STRING, "source", "another"));
  SHOW(configure(fd, FSCONFIG_SET_STRING, "mode", "0710"));
  SHOW(configure(fd, FSCONFIG_SET_STRING, "mode", "x"));
  SHOW(configure(fd, FSCONFIG_SET_STRING, "size", "1m"));
  SHOW(configure(fd, 100, "x", "y"));
  SHOW(configure(fd, FSCONFIG_CMD_RECONFIGURE));
  SHOW(configure(fd, FSCONFIG_CMD_CREATE, "x"));
  SHOW(configure(fd, FSCONFIG_CMD_CREATE));
  SHOW(configure(fd, FSCONFIG_CMD_CREATE));
  SHOW(configure(fd, FSCONFIG_SET_FLAG, "ro"));
  SHOW(configure(0, FSCONFIG_CMD_CREATE));
  SHOW(configure(-1, FSCONFIG_CMD_CREATE));
  SHOW(make_mount(fd, 2));
  SHOW(make_mount(fd, 0, 0x30));
  SHOW(make_mount(0));
  const int mount = make_mount(fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME);
  SHOW(make_mount(fd));
  printf("flags of the mount %o %o\n", fcntl(mount, F_GETFD), fcntl(mount, F_GETFL) & O_PATH);
  // It can be used before it is anywhere.
  SHOW(mkdirat(mount, "inside", 0755));
  mkdir("steps", 0755);
  SHOW(attach(mount, "no such place"));
  SHOW(attach(mount, "steps"));
  SHOW(access("steps/inside", F_OK));
  struct stat status {};
  stat("steps", &status);
  printf("mode %o\n", status.st_mode);
  show_flags("steps");
  SHOW(umount2("steps", 0));
  close(mount);
  close(fd);
  SHOW(umount2("steps", 0));
}

void changing() {
  const int fd = pick("steps");
  SHOW(configure(fd, FSCONFIG_SET_FLAG, "ro"));
  SHOW(configure(fd, FSCONFIG_CMD_RECONFIGURE));
  write_file("steps/a");
  SHOW(configure(fd, FSCONFIG_SET_FLAG, "rw"));
  SHOW(configure(fd, FSCONFIG_CMD_RECONFIGURE));
  write_file("steps/a");
  SHOW(configure(fd, FSCONFIG_CMD_CREATE));
  close(fd);
  SHOW(pick("steps/inside"));
  SHOW(pick("no such place"));
  SHOW(pick("steps", 0x10));
  mount_attr attributes{};
  SHOW(set_attributes("steps", attributes));
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV;
  SHOW(set_attributes("steps", attributes));
  show_flags("steps");
  attributes = {0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC};
  SHOW(set_attributes("steps", attributes));
  show_flags("steps");
  attributes = {MOUNT_ATTR_STRICTATIME, 0};
  SHOW(set_attributes("steps", attributes));
  attributes = {MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME};
  SHOW(set_attributes("steps", attributes));
  show_flags("steps");
  attributes = {MOUNT_ATTR_NOSUID};
  SHOW(set_attributes("steps/inside", attributes));
  SHOW(set_attributes("steps", attributes, 0x10));
  SHOW(set_attributes("steps", attributes, 0, 8));
  SHOW(set_attributes("steps", attributes, 0, 5000));
  attributes = {1ULL << 40};
  SHOW(set_attributes("steps", attributes));
}

void copying() {
  mkdir("copy", 0755);
  SHOW(tree("steps", 0x4000));
  SHOW(tree("steps", AT_RECURSIVE));
  SHOW(tree("no such place", OPEN_TREE_CLONE));
  const int plain = tree("steps", OPEN_TREE_CLOEXEC);
  printf("%o %o\n", fcntl(plain, F_GETFD), fcntl(plain, F_GETFL) & O_PATH);
  close(plain);
  const int copy = tree("steps/inside", OPEN_TREE_CLONE);
  SHOW(attach(copy, "steps/a"));
  SHOW(attach(copy, "copy"));
  close(copy);
  write_file("copy/b");
  SHOW(access("steps/inside/b", F_OK));
  mkdir("moved", 0755);
  SHOW((int)syscall(SYS_move_mount, AT_FDCWD, "copy", AT_FDCWD, "moved", 0));
  SHOW(access("moved/b", F_OK));
  SHOW(access("copy/b", F_OK));
  SHOW((int)syscall(SYS_move_mount, AT_FDCWD, "steps/inside", AT_FDCWD, "copy", 0));
  SHOW((int)syscall(SYS_move_mount, AT_FDCWD, "moved", AT_FDCWD, "copy", 0x1000));
  SHOW(umount2("moved", 0));
}

}  // namespace

void mounting_in_steps() {
  making();
  const int fd = open_system("tmpfs");
  configure(fd, FSCONFIG_CMD_CREATE);
  const int mount = make_mount(fd, 0, MOUNT_ATTR_NOEXEC);
  SHOW(attach(mount, "steps"));
  close(mount);
  close(fd);
  mkdir("steps/inside", 0755);
  changing();
  copying();
  SHOW(umount2("steps", 0));
}
