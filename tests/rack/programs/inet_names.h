// SPDX-License-Identifier: Apache-2.0
// Names of internet sockets, and what a program sees of one.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "show_events.h"

struct Address {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size;
  Address() : v6{}, size(sizeof v6) {}
  Address(const char* host, int port) : v6{} {
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
      v4.sin_family = AF_INET;
      v4.sin_port = htons(static_cast<uint16_t>(port));
      size = sizeof v4;
    } else {
      inet_pton(AF_INET6, host, &v6.sin6_addr);
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(static_cast<uint16_t>(port));
      size = sizeof v6;
    }
  }
  int port() const { return ntohs(v4.sin_port); }
  // Ports that were chosen for us are not shown.
  void show(const char* what, bool with_port = false) const {
    char text[64] = "none";
    if (size > 0 && any.sa_family == AF_INET) inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    if (size > 0 && any.sa_family == AF_INET6) inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    printf("%s: %s, %u bytes, port %s\n", what, text, size, port() == 0 ? "none" : with_port ? "given" : "some");
  }
};

inline Address own_of(int s) {
  Address address;
  if (getsockname(s, &address.any, &address.size) != 0) printf("own: %s\n", strerrorname_np(errno));
  return address;
}

inline void show_peer(int s) {
  Address address;
  if (getpeername(s, &address.any, &address.size) != 0)
    printf("peer: %s\n", strerrorname_np(errno));
  else
    address.show("peer");
}

// For what other threads of the kernel may do a moment later.
inline void wait_for(const char* what, int s, short events) {
  pollfd p{s, events, 0};
  poll(&p, 1, 5000);
  show_events(what, s);
}

inline int option(int s, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  if (getsockopt(s, level, name, &value, &size) != 0) printf("option %d: %s\n", name, strerrorname_np(errno));
  return value;
}

inline int tcp(int family = AF_INET) { return socket(family, SOCK_STREAM, 0); }
inline int udp(int family = AF_INET) { return socket(family, SOCK_DGRAM, 0); }
