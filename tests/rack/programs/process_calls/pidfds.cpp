// SPDX-License-Identifier: Apache-2.0
// pidfd_open and its siblings, CLONE_PIDFD, waitid(P_PIDFD), poll and epoll of a pidfd.
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../show.h"
#include "parts.h"

namespace {

int open_pidfd(pid_t pid, unsigned flags = 0) { return syscall(SYS_pidfd_open, pid, flags); }
int send_by(int fd, int signal, siginfo_t* information = nullptr, unsigned flags = 0) {
  return syscall(SYS_pidfd_send_signal, fd, signal, information, flags);
}
int get_file(int fd, int number, unsigned flags = 0) { return syscall(SYS_pidfd_getfd, fd, number, flags); }

// A child that waits for a byte.
struct Child {
  int ends[2];
  pid_t pid;
  Child() {
    pipe(ends);
    pid = fork();
    if (pid == 0) {
      char byte = 0;
      read(ends[0], &byte, 1);
      _exit(7);
    }
  }
  void let_go() { write(ends[1], "x", 1); }
};

int ready(int fd) {
  pollfd polled{fd, POLLIN, 0};
  poll(&polled, 1, 0);
  return polled.revents;
}

void errors() {
  SHOW(open_pidfd(0));
  SHOW(open_pidfd(-1));
  SHOW(open_pidfd(0x3fffff));
  SHOW(open_pidfd(getpid(), 1));
  const int null = open("/dev/null", O_RDONLY);
  SHOW(send_by(null, 0));
  SHOW(send_by(-1, 0));
  SHOW(get_file(null, 0));
  const int own = open_pidfd(getpid());
  printf("close on exec %d, flags %o\n", fcntl(own, F_GETFD), fcntl(own, F_GETFL));
  SHOW(send_by(own, 65));
  SHOW(send_by(own, 0, nullptr, 99999));
  SHOW(send_by(own, 0));
  SHOW(get_file(own, -1));
  SHOW(get_file(own, 0, 1));
  char byte;
  SHOW(read(own, &byte, 1));
  siginfo_t told{};
  SHOW(waitid(P_PIDFD, own, &told, WEXITED));
  SHOW(waitid(P_PIDFD, null, &told, WEXITED));
  SHOW(waitid(P_PIDFD, -1, &told, WEXITED));
}

void life() {
  Child child;
  const int fd = open_pidfd(child.pid), nobody_waits = open_pidfd(child.pid, O_NONBLOCK);
  const int set = epoll_create1(0);
  epoll_event event{EPOLLIN, {.u64 = 5}};
  SHOW(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
  SHOW(epoll_wait(set, &event, 1, 0));
  SHOW(ready(fd));
  siginfo_t told{};
  SHOW(waitid(P_PIDFD, fd, &told, WEXITED | WNOHANG));
  SHOW(waitid(P_PIDFD, nobody_waits, &told, WEXITED));
  child.let_go();
  SHOW(epoll_wait(set, &event, 1, -1));
  SHOW(ready(fd));
  SHOW(send_by(fd, 0));
  SHOW(get_file(fd, 0));
  SHOW(waitid(P_PIDFD, fd, &told, WEXITED | WNOWAIT));
  SHOW(waitid(P_PIDFD, fd, &told, WEXITED));
  printf("own %d code %d status %d\n", told.si_pid == child.pid, told.si_code, told.si_status);
  SHOW(waitid(P_PIDFD, fd, &told, WEXITED));
  SHOW(send_by(fd, 0));
  SHOW(ready(fd) & POLLIN);
}

void signals() {
  Child child;
  const int fd = open_pidfd(child.pid);
  siginfo_t information{};
  information.si_signo = SIGUSR1;
  information.si_code = SI_QUEUE;
  SHOW(send_by(fd, SIGUSR2, &information));
  information.si_code = SI_USER;
  SHOW(send_by(fd, SIGUSR1, &information));
  information.si_code = SI_QUEUE;
  SHOW(send_by(fd, SIGUSR1, &information));
  int status = 0;
  waitpid(child.pid, &status, 0);
  printf("status %x\n", status);
  const int folder = open("/proc/self", O_DIRECTORY | O_RDONLY);
  signal(SIGUSR2, [](int) { printf("by its folder\n"); });
  SHOW(send_by(folder, SIGUSR2));
}

void files() {
  Child child;
  const int fd = open_pidfd(child.pid);
  const int copy = get_file(fd, child.ends[1]);
  printf("close on exec %d, written %zd\n", fcntl(copy, F_GETFD), write(copy, "x", 1));
  int status = 0;
  waitpid(child.pid, &status, 0);
  printf("status %x\n", status);
}

void clones() {
  int fd = -1;
  const long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, &fd, nullptr, nullptr);
  if (pid == 0) _exit(3);
  printf("close on exec %d\n", fcntl(fd, F_GETFD));
  siginfo_t told{};
  SHOW(waitid(P_PIDFD, fd, &told, WEXITED));
  printf("own %d status %d\n", told.si_pid == pid, told.si_status);
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD;
  arguments.exit_signal = SIGCHLD;
  int second = -1;
  arguments.pidfd = reinterpret_cast<__u64>(&second);
  const long other = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (other == 0) _exit(4);
  SHOW(waitid(P_PIDFD, second, &told, WEXITED));
  printf("own %d status %d\n", told.si_pid == other, told.si_status);
  SHOW(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, nullptr, &fd, nullptr, nullptr));
  arguments.pidfd = 8;
  SHOW(syscall(SYS_clone3, &arguments, sizeof arguments));
  // A descriptor of a clone that failed is not left behind.
  const int next = dup(0);
  printf("next %d\n", next - second);
}

}  // namespace

void pidfds() {
  errors();
  life();
  signals();
  files();
  clones();
}
