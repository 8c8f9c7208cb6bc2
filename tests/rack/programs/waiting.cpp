// SPDX-License-Identifier: Apache-2.0
// Pipes, poll, select, epoll, eventfd, timerfd, signalfd and socket pairs.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>

#include "show.h"

namespace {

void pipes() {
  int p[2];
  SHOW(pipe2(p, O_NONBLOCK));
  char text[70000] = {};
  SHOW(read(p[0], text, 10));
  SHOW(write(p[1], text, 70000));
  SHOW(write(p[1], text, 1));
  int waiting;
  ioctl(p[0], FIONREAD, &waiting);
  printf("%d in it\n", waiting);
  SHOW(read(p[0], text, 4096));
  SHOW(write(p[1], text, 10));
  SHOW(read(p[0], text, 70000));
  SHOW(write(p[1], text, 5000));
  SHOW(lseek(p[0], 0, SEEK_CUR));
  SHOW(write(p[0], text, 1));
  SHOW(read(p[1], text, 1));
  SHOW(fcntl(p[0], F_GETPIPE_SZ));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, 8192));
  SHOW(fcntl(p[0], F_GETPIPE_SZ));
  SHOW(close(p[1]));
  SHOW(read(p[0], text, 70000));
  SHOW(read(p[0], text, 70000));
  close(p[0]);
  SHOW(pipe(p));
  close(p[0]);
  signal(SIGPIPE, SIG_IGN);
  SHOW(write(p[1], text, 1));
  signal(SIGPIPE, SIG_DFL);
  int source[2];
  pipe(source);
  const int nowhere = open("/dev/null", O_WRONLY);
  SHOW(sendfile(nowhere, source[0], nullptr, 10));
  close(nowhere), close(source[0]), close(source[1]);
  const pid_t pid = fork();
  if (pid == 0) {
    write(p[1], text, 1);
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  printf("ended by signal %d\n", WTERMSIG(status));
  close(p[1]);
  SHOW(pipe2(p, 0x7));
}

// As many as the limit allows, each with something in it.
void many_pipes() {
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{1024, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  int p[2], first = -1, made = 0, last = -1;
  while (pipe(p) == 0) {
    if (first < 0) first = p[0];
    last = p[1];
    ++made;
    if (write(p[1], &made, sizeof made) != sizeof made) perror("write");
  }
  printf("%d pipes, then %s\n", made, strerrorname_np(errno));
  int value = 0;
  read(last - 1, &value, sizeof value);
  printf("in the last %d\n", value);
  close_range(static_cast<unsigned>(first), ~0u, 0);
  setrlimit(RLIMIT_NOFILE, &before);
}

void large_pipe() {
  int p[2];
  pipe(p);
  const pid_t pid = fork();
  if (pid == 0) {
    static char text[10007];
    unsigned sum = 0;
    for (int i = 0; i < 100; ++i) {
      for (unsigned j = 0; j < sizeof text; ++j) sum += static_cast<unsigned char>(text[j] = char(i * 7 + j));
      write(p[1], text, sizeof text);
    }
    _exit(int(sum % 100));
  }
  close(p[1]);
  unsigned char part[777];
  unsigned sum = 0;
  long total = 0;
  for (ssize_t got; (got = read(p[0], part, sizeof part)) > 0; total += got)
    for (ssize_t i = 0; i < got; ++i) sum += part[i];
  int status;
  waitpid(pid, &status, 0);
  printf("through a pipe: %ld bytes, %s\n", total, WEXITSTATUS(status) == int(sum % 100) ? "equal" : "DIFFERENT");
  close(p[0]);
}

void show_descriptor_room() {
  FILE* status = fopen("/proc/self/status", "r");
  char line[200];
  while (fgets(line, sizeof line, status) != nullptr)
    if (strncmp(line, "FDSize", 6) == 0) fputs(line, stdout);
  fclose(status);
}

void polling() {
  int p[2];
  pipe(p);
  pollfd set[4] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {99, POLLIN, 0}, {-1, POLLIN, 0}};
  SHOW(poll(set, 4, 0));
  printf("%x %x %x %x\n", set[0].revents, set[1].revents, set[2].revents, set[3].revents);
  write(p[1], "x", 1);
  SHOW(poll(set, 1, -1));
  printf("%x\n", set[0].revents);
  close(p[1]);
  SHOW(poll(set, 1, -1));
  printf("%x\n", set[0].revents);
  char byte;
  read(p[0], &byte, 1);
  SHOW(poll(set, 1, -1));
  printf("%x\n", set[0].revents);
  close(p[0]);
  SHOW(poll(nullptr, 0, 10));
  SHOW(poll((pollfd*)8, 1, 0));
  pipe(p);
  fd_set readers, writers;
  FD_ZERO(&readers);
  FD_ZERO(&writers);
  FD_SET(p[0], &readers);
  FD_SET(p[1], &writers);
  timeval soon{0, 1000};
  SHOW(select(p[1] + 1, &readers, &writers, nullptr, &soon));
  printf("%d %d\n", FD_ISSET(p[0], &readers), FD_ISSET(p[1], &writers));
  FD_ZERO(&readers);
  FD_SET(p[0], &readers);
  SHOW(select(p[0] + 1, &readers, nullptr, nullptr, &soon));
  // A number that was never open is looked at only if the table has room for it.
  SHOW(dup2(p[0], 200));
  SHOW(close(200));
  FD_SET(200, &readers);
  SHOW(select(201, &readers, nullptr, nullptr, &soon));
  show_descriptor_room();
  if (const pid_t child = fork(); child == 0) {
    show_descriptor_room();
    SHOW(select(201, &readers, nullptr, nullptr, &soon));
    exit(0);
  }
  wait(nullptr);
  close(p[0]), close(p[1]);
}

void epolls() {
  int p[2];
  pipe2(p, O_NONBLOCK);
  const int e = epoll_create1(0);
  epoll_event event{EPOLLIN, {.u64 = 77}};
  SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event));
  SHOW(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event));
  SHOW(epoll_ctl(e, EPOLL_CTL_MOD, p[1], &event));
  SHOW(epoll_ctl(e, EPOLL_CTL_ADD, e, &event));
  SHOW(epoll_ctl(e, EPOLL_CTL_ADD, 99, &event));
  const int file = open("/proc/self/exe", O_RDONLY);
  SHOW(epoll_ctl(e, EPOLL_CTL_ADD, file, &event));
  close(file);
  epoll_event got[4];
  SHOW(epoll_wait(e, got, 4, 0));
  write(p[1], "ab", 2);
  SHOW(epoll_wait(e, got, 4, -1));
  printf("%x %lu\n", got[0].events, got[0].data.u64);
  SHOW(epoll_wait(e, got, 4, -1));
  event = {EPOLLIN | EPOLLET, {.u64 = 78}};
  SHOW(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &event));
  SHOW(epoll_wait(e, got, 4, 0));
  SHOW(epoll_wait(e, got, 4, 0));
  write(p[1], "c", 1);
  SHOW(epoll_wait(e, got, 4, 0));
  event = {EPOLLIN | EPOLLONESHOT, {.u64 = 79}};
  epoll_ctl(e, EPOLL_CTL_MOD, p[0], &event);
  SHOW(epoll_wait(e, got, 4, 0));
  SHOW(epoll_wait(e, got, 4, 0));
  SHOW(epoll_wait(e, got, 0, 0));
  SHOW(epoll_ctl(e, EPOLL_CTL_DEL, p[0], nullptr));
  SHOW(epoll_ctl(e, EPOLL_CTL_DEL, p[0], nullptr));
  event = {EPOLLIN, {.u64 = 80}};
  epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event);
  close(p[1]);
  SHOW(epoll_wait(e, got, 4, 0));
  printf("%x\n", got[0].events);
  close(p[0]);
  SHOW(epoll_wait(e, got, 4, 0));
  close(e);
}

void events_and_timers() {
  const int e = eventfd(3, EFD_NONBLOCK);
  std::uint64_t value = 4;
  SHOW(write(e, &value, 8));
  SHOW(read(e, &value, 8));
  printf("%lu\n", value);
  SHOW(read(e, &value, 8));
  SHOW(read(e, &value, 4));
  value = ~0ul;
  SHOW(write(e, &value, 8));
  value = ~0ul - 1;
  SHOW(write(e, &value, 8));
  value = 1;
  SHOW(write(e, &value, 8));
  close(e);
  const int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
  read(s, &value, 8);
  printf("%lu ", value);
  read(s, &value, 8);
  printf("%lu\n", value);
  SHOW(read(s, &value, 8));
  close(s);
  const int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  SHOW(read(t, &value, 8));
  itimerspec every{{0, 10'000'000}, {0, 10'000'000}};
  SHOW(timerfd_settime(t, 0, &every, nullptr));
  pollfd waiting{t, POLLIN, 0};
  SHOW(poll(&waiting, 1, 5000));
  usleep(35'000);
  SHOW(read(t, &value, 8));
  printf("expired %s\n", value >= 3 ? "often" : "too seldom");
  itimerspec left;
  SHOW(timerfd_gettime(t, &left));
  printf("every %ld\n", left.it_interval.tv_nsec);
  SHOW(timerfd_create(99, 0));
  close(t);
}

void sockets() {
  int s[2];
  SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  SHOW(send(s[0], "hello", 5, 0));
  char text[64] = {};
  SHOW(recv(s[1], text, 3, MSG_PEEK));
  SHOW(recv(s[1], text, 64, 0));
  SHOW(recv(s[1], text, 64, MSG_DONTWAIT));
  int p[2];
  pipe(p);
  char control[CMSG_SPACE(sizeof(int))] = {};
  char mark = 'm';
  iovec part{&mark, 1};
  msghdr message{.msg_name = nullptr,
                 .msg_namelen = 0,
                 .msg_iov = &part,
                 .msg_iovlen = 1,
                 .msg_control = control,
                 .msg_controllen = sizeof control,
                 .msg_flags = 0};
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &p[1], sizeof(int));
  SHOW(sendmsg(s[0], &message, 0));
  close(p[1]);
  memset(control, 0, sizeof control);
  SHOW(recvmsg(s[1], &message, 0));
  int passed;
  memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
  SHOW(write(passed, "through", 7));
  SHOW(read(p[0], text, 64));
  close(passed), close(p[0]);
  SHOW(shutdown(s[0], SHUT_WR));
  SHOW(read(s[1], text, 1));
  signal(SIGPIPE, SIG_IGN);
  SHOW(write(s[0], "x", 1));
  SHOW(write(s[1], "x", 1));
  close(s[0]), close(s[1]);
  SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  send(s[0], "one", 3, 0), send(s[0], "two22", 5, 0);
  SHOW(recv(s[1], text, 2, 0));
  SHOW(recv(s[1], text, 64, 0));
  int kind;
  socklen_t size = sizeof kind;
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &kind, &size));
  printf("type %d\n", kind);
  close(s[0]), close(s[1]);
}

void show_signals(int file) {
  struct signalfd_siginfo taken[4];
  const long bytes = SHOW(read(file, taken, sizeof taken));
  for (long i = 0; i * static_cast<long>(sizeof taken[0]) < bytes; ++i)
    printf("signal %u code %d mine %d value %d status %d\n", taken[i].ssi_signo, taken[i].ssi_code,
           taken[i].ssi_pid == static_cast<unsigned>(getpid()), taken[i].ssi_int, taken[i].ssi_status);
}

void signal_files() {
  sigset_t set, none;
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  const int file = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  struct signalfd_siginfo one;
  SHOW(read(file, &one, sizeof one));
  SHOW(read(file, &one, sizeof one - 1));
  SHOW(write(file, &one, sizeof one));
  struct pollfd ready = {file, POLLIN | POLLOUT, 0};
  SHOW(poll(&ready, 1, 0));
  raise(SIGUSR1);
  raise(SIGUSR1);
  union sigval value;
  value.sival_int = 5;
  sigqueue(getpid(), SIGRTMIN + 1, value);
  value.sival_int = 6;
  sigqueue(getpid(), SIGRTMIN + 1, value);
  SHOW(poll(&ready, 1, -1));
  printf("events %x\n", ready.revents);
  show_signals(file);
  // A child's end, waited for without a time-out, and by way of an epoll.
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  printf("changed %d\n", signalfd(file, &set, 0) == file);
  const int epoll = epoll_create1(0);
  struct epoll_event event = {EPOLLIN, {}};
  SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event));
  const pid_t child = fork();
  if (child == 0) _exit(9);
  SHOW(epoll_wait(epoll, &event, 1, -1));
  const long bytes = read(file, &one, sizeof one);
  printf("%ld bytes signal %u code %d the child's %d status %d\n", bytes, one.ssi_signo, one.ssi_code,
         one.ssi_pid == static_cast<unsigned>(child), one.ssi_status);
  waitpid(child, nullptr, 0);
  const int blocking = signalfd(-1, &set, 0);
  if (fork() == 0) {
    usleep(20000);
    kill(getppid(), SIGUSR1);
    _exit(0);
  }
  read(blocking, &one, sizeof one);
  printf("signal %u\n", one.ssi_signo);
  wait(nullptr);
  SHOW(signalfd(1, &set, 0));
  SHOW(signalfd(-1, &set, 1));
  close(file), close(epoll), close(blocking);
  signal(SIGCHLD, SIG_IGN);  // so that what is pending goes
  signal(SIGCHLD, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

void packets_and_sizes();  // packets.cpp

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  close_range(3, ~0u, 0);  // whatever started this program may have left high numbers open
  pipes();
  many_pipes();
  large_pipe();
  polling();
  epolls();
  events_and_timers();
  sockets();
  signal_files();
  packets_and_sizes();
  return 0;
}
