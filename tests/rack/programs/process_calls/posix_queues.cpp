// SPDX-License-Identifier: Apache-2.0
// POSIX message queues by the raw calls: names, sizes, priorities, time-outs, notices, polling, who may do what.
#include <fcntl.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "../show.h"
#include "parts.h"

namespace {

int open_queue(const char* name, int flags, int mode = 0600, const mq_attr* size = nullptr) {
  return syscall(SYS_mq_open, name, flags, mode, size);
}
long send(int fd, const char* text, unsigned priority, const timespec* until = nullptr) {
  return syscall(SYS_mq_timedsend, fd, text, strlen(text), priority, until);
}
void receive(int fd, size_t room = 8192, const timespec* until = nullptr) {
  static char text[8192];
  unsigned priority = 0;
  const long got = syscall(SYS_mq_timedreceive, fd, text, room, &priority, until);
  if (got < 0)
    printf("receive: %s\n", strerrorname_np(errno));
  else
    printf("receive: %.*s, priority %u\n", static_cast<int>(got), text, priority);
}
int unlink_queue(const char* name) { return syscall(SYS_mq_unlink, name); }

void names() {
  SHOW(open_queue("lego-absent", O_RDWR));
  SHOW(open_queue("", O_RDWR | O_CREAT));
  SHOW(open_queue("a/b", O_RDWR | O_CREAT));
  SHOW(open_queue(std::string(256, 'a').c_str(), O_RDWR | O_CREAT));
  SHOW(open_queue(nullptr, O_RDWR | O_CREAT));
  SHOW(unlink_queue("lego-absent"));
  SHOW(unlink_queue(std::string(256, 'a').c_str()));
  mq_attr size{.mq_maxmsg = 0, .mq_msgsize = 10};
  SHOW(open_queue("lego-a", O_RDWR | O_CREAT, 0600, &size));
  size = {.mq_maxmsg = 65537, .mq_msgsize = 10};
  SHOW(open_queue("lego-a", O_RDWR | O_CREAT, 0600, &size));
  const int fd = open_queue("lego-a", O_RDWR | O_CREAT, 0600);
  SHOW(open_queue("lego-a", O_RDWR | O_CREAT | O_EXCL));
  SHOW(fcntl(fd, F_GETFD));
  struct stat status {};
  fstat(fd, &status);
  printf("mode %o size %ld links %lu\n", status.st_mode, status.st_size, status.st_nlink);
  mq_attr now{}, fresh{.mq_flags = O_NONBLOCK};
  SHOW(syscall(SYS_mq_getsetattr, fd, &fresh, &now));
  printf("%ld %ld %ld %ld\n", now.mq_flags, now.mq_maxmsg, now.mq_msgsize, now.mq_curmsgs);
  printf("flags %o\n", fcntl(fd, F_GETFL));
  fresh.mq_flags = 1;
  SHOW(syscall(SYS_mq_getsetattr, fd, &fresh, &now));
  SHOW(syscall(SYS_mq_getsetattr, 0, nullptr, &now));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setresuid(65534, 65534, 65534);
    SHOW(open_queue("lego-a", O_RDONLY) >= 0);
    SHOW(unlink_queue("lego-a"));
    mq_attr large{.mq_maxmsg = 11, .mq_msgsize = 10};
    SHOW(open_queue("lego-b", O_RDONLY | O_CREAT, 0600, &large));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  SHOW(unlink_queue("lego-a"));
  SHOW(unlink_queue("lego-a"));
  SHOW(send(fd, "still there", 0));
  receive(fd);
}

void order() {
  const mq_attr size{.mq_maxmsg = 4, .mq_msgsize = 16};
  const int fd = open_queue("lego-order", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &size);
  const int reader = open_queue("lego-order", O_RDONLY), writer = open_queue("lego-order", O_WRONLY);
  unlink_queue("lego-order");
  receive(fd);
  receive(fd, 15);
  pollfd polled{fd, POLLIN | POLLOUT, 0};
  poll(&polled, 1, 0);
  printf("empty: %x\n", polled.revents);
  SHOW(send(fd, "low", 1));
  SHOW(send(fd, "high", 9));
  SHOW(send(fd, "low again", 1));
  SHOW(send(fd, "highest", 32767));
  SHOW(send(fd, "no room", 1));
  SHOW(send(fd, "too much", 32768));
  SHOW(send(fd, "longer than it can be", 1));
  poll(&polled, 1, 0);
  printf("full: %x\n", polled.revents);
  char text[200] = "";
  const ssize_t bytes = read(fd, text, sizeof text - 1);
  printf("read %zd: %s", bytes, text);
  SHOW(send(reader, "x", 0));
  receive(writer);
  for (int i = 0; i < 5; ++i) receive(fd);
  timespec past{1, 0}, bad{1, 2000000000};
  receive(reader, 16, &past);
  receive(reader, 16, &bad);
  SHOW(send(0, "x", 0));
}

void waits() {
  const mq_attr size{.mq_maxmsg = 1, .mq_msgsize = 16};
  const int fd = open_queue("lego-waits", O_RDWR | O_CREAT, 0600, &size);
  unlink_queue("lego-waits");
  fflush(stdout);
  if (fork() == 0) {
    for (int i = 0; i < 3; ++i) send(fd, i == 0 ? "one" : i == 1 ? "two" : "three", 0);
    _exit(0);
  }
  for (int i = 0; i < 3; ++i) receive(fd);
  wait(nullptr);
}

void notices() {
  const int fd = open_queue("lego-notices", O_RDWR | O_CREAT);
  unlink_queue("lego-notices");
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN;
  event.sigev_value.sival_int = 42;
  SHOW(syscall(SYS_mq_notify, fd, &event));
  SHOW(syscall(SYS_mq_notify, fd, &event));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    SHOW(syscall(SYS_mq_notify, fd, &event));
    SHOW(syscall(SYS_mq_notify, fd, nullptr));
    send(fd, "news", 0);
    fflush(stdout);
    _exit(0);
  }
  siginfo_t told{};
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGRTMIN);
  sigwaitinfo(&wanted, &told);
  waitpid(child, nullptr, 0);
  printf("signal %d code %d value %d child %d\n", told.si_signo == SIGRTMIN, told.si_code, told.si_value.sival_int,
         told.si_pid == child);
  // Once, and for an empty queue only.
  SHOW(syscall(SYS_mq_notify, fd, &event));
  send(fd, "more", 0);
  const timespec none{};
  SHOW(sigtimedwait(&wanted, &told, &none));
  SHOW(syscall(SYS_mq_notify, fd, nullptr));
  SHOW(syscall(SYS_mq_notify, fd, nullptr));
  event.sigev_notify = 9;
  SHOW(syscall(SYS_mq_notify, fd, &event));
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = 65;
  SHOW(syscall(SYS_mq_notify, fd, &event));
  event.sigev_notify = SIGEV_NONE;
  SHOW(syscall(SYS_mq_notify, fd, &event));
  SHOW(syscall(SYS_mq_notify, 0, &event));
}

// By the C library's thread (SIGEV_THREAD), and what it does by hand: 32 bytes that come back through a netlink socket.
void notices_by_thread() {
  const int fd = open_queue("lego-threads", O_RDWR | O_CREAT);
  unlink_queue("lego-threads");
  static sem_t called;
  sem_init(&called, 0, 0);
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_value.sival_int = 17;
  event.sigev_notify_function = [](sigval value) {
    printf("called with %d\n", value.sival_int);
    sem_post(&called);
  };
  SHOW(mq_notify(fd, &event));
  send(fd, "news", 0);
  sem_wait(&called);

  unsigned char cookie[33] = "a cookie of just thirty-two byte";
  event = {};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_value.sival_ptr = cookie;
  event.sigev_signo = fd;
  SHOW(syscall(SYS_mq_notify, fd, &event));
  event.sigev_signo = 999;
  SHOW(syscall(SYS_mq_notify, fd, &event));
  const int local = socket(AF_UNIX, SOCK_DGRAM, 0);
  event.sigev_signo = local;
  SHOW(syscall(SYS_mq_notify, fd, &event));
  const int told = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  event.sigev_signo = told;
  event.sigev_value.sival_ptr = nullptr;
  SHOW(syscall(SYS_mq_notify, fd, &event));
  event.sigev_value.sival_ptr = cookie;
  const auto receive_cookie = [told] {
    unsigned char got[64]{};
    const ssize_t bytes = recv(told, got, sizeof got, MSG_DONTWAIT);
    printf("%zd bytes: %.31s %d\n", bytes, got, got[31]);
  };
  receive(fd);
  SHOW(syscall(SYS_mq_notify, fd, &event));
  receive_cookie();
  char state[128]{};
  pread(fd, state, sizeof state - 1, 0);
  printf("%.30s\n", state);
  send(fd, "more", 0);
  receive_cookie();
  SHOW(syscall(SYS_mq_notify, fd, &event));
  SHOW(syscall(SYS_mq_notify, fd, nullptr));
  receive_cookie();
  SHOW(syscall(SYS_mq_notify, fd, &event));
  close(fd);
  receive_cookie();
  close(told);
  close(local);
}

void byte_limit() {
  const rlimit small{2000, 2000};
  SHOW(setrlimit(RLIMIT_MSGQUEUE, &small));
  const mq_attr size{.mq_maxmsg = 2, .mq_msgsize = 1000};
  SHOW(open_queue("lego-limit", O_RDWR | O_CREAT, 0600, &size));
  SHOW(unlink_queue("lego-limit"));
}

}  // namespace

void posix_queues() {
  for (const char* name :
       {"lego-a", "lego-b", "lego-order", "lego-waits", "lego-notices", "lego-threads", "lego-limit"})
    unlink_queue(name);
  names();
  order();
  waits();
  notices();
  notices_by_thread();
  byte_limit();
}
