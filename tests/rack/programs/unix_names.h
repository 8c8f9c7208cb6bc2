// SPDX-License-Identifier: Apache-2.0
// Names of AF_UNIX sockets, and what a program sees of one.
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct Name {
  sockaddr_un address{};
  socklen_t size = sizeof address.sun_family;
  explicit Name(const char* path) {
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, path);
    size += strlen(path) + 1;
  }
  Name(const char* bytes, size_t count) {
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, bytes, count);
    size += count;
  }
  operator const sockaddr*() const { return reinterpret_cast<const sockaddr*>(&address); }
};

inline void show_name(const char* what, const sockaddr_un& address, socklen_t size) {
  printf("%s: family %d, %u bytes:", what, size >= 2 ? address.sun_family : -1, size);
  for (unsigned i = offsetof(sockaddr_un, sun_path); i < size && i < sizeof address; ++i) {
    const char c = reinterpret_cast<const char*>(&address)[i];
    printf(c >= ' ' ? "%c" : "\\%d", c);
  }
  printf("\n");
}

inline void names_of(int s) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (getsockname(s, reinterpret_cast<sockaddr*>(&address), &size) == 0) show_name("own", address, size);
  size = sizeof address;
  if (getpeername(s, reinterpret_cast<sockaddr*>(&address), &size) == 0)
    show_name("peer", address, size);
  else
    printf("peer: %s\n", strerrorname_np(errno));
}

inline int option(int s, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  if (getsockopt(s, SOL_SOCKET, name, &value, &size) != 0) printf("option %d: %s\n", name, strerrorname_np(errno));
  return value;
}

inline int local(int type) { return socket(AF_UNIX, type, 0); }
