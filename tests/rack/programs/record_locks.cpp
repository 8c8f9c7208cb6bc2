// SPDX-License-Identifier: Apache-2.0
// Record locks that belong to open file descriptions (F_OFD_*), beside those of processes; and times before 1970. In an
// empty folder of its own.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "show.h"

namespace {

int lock(int fd, int command, short type, off_t start, off_t bytes, pid_t pid = 0) {
  struct flock wanted = {type, SEEK_SET, start, bytes, pid};
  return fcntl(fd, command, &wanted);
}

void who_has(const char* what, int fd, int command, short type, off_t start, off_t bytes) {
  struct flock wanted = {type, SEEK_SET, start, bytes, 0};
  if (fcntl(fd, command, &wanted) < 0)
    printf("%s: %s\n", what, strerrorname_np(errno));
  else if (wanted.l_type == F_UNLCK)
    printf("%s: nobody\n", what);
  else
    printf("%s: type %d from %d for %d by %s\n", what, wanted.l_type, (int)wanted.l_start, (int)wanted.l_len,
           wanted.l_pid == -1 ? "a description" : "a process");
}

void of_descriptions() {
  const int one = open("locked", O_RDWR | O_CREAT, 0600), two = open("locked", O_RDWR);
  const int same = dup(one), reader = open("locked", O_RDONLY);
  SHOW(lock(one, F_OFD_SETLK, F_WRLCK, 0, 10));
  SHOW(lock(same, F_OFD_SETLK, F_RDLCK, 0, 4));
  SHOW(lock(two, F_OFD_SETLK, F_WRLCK, 0, 1));
  SHOW(lock(two, F_OFD_SETLK, F_RDLCK, 0, 4));
  SHOW(lock(two, F_OFD_SETLK, F_RDLCK, 0, 6));
  SHOW(lock(two, F_OFD_SETLK, F_WRLCK, 10, 0));
  SHOW(lock(two, F_OFD_SETLK, F_WRLCK, 20, 5, 1));
  SHOW(lock(reader, F_OFD_SETLK, F_WRLCK, 100, 1));
  who_has("one sees", one, F_OFD_GETLK, F_WRLCK, 0, 100);
  who_has("two sees", two, F_OFD_GETLK, F_RDLCK, 0, 100);
  who_has("the process sees", one, F_GETLK, F_WRLCK, 0, 100);
  SHOW(lock(one, F_SETLK, F_WRLCK, 5, 1));
  SHOW(lock(one, F_SETLK, F_RDLCK, 0, 4));
  who_has("two sees", two, F_OFD_GETLK, F_WRLCK, 0, 4);
  // A process's locks end with any of its descriptors of the file; those of a description with its last.
  close(same);
  who_has("a description sees", two, F_OFD_GETLK, F_WRLCK, 4, 4);
  const pid_t pid = fork();
  if (pid == 0) {
    who_has("the child sees", two, F_OFD_GETLK, F_WRLCK, 0, 10);
    SHOW(lock(one, F_OFD_SETLK, F_UNLCK, 4, 4));
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
  who_has("unlocked by the child", two, F_OFD_GETLK, F_WRLCK, 0, 10);
  const pid_t waiter = fork();
  if (waiter == 0) {
    close(one);
    SHOW(lock(two, F_OFD_SETLKW, F_WRLCK, 0, 10));
    _exit(0);
  }
  usleep(20000);
  printf("one ends\n");
  close(one);
  waitpid(waiter, nullptr, 0);
  who_has("then", reader, F_OFD_GETLK, F_RDLCK, 0, 0);
  close(two);
  who_has("at last", reader, F_OFD_GETLK, F_RDLCK, 0, 0);
  close(reader);
}

void before_1970() {
  close(open("old", O_RDWR | O_CREAT, 0600));
  const timespec times[][2] = {{{-1, 999999999}, {-1000000000, 5}}, {{0, 0}, {-2, 0}}, {{1, 1}, {4000000000, 7}}};
  for (const auto& pair : times) {
    SHOW(utimensat(AT_FDCWD, "old", pair, 0));
    struct stat s;
    stat("old", &s);
    printf("accessed %ld.%09ld modified %ld.%09ld\n", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec,
           s.st_mtim.tv_nsec);
    struct statx x;
    statx(AT_FDCWD, "old", 0, STATX_BASIC_STATS, &x);
    printf("modified %lld.%09u\n", (long long)x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec);
  }
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  const char* wanted = getenv("FILES_IN");
  std::string name = std::string(wanted == nullptr ? "/var/tmp" : wanted) + "/record_locksXXXXXX";
  const char* place = mkdtemp(name.data());
  if (place == nullptr || chdir(place) != 0) return perror(name.c_str()), 1;
  of_descriptions();
  before_1970();
  return system((std::string("rm -r ") + place).c_str());
}
