// SPDX-License-Identifier: Apache-2.0
// Directories: what a listing says after each change of the names, in pieces, of a directory that is gone; names that
// exist already; and many processes that list many directories at the same time. In an empty folder of its own.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "show.h"

namespace {

void make(const std::string& name) { close(open(name.c_str(), O_RDWR | O_CREAT, 0644)); }

// What is left of the open directory, so many bytes at a time; sorted, for the order is the file system's.
void list_rest(const char* what, int directory, std::size_t piece) {
  std::vector<std::string> names;
  std::vector<char> bytes(piece);
  long got = 0;
  while ((got = syscall(SYS_getdents64, directory, bytes.data(), bytes.size())) > 0) {
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(bytes.data() + at);
      names.push_back(std::string(entry->d_name) + (entry->d_type == DT_DIR   ? "/"
                                                    : entry->d_type == DT_LNK ? "@"
                                                                              : ""));
      at += entry->d_reclen;
    }
  }
  std::sort(names.begin(), names.end());
  printf("%s:", what);
  for (const auto& name : names) printf(" %s", name.c_str());
  printf(got < 0 ? " %s\n" : "\n", got < 0 ? strerrorname_np(errno) : "");
}

void list(const char* name) {
  const int directory = open(name, O_RDONLY | O_DIRECTORY);
  if (directory < 0) return perror(name);
  list_rest(name, directory, 4096);
  close(directory);
}

void after_each_change() {
  mkdir("a", 0755);
  mkdir("b", 0755);
  list("a");
  list("a");
  make("a/file");
  list("a");
  SHOW(link("a/file", "a/second"));
  list("a");
  SHOW(symlink("nowhere", "a/dangling"));
  SHOW(mkdir("a/below", 0755));
  list("a");
  SHOW(rename("a/second", "b/moved"));
  list("a");
  list("b");
  SHOW(rename("a/below", "b/moved"));
  SHOW(renameat2(AT_FDCWD, "a/below", AT_FDCWD, "b/moved", RENAME_EXCHANGE));
  list("a");
  list("b");
  SHOW(unlink("a/file"));
  SHOW(rmdir("b/moved"));
  list("a");
  list("b");
}

void while_open() {
  mkdir("open", 0755);
  for (int i = 0; i < 40; ++i) make("open/a name of some length " + std::to_string(i));
  const int directory = open("open", O_RDONLY | O_DIRECTORY);
  list_rest("in pieces", directory, 128);
  SHOW(lseek(directory, 0, SEEK_SET));
  list_rest("again", directory, 128);
  list_rest("at the end", directory, 4096);
  make("open/one more");
  SHOW(lseek(directory, 0, SEEK_SET));
  list_rest("from the beginning", directory, 200);
  if (system("rm -r open") == -1) perror("rm");
  list_rest("gone", directory, 4096);
  SHOW(lseek(directory, 0, SEEK_SET));
  list_rest("gone, from the beginning", directory, 4096);
  char tiny[8];
  SHOW(syscall(SYS_getdents64, directory, tiny, sizeof tiny));
  close(directory);
}

void existing_names() {
  mkdir("here", 0755);
  make("here/file");
  SHOW(symlink("nowhere", "here/dangling"));
  for (const char* name : {"here", "here/", "here/file", "here/dangling", "here/.", "here/..", "/", "new/"}) {
    printf("%s\n", name);
    SHOW(mkdir(name, 0755));
    SHOW(symlink("x", name));
    SHOW(link("here/file", name));
    SHOW(link("here", name));
    SHOW(link("/proc/version", name));
    SHOW(mknod(name, S_IFIFO | 0644, 0));
  }
  SHOW(mkdir("here/file/x", 0755));
  SHOW(mkdir("missing/x", 0755));
  list("here");
}

// As another user in a directory that only its owner may write to.
void without_permission() {
  mkdir("guarded", 0755);
  make("guarded/file");
  if (fork() == 0) {
    if (setuid(1000) != 0) perror("setuid");
    SHOW(mkdir("guarded/file", 0755));
    SHOW(mkdir("guarded/new", 0755));
    SHOW(symlink("x", "guarded/file"));
    SHOW(symlink("x", "guarded/new"));
    exit(0);
  }
  wait(nullptr);
}

int names_in(const std::string& name) {
  DIR* directory = opendir(name.c_str());
  if (directory == nullptr) return -1;
  int names = 0;
  errno = 0;
  while (readdir(directory) != nullptr) ++names;
  const int error = errno;
  closedir(directory);
  return error == 0 ? names : -1;
}

void at_the_same_time() {
  constexpr int directories = 30, processes = 24;
  for (int i = 0; i < directories; ++i) {
    const std::string name = "many" + std::to_string(i);
    mkdir(name.c_str(), 0755);
    for (int k = 0; k < i; ++k)
      make(name + "/some file with a name of some seventy bytes, so that it takes more room " + std::to_string(k));
  }
  fflush(stdout);
  for (int p = 0; p < processes; ++p) {
    if (fork() != 0) continue;
    int wrong = 0;
    for (int i = 0; i < directories; ++i) wrong += names_in("many" + std::to_string(i)) != i + 2;
    _exit(wrong);
  }
  int wrong = 0, status = 0;
  while (wait(&status) > 0) wrong += WEXITSTATUS(status);
  printf("%d listings were wrong\n", wrong);
}

void show_made(const char* name) {
  struct stat status;
  if (lstat(name, &status) != 0) return perror(name);
  printf("%s: %o group %u\n", name, status.st_mode, status.st_gid);
}

// A directory hands its group on; a file gets the right to run with it only from the group's members.
void of_another_group() {
  constexpr unsigned somebody = 12345, members = 54321;
  umask(0);
  mkdir("grouped", 0755);
  chown("grouped", somebody, members);
  chmod("grouped", 02777);
  mkdir("plain", 0777);
  for (const bool member : {false, true}) {
    fflush(stdout);
    if (fork() == 0) {
      const gid_t list = members;
      syscall(SYS_setgroups, member ? 1 : 0, &list);
      setresgid(somebody, somebody, somebody);
      setresuid(somebody, somebody, somebody);
      for (const char* folder : {"plain", "grouped"}) {
        if (chdir(folder) != 0) _exit(1);
        printf("%s, %s\n", folder, member ? "by a member" : "by another");
        for (const mode_t mask : {0, 0777}) {
          umask(mask);
          for (const mode_t mode : {02755, 02745, 06775, 0755}) {
            close(open("made", O_CREAT | O_RDWR, mode));
            show_made("made");
            unlink("made");
          }
          mknod("fifo", S_IFIFO | 02710, 0);
          mkdir("folder", 0700);
          symlink("made", "link");
          const int unnamed = open(".", O_TMPFILE | O_RDWR, 02711);
          struct stat status;
          fstat(unnamed, &status);
          printf("unnamed: %o group %u\n", status.st_mode, status.st_gid);
          close(unnamed);
          for (const char* name : {"fifo", "folder", "link"}) show_made(name);
          rmdir("folder");
          unlink("fifo");
          unlink("link");
        }
        if (chdir("..") != 0) _exit(1);
      }
      fflush(stdout);
      _exit(0);
    }
    wait(nullptr);
  }
  umask(0);
  close(open("grouped/of root", O_CREAT | O_RDWR, 02755));
  show_made("grouped/of root");
  umask(022);
}

}  // namespace

int main() {
  const char* folder = getenv("FILES_IN");
  std::string own = std::string(folder != nullptr ? folder : "/var/tmp") + "/directories.XXXXXX";
  if (mkdtemp(own.data()) == nullptr || chdir(own.c_str()) != 0 || chmod(".", 0755) != 0) {
    perror(own.c_str());
    return 1;
  }
  setvbuf(stdout, nullptr, _IOLBF, 0);
  umask(022);
  after_each_change();
  while_open();
  existing_names();
  without_permission();
  at_the_same_time();
  of_another_group();
  if (chdir("/") != 0) return 1;
  return system(("rm -r " + own).c_str()) == 0 ? 0 : 1;
}
