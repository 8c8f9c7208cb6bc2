// SPDX-License-Identifier: Apache-2.0
// What AF_UNIX sockets carry beside bytes (descriptors, credentials), sockets that only queues hold, options, epoll.
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"

namespace {

struct Message : msghdr {
  char byte = 'm';
  iovec part{&byte, 1};
  alignas(8) char space[512] = {};
  Message() : msghdr{} {
    msg_iov = &part;
    msg_iovlen = 1;
  }
  void add(int type, const void* data, size_t bytes) {
    auto* header = reinterpret_cast<cmsghdr*>(space + msg_controllen);
    msg_control = space;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(header), data, bytes);
    msg_controllen += CMSG_SPACE(bytes);
  }
  void make_room(size_t bytes) {
    msg_control = space;
    msg_controllen = bytes;
  }
  // What came; the first descriptor or -1.
  int show_control() {
    int first = -1;
    for (cmsghdr* each = CMSG_FIRSTHDR(this); each != nullptr; each = CMSG_NXTHDR(this, each)) {
      const size_t bytes = each->cmsg_len - CMSG_LEN(0);
      printf("  level %d, type %d, %zu bytes", each->cmsg_level, each->cmsg_type, bytes);
      if (each->cmsg_type == SCM_CREDENTIALS) {
        ucred who;
        memcpy(&who, CMSG_DATA(each), sizeof who);
        const bool own = who.pid == getpid() && who.uid == getuid() && who.gid == getgid();
        printf(": %s", own ? "own" : who.pid > 0 ? "another's" : "nobody's");
      }
      if (each->cmsg_type == SCM_RIGHTS && bytes >= sizeof first) memcpy(&first, CMSG_DATA(each), sizeof first);
      printf("\n");
    }
    printf("  flags %#x, %zu bytes of control\n", msg_flags, msg_controllen);
    return first;
  }
};

long send_files(int s, std::initializer_list<int> files) {
  Message message;
  message.add(SCM_RIGHTS, files.begin(), files.size() * sizeof(int));
  return sendmsg(s, &message, 0);
}

void rights() {
  int s[2], p[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  pipe(p);
  SHOW(send(s[0], "before", 6, 0));
  SHOW(send_files(s[0], {p[1], p[0]}));
  SHOW(send(s[0], "after", 5, 0));
  char text[64];
  SHOW(recv(s[1], text, 6, 0));
  Message peeked;
  peeked.make_room(256);
  SHOW(recvmsg(s[1], &peeked, MSG_PEEK));
  const int peeked_file = peeked.show_control();
  Message message;
  message.make_room(256);
  SHOW(recvmsg(s[1], &message, MSG_CMSG_CLOEXEC));
  const int received = message.show_control();
  printf("close on exec %d %d\n", fcntl(peeked_file, F_GETFD), fcntl(received, F_GETFD));
  SHOW(write(received, "through", 7));
  SHOW(write(peeked_file, "both", 4));
  SHOW(read(p[0], text, 64));
  SHOW(recv(s[1], text, 64, 0));
  close(peeked_file), close(peeked_file + 1), close(received), close(received + 1);
  // Without room for all of them, or for any.
  SHOW(send_files(s[0], {p[0], p[1], 0}));
  message.make_room(CMSG_LEN(2 * sizeof(int)));
  SHOW(recvmsg(s[1], &message, 0));
  const int some = message.show_control();
  close(some), close(some + 1);
  SHOW(send_files(s[0], {p[1]}));
  message.make_room(0);
  SHOW(recvmsg(s[1], &message, 0));
  message.show_control();
  SHOW(send(s[0], "with", 4, 0));
  SHOW(send_files(s[0], {p[1]}));
  SHOW(send(s[0], "without", 7, 0));
  SHOW(read(s[1], text, 64));
  SHOW(read(s[1], text, 64));
  SHOW(send_files(s[0], {-1}));
  SHOW(send_files(s[0], {p[0], 99}));
  Message wrong;
  wrong.add(99, p, 4);
  SHOW(sendmsg(s[0], &wrong, 0));
  wrong.msg_controllen = 3;
  SHOW(sendmsg(s[0], &wrong, 0));
  // The pipe's end is gone with the packet that held it.
  SHOW(send_files(s[0], {p[1]}));
  close(p[1]);
  close(s[0]), close(s[1]);
  SHOW(read(p[0], text, 1));
  close(p[0]);
}

void credentials() {
  int s[2];
  const int on = 1;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    socketpair(AF_UNIX, type, 0, s);
    SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    SHOW(send(s[0], "x", 1, 0));
    Message message;
    message.make_room(256);
    SHOW(recvmsg(s[1], &message, 0));
    message.show_control();
    ucred who{getpid(), getuid(), getgid()};
    Message given;
    given.add(SCM_CREDENTIALS, &who, sizeof who);
    SHOW(sendmsg(s[0], &given, 0));
    message.make_room(CMSG_LEN(sizeof who));
    SHOW(recvmsg(s[1], &message, 0));
    message.show_control();
    SHOW(send(s[0], "x", 1, 0));
    message.make_room(CMSG_LEN(4));
    SHOW(recvmsg(s[1], &message, 0));
    printf("  flags %#x\n", message.msg_flags);
    fflush(stdout);
    if (fork() == 0) {
      if (getuid() == 0) setresuid(4321, 4321, 4321);
      who = {getpid(), 0, getgid()};
      Message forged;
      forged.add(SCM_CREDENTIALS, &who, sizeof who);
      SHOW(sendmsg(s[0], &forged, 0));
      send(s[0], "y", 1, 0);
      _exit(0);
    }
    message.make_room(256);
    SHOW(recvmsg(s[1], &message, 0));
    message.show_control();
    wait(nullptr);
    close(s[0]), close(s[1]);
  }
}

// A pipe whose writing end only a queue holds that nobody can read: its end must come.
void expect_end(int reader) {
  char byte;
  // Some kernels look only when another socket ends.
  close(socket(AF_UNIX, SOCK_STREAM, 0));
  pollfd p{reader, POLLIN, 0};
  poll(&p, 1, 10000);
  printf("the pipe ends: %zd\n", read(reader, &byte, 1));
}

void garbage() {
  int s[2], t[2], p[2];
  // In its own queue.
  pipe(p);
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  SHOW(send_files(s[1], {s[0], p[1]}));
  close(p[1]), close(s[0]), close(s[1]);
  expect_end(p[0]);
  close(p[0]);
  // Each in the other's queue.
  pipe(p);
  socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
  socketpair(AF_UNIX, SOCK_STREAM, 0, t);
  SHOW(send_files(s[0], {t[1], p[1]}));
  SHOW(send_files(t[0], {s[1]}));
  close(p[1]);
  for (int each : {s[0], s[1], t[0], t[1]}) close(each);
  expect_end(p[0]);
  close(p[0]);
  // In the queue of a connection that nobody accepted, to a socket that is in that queue.
  pipe(p);
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = "\0garbage"};
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(listener, reinterpret_cast<sockaddr*>(&name), 10);
  listen(listener, 1);
  SHOW(connect(client, reinterpret_cast<sockaddr*>(&name), 10));
  SHOW(send_files(client, {listener, p[1]}));
  close(p[1]), close(listener), close(client);
  expect_end(p[0]);
  close(p[0]);
  // Not garbage: what can still be received stays.
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  socketpair(AF_UNIX, SOCK_STREAM, 0, t);
  SHOW(send_files(s[0], {t[0]}));
  SHOW(send_files(t[1], {s[0]}));
  close(t[0]), close(s[0]);
  close(socket(AF_UNIX, SOCK_STREAM, 0));
  Message message;
  message.make_room(256);
  SHOW(recvmsg(s[1], &message, 0));
  const int back = message.show_control();
  message.make_room(256);
  SHOW(recvmsg(back, &message, 0));
  message.show_control();
  close(s[1]), close(t[1]);
}

// Each in the queue of the next: the last one takes all of them along.
void chain() {
  int p[2], before = -1;
  pipe(p);
  before = p[1];
  int sent = 0;
  for (int i = 0; i < 3000; ++i) {
    int s[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, s) != 0 || send_files(s[0], {before}) != 1) break;
    close(s[0]), close(before);
    before = s[1];
    ++sent;
  }
  printf("%s\n", sent > 100 ? "a long chain" : "a short chain");
  close(before);
  expect_end(p[0]);
  close(p[0]);
}

void option(int s, int name, int value) {
  printf("option %d = %d: %s, ", name, value,
         setsockopt(s, SOL_SOCKET, name, &value, sizeof value) == 0 ? "set" : strerrorname_np(errno));
  int now = -1;
  socklen_t size = sizeof now;
  if (getsockopt(s, SOL_SOCKET, name, &now, &size) == 0)
    printf("%d in %u bytes\n", now, size);
  else
    printf("%s\n", strerrorname_np(errno));
}

void options() {
  const int s = socket(AF_UNIX, SOCK_DGRAM, 0);
  option(s, SO_SNDBUF, 10000);
  option(s, SO_SNDBUF, 1);
  option(s, SO_RCVBUF, 5000);
  option(s, SO_RCVBUF, 1);
  option(s, SO_REUSEADDR, 7);
  option(s, SO_KEEPALIVE, 1);
  option(s, SO_BROADCAST, 1);
  option(s, SO_OOBINLINE, 1);
  option(s, SO_DONTROUTE, 1);
  option(s, SO_PASSCRED, 1);
  option(s, SO_PRIORITY, 3);
  option(s, SO_TYPE, 3);
  option(s, SO_ERROR, 3);
  option(s, SO_ACCEPTCONN, 3);
  option(s, 9999, 3);
  const linger how{1, 5};
  SHOW(setsockopt(s, SOL_SOCKET, SO_LINGER, &how, sizeof how));
  linger now{};
  socklen_t size = sizeof now;
  SHOW(getsockopt(s, SOL_SOCKET, SO_LINGER, &now, &size));
  printf("linger %d %d in %u bytes\n", now.l_onoff, now.l_linger, size);
  timeval time{3, 500000};
  SHOW(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  time = {};
  size = sizeof time;
  SHOW(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &time, &size));
  printf("%ld.%06ld\n", time.tv_sec, time.tv_usec);
  time = {0, 2000000};
  SHOW(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time));
  SHOW(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &time, 3));
  SHOW(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, nullptr, 4));
  SHOW(setsockopt(s, 6, 1, &time, 4));
  SHOW(if_nametoindex("lo"));
  char small[2];
  size = 2;
  SHOW(getsockopt(s, SOL_SOCKET, SO_TYPE, small, &size));
  printf("%u bytes\n", size);
  close(s);
}

void show_ready(const char* what, int e) {
  epoll_event events[8];
  const int count = epoll_wait(e, events, 8, 0);
  printf("%s:", what);
  for (int i = 0; i < count; ++i) printf(" %u %#x", events[i].data.u32, events[i].events);
  printf("\n");
}

void readiness() {
  const int e = epoll_create1(0);
  sockaddr_un name{.sun_family = AF_UNIX, .sun_path = "\0ready"};
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(listener, reinterpret_cast<sockaddr*>(&name), 8);
  listen(listener, 3);
  epoll_event wanted{EPOLLIN | EPOLLET, {.u32 = 1}};
  epoll_ctl(e, EPOLL_CTL_ADD, listener, &wanted);
  show_ready("nobody", e);
  connect(client, reinterpret_cast<sockaddr*>(&name), 8);
  show_ready("one comes", e);
  show_ready("edge", e);
  const int server = accept(listener, nullptr, nullptr);
  wanted = {EPOLLIN | EPOLLRDHUP, {.u32 = 2}};
  epoll_ctl(e, EPOLL_CTL_ADD, server, &wanted);
  show_ready("accepted", e);
  send(client, "x", 1, 0);
  show_ready("a byte", e);
  char byte;
  recv(server, &byte, 1, 0);
  show_ready("taken", e);
  shutdown(client, SHUT_WR);
  show_ready("shut", e);
  close(client);
  show_ready("closed", e);
  close(server), close(listener), close(e);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  close_range(3, ~0u, 0);  // whatever started this program may have left high numbers open
  signal(SIGPIPE, SIG_IGN);
  rights();
  credentials();
  garbage();
  chain();
  options();
  readiness();
  return 0;
}
