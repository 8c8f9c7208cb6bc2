// SPDX-License-Identifier: Apache-2.0
// A part of inet_sockets: sockets of AF_INET6 that become ones of AF_INET (IPV6_ADDRFORM), and what is left of a
// socket's name once it is disconnected (connect to AF_UNSPEC).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"

namespace {

sockaddr_in v4(const char* host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

int port_of(int s) {
  sockaddr_in6 own{};
  socklen_t size = sizeof own;
  getsockname(s, reinterpret_cast<sockaddr*>(&own), &size);
  return ntohs(own.sin6_port);
}

// Numbers of ports are not shown.
void show_name(const char* what, int s) {
  sockaddr_in6 own{};
  socklen_t size = sizeof own;
  getsockname(s, reinterpret_cast<sockaddr*>(&own), &size);
  char text[64] = "";
  if (own.sin6_family == AF_INET6)
    inet_ntop(AF_INET6, &own.sin6_addr, text, sizeof text);
  else
    inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in&>(own).sin_addr, text, sizeof text);
  int domain = 0;
  socklen_t domain_size = sizeof domain;
  getsockopt(s, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size);
  printf("%s: family %d, domain %d, %s, %u bytes, port %d\n", what, own.sin6_family, domain, text, size,
         own.sin6_port != 0);
}

int connect_to(int s, const sockaddr_in& to) { return connect(s, reinterpret_cast<const sockaddr*>(&to), sizeof to); }

int disconnect(int s) {
  const sockaddr none{AF_UNSPEC};
  return connect(s, &none, sizeof none);
}

int form(int s, int family) { return setsockopt(s, IPPROTO_IPV6, IPV6_ADDRFORM, &family, sizeof family); }

int asked_form(int s) {
  int family = 0;
  socklen_t size = sizeof family;
  return getsockopt(s, IPPROTO_IPV6, IPV6_ADDRFORM, &family, &size) == 0 ? family : -1;
}

void becoming_v4() {
  const int listener = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  bind(listener, reinterpret_cast<sockaddr*>(&any), sizeof any);
  listen(listener, 5);
  SHOW(form(listener, AF_INET));
  SHOW(form(client, AF_INET));
  SHOW(asked_form(listener));
  SHOW(connect_to(client, v4("127.0.0.1", port_of(listener))));
  const int s = accept(listener, nullptr, nullptr);
  show_name("accepted", s);
  SHOW(form(s, AF_INET6));
  SHOW(asked_form(s));
  SHOW(form(s, AF_INET));
  SHOW(asked_form(s));
  SHOW(form(s, AF_INET));
  show_name("of another family", s);
  send(client, "abc", 3, 0);
  char text[4] = "";
  SHOW(recv(s, text, sizeof text, 0));
  SHOW(disconnect(s));
  const sockaddr_in wanted = v4("127.0.0.1", 0);
  SHOW(bind(s, reinterpret_cast<const sockaddr*>(&any), sizeof any));
  SHOW(bind(s, reinterpret_cast<const sockaddr*>(&wanted), sizeof wanted));
  SHOW(listen(s, 1));
  const int second = socket(AF_INET, SOCK_STREAM, 0);
  SHOW(connect_to(second, v4("127.0.0.1", port_of(s))));
  close(accept(s, nullptr, nullptr));
  close(second), close(s), close(client);
  // One that is connected by IPv6.
  const int six = socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_addr = in6addr_loopback;
  to.sin6_port = htons(static_cast<uint16_t>(port_of(listener)));
  SHOW(connect(six, reinterpret_cast<sockaddr*>(&to), sizeof to));
  SHOW(form(six, AF_INET));
  close(six), close(listener);
}

void disconnecting() {
  const int target = socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in loopback = v4("127.0.0.1", 0);
  bind(target, reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback);
  for (const bool with_name : {false, true}) {
    const int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (with_name) {
      sockaddr_in own = v4("127.0.0.1", 0);
      bind(s, reinterpret_cast<const sockaddr*>(&own), sizeof own);
    }
    SHOW(connect_to(s, v4("127.0.0.1", port_of(target))));
    show_name("connected", s);
    SHOW(disconnect(s));
    show_name("no more", s);
    SHOW(connect_to(s, v4("127.0.0.1", port_of(target))));
    SHOW(send(s, "again", 5, 0));
    char text[8];
    SHOW(recv(target, text, sizeof text, 0));
    close(s);
  }
  close(target);
}

}  // namespace

void families() {
  becoming_v4();
  disconnecting();
}
