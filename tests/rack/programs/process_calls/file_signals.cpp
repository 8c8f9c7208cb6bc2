// SPDX-License-Identifier: Apache-2.0
// O_ASYNC, the owner of a file and its signal; leases, whose holders are told by such a signal. Signals are blocked and
// taken one at a time, so that the order is the program's.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../show.h"
#include "parts.h"

namespace {

void block() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
}

// The signal that is pending for this process, or nothing.
void show_pending(const char* what, int fd = -1, int seconds = 0) {
  sigset_t all;
  sigfillset(&all);
  sigdelset(&all, SIGCHLD);
  siginfo_t taken{};
  const timespec wait{seconds, 0};
  const int signal = sigtimedwait(&all, &taken, &wait);
  if (signal < 0) {
    printf("%s: %s\n", what, strerrorname_np(errno));
    return;
  }
  printf("%s: signal %d code %d", what, signal, taken.si_code);
  if (taken.si_code > 0 && taken.si_code < 128) printf(" band %lx own descriptor %d", taken.si_band, taken.si_fd == fd);
  printf("\n");
}

void owners(int fd) {
  SHOW(fcntl(fd, F_GETOWN));
  SHOW(fcntl(fd, F_GETSIG));
  SHOW(fcntl(fd, F_SETOWN, 0x7ffffff0));
  SHOW(fcntl(fd, F_SETSIG, 65));
  SHOW(fcntl(fd, F_SETSIG, -1));
  f_owner_ex owner{};
  SHOW(fcntl(fd, F_GETOWN_EX, &owner));
  printf("type %d pid %d\n", owner.type, owner.pid);
  owner.type = static_cast<decltype(owner.type)>(3);
  SHOW(fcntl(fd, F_SETOWN_EX, &owner));
  SHOW(fcntl(fd, F_SETOWN, getpid()));
  printf("own %d\n", fcntl(fd, F_GETOWN) == getpid());
  SHOW(fcntl(fd, F_SETOWN, -getpgrp()));
  printf("group %d\n", fcntl(fd, F_GETOWN) == -getpgrp());
  SHOW(fcntl(fd, F_GETOWN_EX, &owner));
  printf("type %d own %d\n", owner.type, owner.pid == getpgrp());
  SHOW(fcntl(fd, F_SETOWN, 0));
  SHOW(fcntl(fd, F_GETOWN));
}

void pipes() {
  int ends[2];
  pipe(ends);
  owners(ends[0]);
  write(ends[1], "a", 1);
  show_pending("not asynchronous");
  SHOW(fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK));
  printf("flags %o\n", fcntl(ends[0], F_GETFL));
  write(ends[1], "a", 1);
  show_pending("nobody's");
  fcntl(ends[0], F_SETOWN, getpid());
  write(ends[1], "a", 1);
  show_pending("one byte");
  show_pending("no more");
  SHOW(fcntl(ends[0], F_SETSIG, SIGRTMIN + 1));
  printf("signal %d\n", fcntl(ends[0], F_GETSIG) == SIGRTMIN + 1);
  write(ends[1], "a", 1);
  write(ends[1], "b", 1);
  show_pending("first", ends[0]);
  show_pending("second", ends[0]);
  show_pending("no third");
  f_owner_ex owner{F_OWNER_TID, gettid()};
  SHOW(fcntl(ends[0], F_SETOWN_EX, &owner));
  write(ends[1], "c", 1);
  show_pending("thread", ends[0]);
  // By signalfd.
  sigset_t all;
  sigfillset(&all);
  const int reader = signalfd(-1, &all, SFD_NONBLOCK);
  write(ends[1], "d", 1);
  signalfd_siginfo told{};
  printf("read %zd: ", read(reader, &told, sizeof told));
  printf("signal %u code %d band %x own %d\n", told.ssi_signo, told.ssi_code, told.ssi_band,
         told.ssi_fd == static_cast<unsigned>(ends[0]));
  fcntl(ends[1], F_SETFL, O_ASYNC);
  fcntl(ends[1], F_SETOWN, getpid());
  char buffer[100];
  read(ends[0], buffer, sizeof buffer);
  show_pending("room");
  SHOW(fcntl(ends[0], F_SETFL, 0));
  write(ends[1], "e", 1);
  show_pending("switched off");
}

void sockets() {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  int on = 1, number = getpid();
  SHOW(ioctl(pair[0], FIOASYNC, &on));
  SHOW(ioctl(pair[0], SIOCSPGRP, &number));
  number = 0;
  SHOW(ioctl(pair[0], FIOGETOWN, &number));
  printf("own %d\n", number == getpid());
  fcntl(pair[0], F_SETSIG, SIGRTMIN);
  write(pair[1], "hello", 5);
  show_pending("socket", pair[0]);
  on = 0;
  SHOW(ioctl(pair[0], FIOASYNC, &on));
  printf("flags %o\n", fcntl(pair[0], F_GETFL));
  write(pair[1], "hello", 5);
  show_pending("off");
  const int null = open("/dev/null", O_RDONLY);
  SHOW(ioctl(null, FIOASYNC, &on));
  SHOW(ioctl(null, SIOCSPGRP, &number));
  SHOW(ioctl(-1, FIOASYNC, &on));
}

// A handler runs before the call that made the file ready has returned.
volatile int handled;
void at_once() {
  int ends[2];
  pipe(ends);
  signal(SIGIO, [](int) { ++handled; });
  fcntl(ends[0], F_SETOWN, getpid());
  fcntl(ends[0], F_SETFL, O_ASYNC);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int i = 0; i < 100; ++i) write(ends[1], "x", 1);
  printf("handled %d\n", handled);
  block();
  signal(SIGIO, SIG_DFL);
}

void lease_rules() {
  const char* path = "/var/tmp/lego-lease";
  unlink(path);
  const int made = open(path, O_CREAT | O_RDWR, 0600);
  SHOW(fcntl(made, F_GETLEASE));
  SHOW(fcntl(made, F_SETLEASE, F_UNLCK));
  SHOW(fcntl(made, F_SETLEASE, F_RDLCK));
  SHOW(fcntl(made, F_SETLEASE, F_WRLCK));
  SHOW(fcntl(made, F_GETLEASE));
  SHOW(fcntl(made, F_SETLEASE, 7));
  close(made);
  const int reader = open(path, O_RDONLY);
  SHOW(fcntl(reader, F_SETLEASE, F_RDLCK));
  const int second = open(path, O_RDONLY);
  SHOW(fcntl(second, F_SETLEASE, F_RDLCK));
  SHOW(fcntl(second, F_SETLEASE, F_WRLCK));
  SHOW(open(path, O_WRONLY | O_NONBLOCK));
  show_pending("broken");
  SHOW(fcntl(reader, F_GETLEASE));
  SHOW(fcntl(reader, F_SETLEASE, F_UNLCK));
  SHOW(fcntl(second, F_SETLEASE, F_UNLCK));
  close(second);
  SHOW(fcntl(reader, F_SETLEASE, F_WRLCK));
  fcntl(reader, F_SETSIG, SIGRTMIN + 3);
  const pid_t child = fork();
  if (child == 0) _exit(open(path, O_RDONLY) < 0);
  show_pending("a reader", reader, 60);
  SHOW(fcntl(reader, F_GETLEASE));
  SHOW(fcntl(reader, F_SETLEASE, F_RDLCK));
  int status = -1;
  waitpid(child, &status, 0);
  printf("opened: %d\n", status);
  const pid_t cutter = fork();
  if (cutter == 0) {
    close(reader);  // the lease ends with the last descriptor
    _exit(truncate(path, 0) != 0);
  }
  show_pending("a truncation", reader, 60);
  SHOW(fcntl(reader, F_SETLEASE, F_RDLCK));
  SHOW(close(reader));
  waitpid(cutter, &status, 0);
  printf("cut: %d\n", status);
  int ends[2];
  pipe(ends);
  SHOW(fcntl(ends[0], F_SETLEASE, F_RDLCK));
  unlink(path);
}

}  // namespace

void file_signals() {
  setpgid(0, 0);
  block();
  pipes();
  sockets();
  at_once();
}

void leases() {
  block();
  lease_rules();
}
