// SPDX-License-Identifier: Apache-2.0
// A part of socket_options: options whose effects a program sees on its own machine.
#include <arpa/inet.h>
#include <asm/socket.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>

#include "show.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif

namespace {

int set(int s, int level, int name, int value) { return setsockopt(s, level, name, &value, sizeof value); }
int number(int s, int level, int name) {
  int value = -7;
  socklen_t size = sizeof value;
  getsockopt(s, level, name, &value, &size);
  return value;
}

struct Pair {
  int to, from;
  Pair(int domain, int type) {
    if (domain == AF_UNIX) {
      int both[2];
      socketpair(domain, type, 0, both);
      to = both[0], from = both[1];
      return;
    }
    to = socket(domain, type, 0), from = socket(domain, type, 0);
    sockaddr_in6 name{};
    socklen_t size = domain == AF_INET ? sizeof(sockaddr_in) : sizeof name;
    name.sin6_family = static_cast<sa_family_t>(domain);
    if (domain == AF_INET)
      reinterpret_cast<sockaddr_in&>(name).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
      name.sin6_addr = in6addr_loopback;
    bind(to, reinterpret_cast<sockaddr*>(&name), size);
    getsockname(to, reinterpret_cast<sockaddr*>(&name), &size);
    if (type == SOCK_STREAM) listen(to, 1);
    connect(from, reinterpret_cast<sockaddr*>(&name), size);
    if (type != SOCK_STREAM) return;
    const int accepted = accept(to, nullptr, nullptr);
    close(to);
    to = accepted;
  }
  ~Pair() { close(to), close(from); }
};

void peek(int s, size_t most) {
  char text[64] = "";
  const ssize_t got = recv(s, text, most, MSG_PEEK | MSG_DONTWAIT);
  printf("  peek %zu: %s, then at %d\n", most, got < 0 ? strerrorname_np(errno) : text,
         number(s, SOL_SOCKET, SO_PEEK_OFF));
}
void take(int s, size_t most) {
  char text[64] = "";
  const ssize_t got = recv(s, text, most, MSG_DONTWAIT);
  printf("  take %zu: %s, then at %d\n", most, got < 0 ? strerrorname_np(errno) : text,
         number(s, SOL_SOCKET, SO_PEEK_OFF));
}

void peeking() {
  printf("peeking\n");
  {
    const Pair p(AF_UNIX, SOCK_STREAM);
    send(p.from, "abcdef", 6, 0), send(p.from, "ghij", 4, 0);
    peek(p.to, 3);
    set(p.to, SOL_SOCKET, SO_PEEK_OFF, 0);
    peek(p.to, 3), peek(p.to, 2);
    take(p.to, 2);
    peek(p.to, 9), peek(p.to, 9);
    send(p.from, "kl", 2, 0);
    peek(p.to, 9);
    set(p.to, SOL_SOCKET, SO_PEEK_OFF, 7);
    peek(p.to, 2);
    take(p.to, 64);
    peek(p.to, 2);
  }
  for (const int domain : {AF_UNIX, AF_INET, AF_INET6}) {
    const Pair p(domain, SOCK_DGRAM);
    send(p.from, "abcdef", 6, 0), send(p.from, "ghij", 4, 0);
    set(p.to, SOL_SOCKET, SO_PEEK_OFF, 1);
    peek(p.to, 2), peek(p.to, 3), peek(p.to, 9), peek(p.to, 9);
    take(p.to, 64);
    peek(p.to, 9), peek(p.to, 9);
    take(p.to, 64);
  }
}

// Of times, whether they are those of now.
void receive(int s, size_t room) {
  char text[64] = "";
  alignas(16) char control[512];
  iovec vector{text, sizeof text};
  msghdr message{nullptr, 0, &vector, 1, control, room, 0};
  const ssize_t got = recvmsg(s, &message, MSG_DONTWAIT);
  printf("  %s, flags %#x:", got < 0 ? strerrorname_np(errno) : text, message.msg_flags);
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); got >= 0 && each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    const size_t bytes = each->cmsg_len - CMSG_LEN(0);
    printf(" (%d %d, %zu bytes:", each->cmsg_level, each->cmsg_type, bytes);
    const bool is_time = each->cmsg_level == SOL_SOCKET && each->cmsg_type != SO_MARK &&
                         each->cmsg_type != SCM_CREDENTIALS && bytes >= 8;
    if (is_time) {
      long seconds;
      memcpy(&seconds, CMSG_DATA(each), sizeof seconds);
      printf(" %s", labs(seconds - time(nullptr)) < 100 ? "now" : "another time");
    } else if (each->cmsg_type != SCM_CREDENTIALS || each->cmsg_level != SOL_SOCKET) {
      for (size_t i = 0; i < bytes; ++i) printf(" %02x", CMSG_DATA(each)[i]);
    }
    printf(")");
  }
  printf("\n");
}

// Linux stamps what comes only from a moment after a first socket has asked for it, for as long as one does.
void wait_for_stamps(const Pair& p) {
  set(p.to, SOL_SOCKET, SO_TIMESTAMPING_OLD, 1 << 3 | 1 << 4);
  for (int i = 0; i < 1000; ++i) {
    char byte;
    alignas(16) char control[512];
    iovec vector{&byte, 1};
    msghdr message{nullptr, 0, &vector, 1, control, sizeof control, 0};
    send(p.from, "x", 1, 0);
    recvmsg(p.to, &message, 0);
    if (message.msg_controllen > 0) return;
    usleep(5000);
  }
}

void times() {
  printf("times\n");
  const Pair stamping(AF_INET, SOCK_DGRAM);
  wait_for_stamps(stamping);
  for (const int domain : {AF_UNIX, AF_INET, AF_INET6}) {
    const Pair p(domain, SOCK_DGRAM);
    send(p.from, "none", 4, 0), receive(p.to, 512);
    for (const int name : {SO_TIMESTAMP_OLD, SO_TIMESTAMPNS_OLD, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW}) {
      set(p.to, SOL_SOCKET, name, 1);
      send(p.from, "time", 4, 0), receive(p.to, 512);
    }
    send(p.from, "short", 5, 0), receive(p.to, 24);
    send(p.from, "no room", 7, 0), receive(p.to, 0);
    send(p.from, "read", 4, 0), take(p.to, 64);
    set(p.to, SOL_SOCKET, SO_TIMESTAMPNS_NEW, 0);
    send(p.from, "off", 3, 0), receive(p.to, 512);
    if (domain == AF_UNIX) continue;
    set(p.to, SOL_SOCKET, SO_TIMESTAMPING_OLD, 1 << 3 | 1 << 4);
    send(p.from, "detailed", 8, 0), receive(p.to, 512);
    set(p.to, SOL_SOCKET, SO_TIMESTAMP_OLD, 1);
    send(p.from, "both", 4, 0), receive(p.to, 512);
  }
  const Pair p(AF_UNIX, SOCK_STREAM);
  set(p.to, SOL_SOCKET, SO_TIMESTAMP_OLD, 1);
  send(p.from, "stream", 6, 0), receive(p.to, 512);
  // The end is no message: nothing is told of it.
  const Pair q(AF_UNIX, SOCK_SEQPACKET);
  set(q.to, SOL_SOCKET, SO_TIMESTAMP_OLD, 1), set(q.to, SOL_SOCKET, SO_PASSCRED, 1);
  send(q.from, "", 0, 0), receive(q.to, 512);
  shutdown(q.from, SHUT_WR), receive(q.to, 512);
}

void last_time() {
  printf("last time\n");
  const Pair p(AF_INET, SOCK_DGRAM);
  timeval time{};
  timespec now{};
  const auto is_now = [&](long seconds) { return labs(seconds - ::time(nullptr)) < 100; };
  SHOW(ioctl(p.to, SIOCGSTAMP_OLD, &time));
  send(p.from, "a", 1, 0), send(p.from, "b", 1, 0);
  SHOW(ioctl(p.to, SIOCGSTAMPNS_OLD, &now));
  take(p.to, 64);
  SHOW(ioctl(p.to, SIOCGSTAMP_OLD, &time));
  printf("%d\n", is_now(time.tv_sec));
  SHOW(ioctl(p.to, SIOCGSTAMPNS_OLD, &now));
  printf("%d %d\n", is_now(now.tv_sec), now.tv_nsec / 1000 == time.tv_usec);
  usleep(2000);
  take(p.to, 64);
  SHOW(ioctl(p.to, SIOCGSTAMP_NEW, &time));
  printf("%d %d\n", is_now(time.tv_sec), now.tv_nsec / 1000 == time.tv_usec);
  const Pair tcp(AF_INET, SOCK_STREAM);
  SHOW(ioctl(tcp.to, SIOCGSTAMP_OLD, &time));
}

// What the sender's headers have.
void headers() {
  printf("headers\n");
  {
    const Pair p(AF_INET, SOCK_DGRAM);
    for (const int name : {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS}) set(p.to, SOL_IP, name, 1);
    send(p.from, "plain", 5, 0), receive(p.to, 512);
    set(p.from, SOL_IP, IP_TTL, 9), set(p.from, SOL_IP, IP_TOS, 16);
    send(p.from, "changed", 7, 0), receive(p.to, 512);
    set(p.to, SOL_SOCKET, SO_TIMESTAMP_OLD, 1);
    send(p.from, "with time", 9, 0), receive(p.to, 512);
    set(p.to, SOL_SOCKET, SO_TIMESTAMP_OLD, 0);
    if (set(p.to, SOL_SOCKET, SO_RCVMARK, 1) == 0 && set(p.from, SOL_SOCKET, SO_MARK, 77) == 0) {
      send(p.from, "marked", 6, 0), receive(p.to, 512);
    }
  }
  const Pair p(AF_INET6, SOCK_DGRAM);
  for (const int name : {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS}) set(p.to, SOL_IPV6, name, 1);
  send(p.from, "plain", 5, 0), receive(p.to, 512);
  set(p.from, SOL_IPV6, IPV6_UNICAST_HOPS, 9), set(p.from, SOL_IPV6, IPV6_TCLASS, 32);
  send(p.from, "changed", 7, 0), receive(p.to, 512);
}

void streams() {
  printf("streams\n");
  {
    const Pair p(AF_INET, SOCK_STREAM);
    SHOW(set(p.to, SOL_TCP, TCP_INQ, 1));
    send(p.from, "abcdef", 6, 0);
    receive(p.to, 512);
    send(p.from, "ghi", 3, 0), shutdown(p.from, SHUT_WR);
    receive(p.to, 512);
    SHOW(set(p.to, SOL_TCP, TCP_WINDOW_CLAMP, 0));
    SHOW(set(p.to, SOL_TCP, TCP_FASTOPEN, 1));
  }
  const int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  bind(listener, reinterpret_cast<sockaddr*>(&name), size);
  getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
  SHOW(set(listener, SOL_TCP, TCP_MAXSEG, 1000));
  SHOW(listen(listener, 1));
  SHOW(connect(client, reinterpret_cast<sockaddr*>(&name), size));
  const int accepted = accept(listener, nullptr, nullptr);
  SHOW(number(client, SOL_TCP, TCP_MAXSEG));
  SHOW(number(accepted, SOL_TCP, TCP_MAXSEG));
  const size_t bytes = 10000;
  static char sent[bytes], got[bytes];
  for (size_t i = 0; i < bytes; ++i) sent[i] = static_cast<char>(i * 7);
  SHOW(send(client, sent, bytes, 0));
  SHOW(recv(accepted, got, bytes, MSG_WAITALL));
  printf("%d\n", std::equal(sent, sent + bytes, got));
  close(listener), close(client), close(accepted);
}

}  // namespace

void effects() {
  peeking();
  times();
  last_time();
  headers();
  streams();
}
