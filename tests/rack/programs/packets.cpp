// SPDX-License-Identifier: Apache-2.0
// A part of waiting: pipes of packets (O_DIRECT), how large a pipe may be, and events that one of
// several who wait takes alone (EPOLLEXCLUSIVE).
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"

namespace {

void packets() {
  int p[2];
  char text[8192] = "";
  SHOW(pipe2(p, O_DIRECT | O_NONBLOCK));
  printf("%d\n", (fcntl(p[1], F_GETFL) & O_DIRECT) != 0);
  write(p[1], "one", 3);
  write(p[1], "two", 3);
  write(p[1], "longer", 6);
  SHOW(ioctl(p[0], FIONREAD, text) == 0 ? *(int*)text : -1);
  SHOW(read(p[0], text, sizeof text));
  SHOW(read(p[0], text, 2));
  printf("%.2s\n", text);
  SHOW(read(p[0], text, sizeof text));
  SHOW(read(p[0], text, sizeof text));
  memset(text, 'x', sizeof text);
  SHOW(write(p[1], text, 5000));
  SHOW(read(p[0], text, sizeof text));
  SHOW(read(p[0], text, sizeof text));
  // Each packet takes a page.
  int count = 0;
  while (write(p[1], "x", 1) == 1) ++count;
  printf("%d\n", count);
  pollfd room{p[1], POLLOUT};
  while (read(p[0], text, 1) == 1) --count;
  printf("%d %d\n", count, poll(&room, 1, 0));
  SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
  write(p[1], "ab", 2);
  write(p[1], "cd", 2);
  SHOW(read(p[0], text, sizeof text));
  close(p[0]), close(p[1]);
}

void sizes() {
  int p[2];
  pipe(p);
  SHOW(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
  SHOW(fcntl(p[0], F_SETPIPE_SZ, 5000));
  SHOW(fcntl(p[0], F_SETPIPE_SZ, 0));
  close(p[0]), close(p[1]);
  fflush(stdout);
  if (fork() == 0) {
    if (setuid(65534) != 0) _exit(1);
    pipe(p);
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, (1 << 20) + 1));
    fflush(stdout);
    _exit(0);
  }
  wait(nullptr);
}

// Until the process sleeps.
void wait_for_sleep(pid_t pid) {
  char path[50], text[500];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  do {
    const int fd = open(path, O_RDONLY);
    text[read(fd, text, sizeof text - 1)] = 0;
    close(fd);
  } while (strstr(text, ") S ") == nullptr);
}

// A child waits in the first set. Whether a byte is an event for the second one, too.
void taken_alone(unsigned flags) {
  int p[2];
  pipe(p);
  const int first = epoll_create1(0), second = epoll_create1(0);
  epoll_event event{EPOLLIN | EPOLLET | flags};
  epoll_ctl(first, EPOLL_CTL_ADD, p[0], &event);
  epoll_ctl(second, EPOLL_CTL_ADD, p[0], &event);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(epoll_wait(first, &event, 1, -1));
  wait_for_sleep(child);
  write(p[1], "x", 1);
  int status = 0;
  waitpid(child, &status, 0);
  printf("the first %x, the second %d\n", status, epoll_wait(second, &event, 1, 0));
  // Nobody waits: it is everybody's.
  write(p[1], "y", 1);
  printf("the first %d,", epoll_wait(first, &event, 1, 0));
  printf(" the second %d\n", epoll_wait(second, &event, 1, 0));
  for (const int fd : {p[0], p[1], first, second}) close(fd);
}

}  // namespace

void packets_and_sizes() {
  packets();
  sizes();
  taken_alone(0);
  taken_alone(EPOLLEXCLUSIVE);
}
