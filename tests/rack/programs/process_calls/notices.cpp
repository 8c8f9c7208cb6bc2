// SPDX-License-Identifier: Apache-2.0
// Directory notification (F_NOTIFY): which changes are told, to whom, and until when.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "../show.h"
#include "parts.h"

namespace {

const char* directory = "/var/tmp/lego-notices";

void show_told(const char* what, int fd) {
  sigset_t all;
  sigfillset(&all);
  sigdelset(&all, SIGCHLD);
  int count = 0;
  siginfo_t taken{};
  const timespec now{};
  while (sigtimedwait(&all, &taken, &now) > 0) {
    if (count++ > 0) continue;
    printf("%s: signal %d code %d band %lx own %d\n", what, taken.si_signo - SIGRTMIN, taken.si_code, taken.si_band,
           taken.si_fd == fd);
  }
  printf("%s: %d times\n", what, count);
}

void change(int fd) {
  const int file = openat(fd, "a", O_CREAT | O_RDWR, 0600);
  show_told("created", fd);
  write(file, "x", 1);
  show_told("written", fd);
  char byte;
  pread(file, &byte, 1, 0);
  show_told("read", fd);
  fchmod(file, 0640);
  show_told("mode", fd);
  renameat(fd, "a", fd, "b");
  show_told("renamed", fd);
  mkdirat(fd, "sub", 0700);
  show_told("directory", fd);
  renameat(fd, "b", fd, "sub/b");
  show_told("moved away", fd);
  renameat(fd, "sub/b", fd, "b");
  show_told("moved back", fd);
  unlinkat(fd, "b", 0);
  show_told("removed", fd);
  unlinkat(fd, "sub", AT_REMOVEDIR);
  show_told("directory removed", fd);
  close(file);
}

void each_kind() {
  for (const unsigned kind : {DN_ACCESS, DN_MODIFY, DN_CREATE, DN_DELETE, DN_RENAME, DN_ATTRIB}) {
    const int fd = open(directory, O_RDONLY);
    fcntl(fd, F_SETSIG, SIGRTMIN + 2);
    printf("kind %x\n", kind);
    SHOW(fcntl(fd, F_NOTIFY, kind | DN_MULTISHOT));
    change(fd);
    close(fd);
  }
}

void once_and_until_closed() {
  const int fd = open(directory, O_RDONLY), other = open(directory, O_RDONLY);
  fcntl(fd, F_SETSIG, SIGRTMIN + 2);
  SHOW(fcntl(fd, F_NOTIFY, DN_CREATE));
  mkdirat(other, "once", 0700);
  show_told("once", fd);
  mkdirat(other, "twice", 0700);
  show_told("twice", fd);
  SHOW(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
  SHOW(fcntl(fd, F_NOTIFY, DN_DELETE));
  unlinkat(other, "once", AT_REMOVEDIR);
  show_told("added", fd);
  SHOW(fcntl(fd, F_NOTIFY, 0));
  unlinkat(other, "twice", AT_REMOVEDIR);
  show_told("taken back", fd);
  SHOW(fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
  // A child's descriptors are of the same open file, its notices are not.
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    close(fd);
    mkdirat(other, "child", 0700);
    show_told("in the child", fd);
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  show_told("in the parent", fd);
  close(dup(fd));
  unlinkat(other, "child", AT_REMOVEDIR);
  mkdirat(other, "again", 0700);
  show_told("a copy was closed", fd);
  unlinkat(other, "again", AT_REMOVEDIR);
}

void refused() {
  const int file = open("/var/tmp/lego-notices/file", O_CREAT | O_RDWR, 0600);
  SHOW(fcntl(file, F_NOTIFY, DN_CREATE));
  SHOW(fcntl(file, F_NOTIFY, 0));
  unlink("/var/tmp/lego-notices/file");
  SHOW(fcntl(open(directory, O_PATH), F_NOTIFY, DN_CREATE));
  SHOW(fcntl(-1, F_NOTIFY, DN_CREATE));
}

}  // namespace

void directory_notices() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  mkdir(directory, 0700);
  each_kind();
  once_and_until_closed();
  refused();
  rmdir(directory);
}
