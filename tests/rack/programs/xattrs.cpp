// SPDX-License-Identifier: Apache-2.0
// Extended attributes: every call in its three forms, their errors, and who may do what. In an empty folder of its own.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "show.h"

namespace {

int make(const char* name, mode_t mode = 0644) {
  const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, mode);
  if (fd < 0) perror(name);
  return fd;
}

void value_of(const char* path, const char* name) {
  char value[5000] = "";
  const ssize_t bytes = lgetxattr(path, name, value, sizeof value - 1);
  if (bytes < 0)
    printf("%s %s: %s\n", path, name, strerrorname_np(errno));
  else
    printf("%s %s: %zd \"%.20s\"\n", path, name, bytes, value);
}

void names_of(const char* path) {
  std::vector<char> names(10000);
  const ssize_t bytes = llistxattr(path, names.data(), names.size());
  if (bytes < 0) return perror(path);
  std::vector<std::string> sorted;
  for (ssize_t at = 0; at < bytes; at += strlen(names.data() + at) + 1) sorted.push_back(names.data() + at);
  std::sort(sorted.begin(), sorted.end());
  printf("%s (%zd):", path, bytes);
  for (const auto& name : sorted) printf(" %s", name.c_str());
  printf("\n");
}

void one_after_the_other() {
  const int fd = make("file");
  mkdir("folder", 0755);
  symlink("file", "link");
  char value[10] = "";
  names_of("file");
  value_of("file", "user.a");
  SHOW(setxattr("file", "user.a", "one", 3, 0));
  value_of("file", "user.a");
  SHOW(setxattr("link", "user.b", "two", 3, XATTR_CREATE));
  SHOW(setxattr("file", "user.b", "two", 3, XATTR_CREATE));
  SHOW(setxattr("file", "user.c", "three", 5, XATTR_REPLACE));
  SHOW(setxattr("file", "user.a", "four", 4, XATTR_REPLACE));
  SHOW(fsetxattr(fd, "user.empty", "", 0, 0));
  SHOW(fsetxattr(fd, "trusted.t", "t", 1, 0));
  SHOW(fsetxattr(fd, "security.s", "s", 1, 0));
  SHOW(setxattr("folder", "user.of_folder", "f", 1, 0));
  names_of("file");
  names_of("folder");
  for (const char* name : {"user.a", "user.b", "user.empty", "trusted.t", "security.s", "user.missing"})
    value_of("file", name);
  SHOW(getxattr("file", "user.a", nullptr, 0));
  SHOW(getxattr("file", "user.a", value, 2));
  SHOW(fgetxattr(fd, "user.a", value, 4));
  SHOW(getxattr("link", "user.b", value, sizeof value));
  SHOW(lgetxattr("link", "user.b", value, sizeof value));
  SHOW(listxattr("link", nullptr, 0) > 0);
  SHOW(llistxattr("link", nullptr, 0));
  SHOW(flistxattr(fd, value, 5));
  SHOW(lsetxattr("link", "user.x", "x", 1, 0));
  SHOW(lsetxattr("link", "trusted.x", "x", 1, 0));
  names_of("link");
  SHOW(lremovexattr("link", "trusted.x"));
  SHOW(removexattr("file", "user.b"));
  SHOW(removexattr("file", "user.b"));
  SHOW(fremovexattr(fd, "user.empty"));
  names_of("file");
  close(fd);
}

void errors() {
  char value[10];
  SHOW(setxattr("file", "user.a", "x", 1, 4));
  SHOW(setxattr("file", "", "x", 1, 0));
  SHOW(setxattr("file", "user.", "x", 1, 0));
  SHOW(setxattr("file", "user", "x", 1, 0));
  SHOW(setxattr("file", "other.a", "x", 1, 0));
  SHOW(setxattr("file", ("user." + std::string(250, 'n')).c_str(), "x", 1, 0));
  SHOW(setxattr("file", ("user." + std::string(251, 'n')).c_str(), "x", 1, 0));
  SHOW(setxattr("file", "user.large", std::string(70000, 'l').data(), 70000, 0));
  SHOW(setxattr("file", "user.a", (void*)8, 10, 0));
  SHOW(setxattr("missing", "user.a", "x", 1, 0));
  SHOW(getxattr("missing", "user.a", value, 1));
  SHOW(getxattr("file", "other.a", value, 1));
  SHOW(getxattr("file", "user.a", (void*)8, 10));
  SHOW(listxattr("missing", value, 1));
  SHOW(removexattr("file", "other.a"));
  SHOW(fgetxattr(-1, "user.a", value, 1));
  const int only_a_name = open("file", O_PATH);
  SHOW(fsetxattr(only_a_name, "user.a", "x", 1, 0));
  close(only_a_name);
  mkfifo("fifo", 0600);
  SHOW(setxattr("fifo", "user.a", "x", 1, 0));
  SHOW(getxattr("fifo", "user.a", value, 1));
  SHOW(setxattr("fifo", "trusted.a", "x", 1, 0));
  SHOW(setxattr("/proc/self/stat", "user.a", "x", 1, 0));
}

void many() {
  const int fd = make("many");
  int set = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "user.attribute_" + std::to_string(i), value(i, 'v');
    if (fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) ++set;
  }
  printf("%d set\n", set);
  names_of("many");
  for (int i = 0; i < 40; i += 2) fremovexattr(fd, ("user.attribute_" + std::to_string(i)).c_str());
  SHOW(fsetxattr(fd, "user.attribute_1", std::string(1000, 'w').data(), 1000, XATTR_REPLACE));
  names_of("many");
  value_of("many", "user.attribute_1");
  value_of("many", "user.attribute_39");
  // They are the file's, whatever it is called, and end with it.
  link("many", "also_many");
  value_of("also_many", "user.attribute_3");
  rename("many", "renamed");
  value_of("renamed", "user.attribute_3");
  unlink("renamed"), unlink("also_many");
  SHOW(fgetxattr(fd, "user.attribute_39", nullptr, 0));
  SHOW(fsetxattr(fd, "user.late", "x", 1, 0));
  close(fd);
  close(make("many"));
  names_of("many");
}

void as_another_user() {
  close(make("others", 0604));
  close(make("secret", 0600));
  setxattr("others", "user.seen", "x", 1, 0), setxattr("others", "trusted.hidden", "x", 1, 0);
  setxattr("others", "security.shown", "x", 1, 0), setxattr("secret", "user.hidden", "x", 1, 0);
  mkdir("sticky", 0777);
  chmod("sticky", 01777);
  const pid_t pid = fork();
  if (pid == 0) {
    if (setgid(1000) != 0 || setuid(1000) != 0) perror("setuid");
    char value[10];
    names_of("others");
    SHOW(getxattr("others", "user.seen", value, 10));
    SHOW(getxattr("others", "trusted.hidden", value, 10));
    SHOW(getxattr("others", "security.shown", value, 10));
    SHOW(getxattr("secret", "user.hidden", value, 10));
    SHOW(setxattr("others", "user.seen", "y", 1, 0));
    SHOW(setxattr("others", "trusted.a", "y", 1, 0));
    SHOW(setxattr("others", "security.a", "y", 1, 0));
    SHOW(removexattr("others", "user.seen"));
    SHOW(setxattr("sticky", "user.a", "y", 1, 0));
    names_of("secret");
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  const char* wanted = getenv("FILES_IN");
  std::string name = std::string(wanted == nullptr ? "/var/tmp" : wanted) + "/xattrsXXXXXX";
  const char* place = mkdtemp(name.data());
  if (place == nullptr || chdir(place) != 0 || chmod(place, 0755) != 0) return perror(name.c_str()), 1;
  one_after_the_other();
  errors();
  many();
  as_another_user();
  return system((std::string("rm -r ") + place).c_str());
}
