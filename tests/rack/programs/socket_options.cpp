// SPDX-License-Identifier: Apache-2.0
// Options of TCP, UDP and unix sockets: each is asked for, set, and asked for again, with buffers that are too short
// and at levels that are wrong; then those whose effects a program sees, and ioctls.
#include <arpa/inet.h>
#include <asm/socket.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"

void effects();  // socket_effects.cpp

namespace {

struct Sockets {
  int tcp, udp, local, tcp6, udp6;
};

Sockets fresh() {
  return {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0), socket(AF_UNIX, SOCK_STREAM, 0),
          socket(AF_INET6, SOCK_STREAM, 0), socket(AF_INET6, SOCK_DGRAM, 0)};
}
void finish(const Sockets& s) {
  for (const int each : {s.tcp, s.udp, s.local, s.tcp6, s.udp6}) close(each);
}

const char* outcome(int result) { return result == 0 ? "ok" : strerrorname_np(errno); }

void ask(int s, int level, int name, socklen_t room) {
  unsigned char bytes[256];
  memset(bytes, 0x5a, sizeof bytes);
  socklen_t size = room;
  if (getsockopt(s, level, name, bytes, &size) != 0) {
    printf(" %s", strerrorname_np(errno));
    return;
  }
  printf(" %u:", size);
  for (socklen_t i = 0; i < size && i < 16; ++i) printf("%02x", bytes[i]);
}

// Asked for, set, asked for with enough room and with little; then with too few bytes to set it.
void walk(const char* text, int s, int level, int name, std::initializer_list<int> values) {
  printf("  %s:", text);
  ask(s, level, name, 64);
  for (const int value : values) {
    const int result = setsockopt(s, level, name, &value, sizeof value);
    printf(" | %d %s", value, outcome(result));
    ask(s, level, name, 64);
    ask(s, level, name, 2);
    ask(s, level, name, 0);
  }
  const int one = 1;
  printf(" | %s", outcome(setsockopt(s, level, name, &one, 2)));
  printf("\n");
}

enum Who { Tcp = 1, Udp = 2, Local = 4, Tcp6 = 8, Udp6 = 16, V4 = 3, V6 = 24, Inet = 27, All = 31 };
struct Option {
  const char* text;
  int level, name, who;
  std::initializer_list<int> values;
};
#define OPTION(level, name, who, ...)        \
  {                                          \
#name, level, name, who, { __VA_ARGS__ } \
  }

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#ifndef SO_RESERVE_MEM
#define SO_RESERVE_MEM 73
#endif
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif

const Option options[] = {
    OPTION(SOL_SOCKET, SO_DEBUG, All, 1, 0),
    OPTION(SOL_SOCKET, SO_REUSEADDR, All, 5, 0),
    OPTION(SOL_SOCKET, SO_REUSEPORT, Inet, 1, 0),
    OPTION(SOL_SOCKET, SO_TYPE, All, 1),
    OPTION(SOL_SOCKET, SO_DOMAIN, All, 1),
    OPTION(SOL_SOCKET, SO_PROTOCOL, All, 1),
    OPTION(SOL_SOCKET, SO_ERROR, All, 1),
    OPTION(SOL_SOCKET, SO_ACCEPTCONN, All, 1),
    OPTION(SOL_SOCKET, SO_DONTROUTE, All, 1, 0),
    OPTION(SOL_SOCKET, SO_BROADCAST, All, 1),
    OPTION(SOL_SOCKET, SO_KEEPALIVE, All, 1),
    OPTION(SOL_SOCKET, SO_OOBINLINE, All, 1),
    OPTION(SOL_SOCKET, SO_NO_CHECK, All, 1),
    OPTION(SOL_SOCKET, SO_PRIORITY, All, 3, 7, 0),
    OPTION(SOL_SOCKET, SO_BSDCOMPAT, All, 1),
    OPTION(SOL_SOCKET, SO_PASSCRED, Local, 1, 0),
    OPTION(SOL_SOCKET, SO_PASSSEC, Local, 1, 0),
    OPTION(SOL_SOCKET, SO_MARK, All, 77, 0),
    OPTION(SOL_SOCKET, SO_RCVMARK, All, 1, 0),
    OPTION(SOL_SOCKET, SO_RCVLOWAT, All, 5, 0),
    OPTION(SOL_SOCKET, SO_SNDLOWAT, All, 5),
    OPTION(SOL_SOCKET, SO_RXQ_OVFL, All, 1, 0),
    OPTION(SOL_SOCKET, SO_BPF_EXTENSIONS, All, 1),
    OPTION(SOL_SOCKET, SO_LOCK_FILTER, All, 1, 0),
    OPTION(SOL_SOCKET, SO_SELECT_ERR_QUEUE, All, 1),
    OPTION(SOL_SOCKET, SO_BUSY_POLL, All, 50, -1, 0),
    OPTION(SOL_SOCKET, SO_PREFER_BUSY_POLL, All, 1, 0),
    OPTION(SOL_SOCKET, SO_BUSY_POLL_BUDGET, All, 16, -1, 65536),
    OPTION(SOL_SOCKET, SO_NOFCS, All, 1),
    OPTION(SOL_SOCKET, SO_WIFI_STATUS, All, 1),
    OPTION(SOL_SOCKET, SO_BINDTOIFINDEX, All, 1, -1, 0),
    OPTION(SOL_SOCKET, SO_CNX_ADVICE, All, 1),
    OPTION(SOL_SOCKET, SO_INCOMING_CPU, All, 0),
    OPTION(SOL_SOCKET, SO_INCOMING_NAPI_ID, All, 0),
    OPTION(SOL_SOCKET, SO_ZEROCOPY, All, 0),
    OPTION(SOL_SOCKET, SO_BUF_LOCK, All, 1, 3, 4, 0),
    OPTION(SOL_SOCKET, SO_RESERVE_MEM, All, 4096, -1),
    OPTION(SOL_SOCKET, SO_TXREHASH, Tcp | Tcp6, 0, 2, -1),
    OPTION(SOL_SOCKET, SO_PEEK_OFF, Udp | Local | Udp6, 3, -1),
    OPTION(SOL_SOCKET, SO_LINGER, All, 1),
    OPTION(SOL_SOCKET, SO_TIMESTAMP_OLD, All, 1),
    OPTION(SOL_SOCKET, SO_TIMESTAMPNS_OLD, All, 1),
    OPTION(SOL_SOCKET, SO_TIMESTAMP_OLD, All, 1),
    OPTION(SOL_SOCKET, SO_TIMESTAMP_NEW, All, 1),
    OPTION(SOL_SOCKET, SO_TIMESTAMPNS_NEW, All, 1),
    OPTION(SOL_SOCKET, SO_TIMESTAMP_NEW, All, 0),
    OPTION(SOL_SOCKET, SO_TIMESTAMPNS_OLD, All, 0),
    OPTION(SOL_SOCKET, SO_TIMESTAMPING_OLD, All, 24, 0),
    OPTION(SOL_SOCKET, SO_RCVTIMEO_NEW, All, 1),
    OPTION(SOL_SOCKET, SO_SNDTIMEO_OLD, All, 1),
    OPTION(SOL_SOCKET, SO_MAX_PACING_RATE, All, 100000, -1),
    OPTION(SOL_SOCKET, SO_TXTIME, All, 1),
    OPTION(SOL_SOCKET, SO_DETACH_FILTER, Inet, 0),
    OPTION(SOL_SOCKET, SO_PEERSEC, Inet, 0),
    OPTION(SOL_SOCKET, -1, All, 1),
    OPTION(SOL_SOCKET, 200, All, 1),
    OPTION(-1, 2, Tcp | Udp | Local, 1),
    OPTION(SOL_TCP, TCP_NODELAY, All, 1, 0),
    OPTION(SOL_TCP, TCP_MAXSEG, Tcp | Udp | Tcp6, 87, 1000, 32768),
    OPTION(SOL_TCP, TCP_CORK, Tcp | Tcp6, 1, 0),
    OPTION(SOL_TCP, TCP_KEEPIDLE, Tcp | Tcp6, 10, 0, 32768),
    OPTION(SOL_TCP, TCP_KEEPINTVL, Tcp | Tcp6, 10, 0, 32768),
    OPTION(SOL_TCP, TCP_KEEPCNT, Tcp | Tcp6, 5, 0, 128),
    OPTION(SOL_TCP, TCP_SYNCNT, Tcp | Tcp6, 3, 0, 128),
    OPTION(SOL_TCP, TCP_LINGER2, Tcp | Tcp6, 1, -5, 0),
    OPTION(SOL_TCP, TCP_DEFER_ACCEPT, Tcp | Tcp6, 1, 2, 5, 0),
    OPTION(SOL_TCP, TCP_WINDOW_CLAMP, Tcp | Tcp6, 5000, 1, 0),
    OPTION(SOL_TCP, TCP_USER_TIMEOUT, Tcp | Tcp6, 1000, -1, 0),
    OPTION(SOL_TCP, TCP_FASTOPEN, Tcp | Tcp6, 3, -1),
    OPTION(SOL_TCP, TCP_FASTOPEN_NO_COOKIE, Tcp | Tcp6, 1, 2, 0),
    OPTION(SOL_TCP, TCP_NOTSENT_LOWAT, Tcp | Tcp6, 1000),
    OPTION(SOL_TCP, TCP_THIN_LINEAR_TIMEOUTS, Tcp | Tcp6, 1, 2),
    OPTION(SOL_TCP, TCP_THIN_DUPACK, Tcp | Tcp6, 1, 2),
    OPTION(SOL_TCP, TCP_SAVE_SYN, Tcp | Tcp6, 1, 2, 3),
    OPTION(SOL_TCP, TCP_INQ, Tcp | Tcp6, 1, 2, 0),
    OPTION(SOL_TCP, TCP_REPAIR_QUEUE, Tcp | Tcp6, 1),
    OPTION(SOL_TCP, 99, All, 1),
    OPTION(IPPROTO_UDP, 1 /* UDP_CORK */, Tcp | Udp | Udp6 | Local, 1, 0),
    OPTION(SOL_IP, IP_TOS, Inet, 16, 19, 0, 256),
    OPTION(SOL_SOCKET, SO_PRIORITY, Inet, 2),
    OPTION(SOL_IP, IP_TTL, All, 33, 0, 256, -1),
    OPTION(SOL_IP, IP_RECVOPTS, V4, 1),
    OPTION(SOL_IP, IP_RETOPTS, V4, 1),
    OPTION(SOL_IP, IP_PKTINFO, Inet, 1, 0),
    OPTION(SOL_IP, IP_MTU, V4, 1),
    OPTION(SOL_IP, IP_MTU_DISCOVER, V4, 2, 9),
    OPTION(SOL_IP, IP_RECVERR, V4, 1, 0),
    OPTION(SOL_IP, IP_RECVTTL, V4, 1),
    OPTION(SOL_IP, IP_RECVTOS, V4, 1),
    OPTION(SOL_IP, IP_FREEBIND, V4, 1),
    OPTION(SOL_IP, IP_PASSSEC, V4, 1),
    OPTION(SOL_IP, IP_RECVORIGDSTADDR, V4, 1),
    OPTION(SOL_IP, IP_MINTTL, V4, 1, 256),
    OPTION(SOL_IP, IP_BIND_ADDRESS_NO_PORT, V4, 1),
    OPTION(SOL_IP, IP_MULTICAST_TTL, V4, 7, 256, -1),
    OPTION(SOL_IP, IP_MULTICAST_LOOP, V4, 0),
    OPTION(SOL_IP, IP_MULTICAST_ALL, V4, 0, 2),
    OPTION(SOL_IP, 250, All, 1),
    OPTION(SOL_IPV6, IPV6_UNICAST_HOPS, Tcp | V6, 9, 256, -1),
    OPTION(SOL_IPV6, IPV6_MULTICAST_HOPS, V6, 9, 256, -1),
    OPTION(SOL_IPV6, IPV6_MULTICAST_LOOP, V6, 0, 2),
    OPTION(SOL_IPV6, IPV6_MTU_DISCOVER, V6, 2, 9),
    OPTION(SOL_IPV6, IPV6_RECVERR, V6, 1),
    OPTION(SOL_IPV6, IPV6_V6ONLY, V6, 1, 0),
    OPTION(SOL_IPV6, IPV6_RECVPKTINFO, V6, 1),
    OPTION(SOL_IPV6, IPV6_RECVHOPLIMIT, V6, 1),
    OPTION(SOL_IPV6, IPV6_RECVTCLASS, V6, 1),
    OPTION(SOL_IPV6, IPV6_TCLASS, V6, 32, 256, -1),
    OPTION(SOL_IPV6, 250, V6, 1),
};

void walk_all() {
  const Sockets s = fresh();
  for (const Option& each : options) {
    printf("%s at %d\n", each.text, each.level);
    if ((each.who & Tcp) != 0) walk("tcp", s.tcp, each.level, each.name, each.values);
    if ((each.who & Udp) != 0) walk("udp", s.udp, each.level, each.name, each.values);
    if ((each.who & Local) != 0) walk("unix", s.local, each.level, each.name, each.values);
    if ((each.who & Tcp6) != 0) walk("tcp6", s.tcp6, each.level, each.name, each.values);
    if ((each.who & Udp6) != 0) walk("udp6", s.udp6, each.level, each.name, each.values);
  }
  finish(s);
}

int set_text(int s, int level, int name, const char* text) {
  return setsockopt(s, level, name, text, static_cast<socklen_t>(strlen(text)));
}

// Options that are not numbers.
void others() {
  const Sockets s = fresh();
  for (const int each : {s.tcp, s.udp, s.local, s.udp6}) {
    ask(each, SOL_SOCKET, SO_BINDTODEVICE, 16);
    printf(" %s", outcome(set_text(each, SOL_SOCKET, SO_BINDTODEVICE, "nothing")));
    printf(" %s", outcome(set_text(each, SOL_SOCKET, SO_BINDTODEVICE, "lo")));
    ask(each, SOL_SOCKET, SO_BINDTODEVICE, 16);
    ask(each, SOL_SOCKET, SO_BINDTODEVICE, 15);
    ask(each, SOL_SOCKET, SO_BINDTOIFINDEX, 4);
    printf(" %s", outcome(set_text(each, SOL_SOCKET, SO_BINDTODEVICE, "")));
    ask(each, SOL_SOCKET, SO_BINDTODEVICE, 16);
    ask(each, SOL_SOCKET, SO_GET_FILTER, 16);
    ask(each, SOL_SOCKET, SO_PEERNAME, 16);
    ask(each, SOL_SOCKET, SO_COOKIE, 7);
    ask(each, SOL_SOCKET, SO_NETNS_COOKIE, 16);
    const struct {
      int clock;
      unsigned flags;
    } times{CLOCK_MONOTONIC, 1}, bad_times{CLOCK_MONOTONIC, 4};
    printf(" %s", outcome(setsockopt(each, SOL_SOCKET, SO_TXTIME, &times, sizeof times)));
    ask(each, SOL_SOCKET, SO_TXTIME, 16);
    printf(" %s", outcome(setsockopt(each, SOL_SOCKET, SO_TXTIME, &bad_times, sizeof bad_times)));
    const unsigned long rate = 1ul << 40;
    printf(" %s", outcome(setsockopt(each, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof rate)));
    ask(each, SOL_SOCKET, SO_MAX_PACING_RATE, 8);
    ask(each, SOL_SOCKET, SO_MAX_PACING_RATE, 4);
    printf("\n");
  }
  unsigned long one = 0, same = 0, other = 0;
  socklen_t size = sizeof one;
  getsockopt(s.tcp, SOL_SOCKET, SO_COOKIE, &one, &size);
  getsockopt(s.tcp, SOL_SOCKET, SO_COOKIE, &same, &size);
  getsockopt(s.udp, SOL_SOCKET, SO_COOKIE, &other, &size);
  printf("cookies: %d %d\n", one == same, one == other);
  ask(s.tcp, SOL_TCP, TCP_ULP, 16);
  SHOW(set_text(s.tcp, SOL_TCP, TCP_ULP, "nothing"));
  SHOW(set_text(s.tcp, SOL_TCP, TCP_CONGESTION, "nothing"));
  SHOW(set_text(s.tcp, SOL_TCP, TCP_CONGESTION, ""));
  SHOW(set_text(s.tcp, SOL_TCP, TCP_CONGESTION, "reno"));
  ask(s.tcp, SOL_TCP, TCP_CONGESTION, 16);
  ask(s.tcp, SOL_TCP, TCP_CONGESTION, 3);
  ask(s.tcp, SOL_TCP, TCP_SAVED_SYN, 64);
  printf("\n");
  // What was chosen is locked.
  const int bytes = 8192;
  for (const int each : {s.tcp, s.udp, s.local}) {
    const int off = 0;
    setsockopt(each, SOL_SOCKET, SO_BUF_LOCK, &off, sizeof off);
    setsockopt(each, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    ask(each, SOL_SOCKET, SO_BUF_LOCK, 4);
    setsockopt(each, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    ask(each, SOL_SOCKET, SO_BUF_LOCK, 4);
  }
  printf("\n");
  SHOW(setsockopt(s.tcp, SOL_IP, IP_OPTIONS, nullptr, 0));
  ask(s.tcp, SOL_IP, IP_OPTIONS, 40);
  printf("\n");
  finish(s);
}

// At IP's level a byte is enough.
void bytes_of_ip() {
  const int s = socket(AF_INET, SOCK_DGRAM, 0);
  const unsigned char ttl = 17;
  SHOW(setsockopt(s, SOL_IP, IP_TTL, &ttl, 1));
  ask(s, SOL_IP, IP_TTL, 1);
  ask(s, SOL_IP, IP_TTL, 3);
  ask(s, SOL_IP, IP_TTL, 4);
  printf("\n");
  close(s);
}

void interfaces() {
  const int s = socket(AF_INET, SOCK_DGRAM, 0);
  const struct {
    const char* text;
    unsigned long request;
  } questions[] = {{"SIOCGIFADDR", SIOCGIFADDR},    {"SIOCGIFFLAGS", SIOCGIFFLAGS}, {"SIOCGIFMAP", SIOCGIFMAP},
                   {"SIOCGIFMTU", SIOCGIFMTU},      {"SIOCGIFINDEX", SIOCGIFINDEX}, {"SIOCGIFMETRIC", SIOCGIFMETRIC},
                   {"SIOCGIFHWADDR", SIOCGIFHWADDR}};
  for (const auto& each : questions)
    for (const char* name : {"lo", "nothing"}) {
      ifreq request{};
      strcpy(request.ifr_name, name);
      printf("%s of %s: %s", each.text, name, outcome(ioctl(s, each.request, &request)));
      for (int i = 0; i < 8; ++i) printf(" %02x", reinterpret_cast<unsigned char*>(&request.ifr_ifru)[i]);
      printf("\n");
    }
  close(s);
}

void requests() {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  const int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
  int number = 0;
  for (const int s : {pair[0], tcp, udp}) {
    SHOW(ioctl(s, SIOCATMARK, &number));
    SHOW(ioctl(s, TIOCGPGRP, &number));
    SHOW(ioctl(s, 0x40049409 /* FICLONE */, -1));
    timeval time{};
    SHOW(ioctl(s, SIOCGSTAMP_OLD, &time));
  }
  SHOW(ioctl(tcp, SIOCOUTQNSD, &number));
  SHOW(ioctl(udp, SIOCOUTQNSD, &number));
  close(pair[0]), close(pair[1]), close(tcp), close(udp);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  walk_all();
  others();
  bytes_of_ip();
  interfaces();
  requests();
  effects();
  return 0;
}
