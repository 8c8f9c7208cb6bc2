// SPDX-License-Identifier: Apache-2.0
// TCP on the loopback addresses: names, connections, bytes, ends, errors, who is told. UDP is in inet_datagrams.cpp.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "inet_names.h"
#include "show.h"

namespace {

int listener(const char* host, int family = AF_INET) {
  const int s = tcp(family);
  const Address any(host, 0);
  if (bind(s, &any.any, any.size) != 0 || listen(s, 16) != 0) printf("no listener: %s\n", strerrorname_np(errno));
  return s;
}

struct Pair {
  int client, server;
};
Pair connection() {
  const int l = listener("127.0.0.1");
  const Address to = own_of(l);
  const int c = tcp();
  if (connect(c, &to.any, to.size) != 0) printf("not connected: %s\n", strerrorname_np(errno));
  const int s = accept(l, nullptr, nullptr);
  close(l);
  return {c, s};
}

void making() {
  SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
  SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
  SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
  SHOW(socket(AF_INET, SOCK_STREAM, 300));
  int pair[2];
  SHOW(socketpair(AF_INET, SOCK_STREAM, 0, pair));
  const int s = tcp();
  printf("type %d, domain %d, protocol %d\n", option(s, SOL_SOCKET, SO_TYPE), option(s, SOL_SOCKET, SO_DOMAIN),
         option(s, SOL_SOCKET, SO_PROTOCOL));
  own_of(s).show("new");
  show_peer(s);
  show_events("new", s);
  char byte;
  signal(SIGPIPE, SIG_IGN);
  SHOW(send(s, &byte, 1, 0));
  SHOW(recv(s, &byte, 1, 0));
  SHOW(shutdown(s, SHUT_WR));
  SHOW(accept(s, nullptr, nullptr));
  const int u = udp(AF_INET6);
  own_of(u).show("new");
  show_events("new", u);
  SHOW(listen(u, 1));
  SHOW(accept(u, nullptr, nullptr));
  SHOW(send(u, &byte, 1, 0));
  SHOW(recv(u, &byte, 1, MSG_DONTWAIT));
  close(s), close(u);
}

void binding() {
  const int a = tcp(), b = tcp(), c = tcp();
  const Address local("127.0.0.1", 0), far("192.0.2.1", 0), six("::1", 0);
  SHOW(bind(a, &local.any, 8));
  SHOW(bind(a, &six.any, six.size));
  SHOW(bind(a, &far.any, far.size));
  SHOW(bind(a, &local.any, local.size));
  const Address taken = own_of(a);
  taken.show("bound");
  SHOW(bind(a, &local.any, local.size));
  SHOW(bind(b, &taken.any, taken.size));
  const Address any("0.0.0.0", taken.port()), other("127.0.0.2", taken.port());
  SHOW(bind(b, &any.any, any.size));
  SHOW(bind(b, &other.any, other.size));
  const int on = 1;
  setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  SHOW(bind(c, &taken.any, taken.size));
  SHOW(listen(a, 1));
  SHOW(listen(c, 1));
  close(c);
  const int d = tcp();
  setsockopt(d, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  SHOW(bind(d, &taken.any, taken.size));
  close(a);
  SHOW(bind(d, &taken.any, taken.size));
  close(b), close(d);
  const int e = tcp(), f = tcp();
  setsockopt(e, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  setsockopt(f, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  bind(e, &local.any, local.size);
  const Address shared = own_of(e);
  SHOW(bind(f, &shared.any, shared.size));
  SHOW(listen(e, 1));
  SHOW(listen(f, 1));
  close(e), close(f);
}

void connecting() {
  const int l = listener("127.0.0.1");
  const Address to = own_of(l);
  show_events("listening", l);
  printf("accepts %d\n", option(l, SOL_SOCKET, SO_ACCEPTCONN));
  const int c = tcp();
  SHOW(connect(c, &to.any, to.size));
  own_of(c).show("own");
  show_peer(c);
  SHOW(connect(c, &to.any, to.size));
  wait_for("listening", l, POLLIN);
  show_events("connected", c);
  Address from;
  const int s = accept4(l, &from.any, &from.size, SOCK_NONBLOCK);
  from.show("from");
  printf("the same: %d\n", from.port() == own_of(c).port());
  printf("the listener's: %d\n", own_of(s).port() == to.port());
  printf("flags %x\n", fcntl(s, F_GETFL));
  char text[64];
  SHOW(recv(s, text, 64, 0));
  SHOW(send(c, "hello", 5, 0));
  wait_for("bytes", s, POLLIN);
  int count = 0;
  SHOW(ioctl(s, FIONREAD, &count));
  printf("%d to read\n", count);
  SHOW(recv(s, text, 3, MSG_PEEK));
  Address none;
  SHOW(recvfrom(s, text, 3, 0, &none.any, &none.size));
  printf("name of %u bytes\n", none.size);
  SHOW(recv(s, text, 64, 0));
  fcntl(l, F_SETFL, O_NONBLOCK);
  SHOW(accept(l, nullptr, nullptr));
  close(c), close(s);
  close(l);
  const int r = tcp();
  SHOW(connect(r, &to.any, to.size));
  show_events("refused", r);
  SHOW(connect(r, &to.any, to.size));
  const Address far("192.0.2.1", 80), unspecified;
  SHOW(connect(r, &to.any, 3));
  SHOW(connect(r, &unspecified.any, unspecified.size));
  close(r);
}

void not_waiting() {
  const int l = listener("127.0.0.1");
  const Address to = own_of(l);
  const int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  SHOW(connect(c, &to.any, to.size));
  wait_for("connected", c, POLLOUT);
  printf("error %d\n", option(c, SOL_SOCKET, SO_ERROR));
  SHOW(connect(c, &to.any, to.size));
  SHOW(connect(c, &to.any, to.size));
  close(l);
  wait_for("reset", c, POLLIN);
  printf("error %d\n", option(c, SOL_SOCKET, SO_ERROR));
  const int r = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  SHOW(connect(r, &to.any, to.size));
  wait_for("refused", r, POLLOUT);
  printf("error %d\n", option(r, SOL_SOCKET, SO_ERROR));
  printf("error %d\n", option(r, SOL_SOCKET, SO_ERROR));
  close(c), close(r);
}

void ends() {
  char text[64];
  Pair p = connection();
  SHOW(send(p.client, "last", 4, 0));
  SHOW(shutdown(p.client, SHUT_WR));
  wait_for("its end", p.server, POLLRDHUP);
  show_events("shut", p.client);
  SHOW(recv(p.server, text, 64, MSG_WAITALL));
  SHOW(recv(p.server, text, 64, 0));
  SHOW(send(p.client, "x", 1, 0));
  SHOW(send(p.server, "back", 4, 0));
  SHOW(recv(p.client, text, 64, 0));
  SHOW(close(p.server));
  wait_for("closed", p.client, POLLIN);
  SHOW(recv(p.client, text, 64, 0));
  SHOW(recv(p.client, text, 64, 0));
  close(p.client);
  // The peer closes with unread bytes.
  p = connection();
  SHOW(send(p.client, "unread", 6, 0));
  wait_for("unread", p.server, POLLIN);
  SHOW(close(p.server));
  wait_for("reset", p.client, POLLIN);
  SHOW(recv(p.client, text, 64, 0));
  SHOW(recv(p.client, text, 64, 0));
  SHOW(send(p.client, "x", 1, 0));
  close(p.client);
  // It has closed, and is written to.
  p = connection();
  SHOW(close(p.server));
  wait_for("closed", p.client, POLLIN);
  SHOW(send(p.client, "x", 1, 0));
  wait_for("refused", p.client, POLLHUP);
  SHOW(send(p.client, "x", 1, 0));
  SHOW(recv(p.client, text, 64, 0));
  close(p.client);
  // SO_LINGER of no time.
  p = connection();
  const linger now{1, 0};
  setsockopt(p.server, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(p.server);
  wait_for("aborted", p.client, POLLIN);
  printf("error %d\n", option(p.client, SOL_SOCKET, SO_ERROR));
  SHOW(recv(p.client, text, 64, 0));
  close(p.client);
  p = connection();
  SHOW(shutdown(p.client, SHUT_RDWR));
  show_events("shut", p.client);
  wait_for("its peer", p.server, POLLIN);
  SHOW(recv(p.client, text, 64, 0));
  close(p.client), close(p.server);
}

void many_bytes() {
  static char out[1 << 20], in[1 << 20];
  for (size_t i = 0; i < sizeof out; ++i) out[i] = static_cast<char>(i * 31 + i / 4096);
  const Pair p = connection();
  fflush(stdout);
  if (fork() == 0) {
    close(p.server);
    for (size_t done = 0; done < sizeof out;) {
      const long n = write(p.client, out + done, sizeof out - done);
      if (n <= 0) _exit(1);
      done += static_cast<size_t>(n);
    }
    _exit(0);
  }
  close(p.client);
  size_t done = 0;
  for (long n; (n = read(p.server, in + done, sizeof in - done)) > 0;) done += static_cast<size_t>(n);
  printf("%zu bytes, %s\n", done, memcmp(out, in, sizeof in) == 0 ? "the same" : "others");
  wait(nullptr);
  close(p.server);
  // Until nothing fits any more, and then all of it out again.
  const Pair q = connection();
  size_t sent = 0, received = 0;
  fcntl(q.client, F_SETFL, O_NONBLOCK);
  for (long n; (n = send(q.client, out + sent % 65536, 65536, 0)) > 0;) sent += static_cast<size_t>(n);
  printf("full: %s\n", strerrorname_np(errno));
  fcntl(q.server, F_SETFL, O_NONBLOCK);
  while (received < sent) {
    const long n = recv(q.server, in, sizeof in, 0);
    if (n > 0) received += static_cast<size_t>(n);
    if (n > 0) continue;
    pollfd wait{q.server, POLLIN, 0};
    if (poll(&wait, 1, 5000) != 1) break;
  }
  printf("%s\n", received == sent ? "all of it" : "less");
  wait_for("room again", q.client, POLLOUT);
  // Question and answer, many times.
  fcntl(q.client, F_SETFL, 0), fcntl(q.server, F_SETFL, 0);
  fflush(stdout);
  if (fork() == 0) {
    close(q.client);
    char byte;
    while (recv(q.server, &byte, 1, 0) == 1) send(q.server, &byte, 1, 0);
    _exit(0);
  }
  close(q.server);
  int good = 0;
  for (int i = 0; i < 300; ++i) {
    char byte = static_cast<char>(i), back = 0;
    send(q.client, &byte, 1, 0);
    if (recv(q.client, &back, 1, 0) == 1 && back == byte) ++good;
  }
  printf("%d answers\n", good);
  close(q.client);
  wait(nullptr);
}

void six() {
  const int l = listener("::", AF_INET6);
  const Address any = own_of(l);
  any.show("listening");
  for (const char* host : {"::1", "127.0.0.1"}) {
    const Address to(host, any.port());
    const int c = tcp(to.any.sa_family);
    SHOW(connect(c, &to.any, to.size));
    Address from;
    const int s = accept(l, &from.any, &from.size);
    from.show("from");
    own_of(s).show("own");
    close(c), close(s);
  }
  const Address mapped("::ffff:127.0.0.1", any.port()), four("127.0.0.1", any.port());
  const int m = tcp(AF_INET6);
  SHOW(connect(m, &mapped.any, mapped.size));
  own_of(m).show("own");
  const int f = tcp();
  SHOW(bind(f, &four.any, four.size));
  close(m), close(l), close(f);
  const int on = 1, only = tcp(AF_INET6), g = tcp();
  SHOW(setsockopt(only, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
  const Address all("::", 0);
  SHOW(bind(only, &all.any, all.size));
  listen(only, 1);
  const Address same("127.0.0.1", own_of(only).port());
  SHOW(connect(g, &same.any, same.size));
  close(g);
  const int h = tcp();
  SHOW(bind(h, &same.any, same.size));
  close(only), close(h);
}

void set_option(int s, int name, int value) {
  printf("%d: %d", name, setsockopt(s, IPPROTO_TCP, name, &value, sizeof value));
  printf(" %d\n", option(s, IPPROTO_TCP, name));
}

void options() {
  const int s = tcp();
  const int on = 1, number = 33;
  for (const int name : {TCP_NODELAY, TCP_CORK, TCP_QUICKACK}) set_option(s, name, on);
  for (const int name : {TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_SYNCNT, TCP_USER_TIMEOUT}) {
    printf("%d: %d\n", name, option(s, IPPROTO_TCP, name));
    set_option(s, name, number);
  }
  SHOW(setsockopt(s, IPPROTO_TCP, 99, &on, sizeof on));
  SHOW(setsockopt(s, 99, 1, &on, sizeof on));
  SHOW(setsockopt(s, IPPROTO_UDP, 1, &on, sizeof on));
  printf("%d\n", option(s, 99, 1));
  printf("ttl %d, tos %d\n", option(s, IPPROTO_IP, IP_TTL), option(s, IPPROTO_IP, IP_TOS));
  printf("keepalive %d\n", option(s, SOL_SOCKET, SO_KEEPALIVE));
  SHOW(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
  printf("keepalive %d\n", option(s, SOL_SOCKET, SO_KEEPALIVE));
  const timeval brief{0, 20000};
  const Pair p = connection();
  SHOW(setsockopt(p.client, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief));
  char byte;
  SHOW(recv(p.client, &byte, 1, 0));
  tcp_info information{};
  socklen_t size = sizeof information.tcpi_state;
  SHOW(getsockopt(p.client, IPPROTO_TCP, TCP_INFO, &information, &size));
  printf("state %d\n", information.tcpi_state);
  close(p.client), close(p.server);
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  SHOW(ioctl(s, SIOCGIFADDR, &request));
  printf("%s\n", inet_ntoa(reinterpret_cast<sockaddr_in*>(&request.ifr_addr)->sin_addr));
  SHOW(ioctl(s, SIOCGIFFLAGS, &request));
  printf("up %d, loopback %d\n", (request.ifr_flags & IFF_UP) != 0, (request.ifr_flags & IFF_LOOPBACK) != 0);
  SHOW(ioctl(s, SIOCGIFMTU, &request));
  printf("mtu %d\n", request.ifr_mtu);
  strcpy(request.ifr_name, "nosuch0");
  SHOW(ioctl(s, SIOCGIFADDR, &request));
  SHOW(ioctl(s, TIOCGWINSZ, &request));
  close(s);
}

void readiness() {
  const int e = epoll_create1(0);
  const Pair p = connection();
  epoll_event wanted{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.u32 = 7}}, got{};
  epoll_ctl(e, EPOLL_CTL_ADD, p.server, &wanted);
  printf("%d", epoll_wait(e, &got, 1, 5000));
  printf(" %#x\n", got.events);
  printf("%d\n", epoll_wait(e, &got, 1, 0));
  send(p.client, "x", 1, 0);
  printf("%d", epoll_wait(e, &got, 1, 5000));
  printf(" %#x\n", got.events);
  close(p.client);
  printf("%d", epoll_wait(e, &got, 1, 5000));
  printf(" %#x\n", got.events);
  close(p.server), close(e);
}

}  // namespace

void families();  // inet_families.cpp

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  close_range(3, ~0u, 0);  // whatever started this program may have left high numbers open
  making();
  binding();
  connecting();
  not_waiting();
  ends();
  many_bytes();
  six();
  options();
  readiness();
  families();
  return 0;
}
