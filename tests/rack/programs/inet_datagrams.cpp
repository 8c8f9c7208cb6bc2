// SPDX-License-Identifier: Apache-2.0
// UDP on the loopback addresses: names, datagrams whole or cut off, peers, errors, who is told.
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "inet_names.h"
#include "show.h"

namespace {

void datagrams() {
  const int a = udp(), b = udp();
  const Address any("127.0.0.1", 0);
  bind(a, &any.any, any.size);
  const Address to = own_of(a);
  SHOW(sendto(b, "hello", 5, 0, &to.any, to.size));
  SHOW(sendto(b, "", 0, 0, &to.any, to.size));
  own_of(b).show("own");
  wait_for("a datagram", a, POLLIN);
  int count = 0;
  ioctl(a, FIONREAD, &count);
  printf("%d to read\n", count);
  char text[64];
  Address from;
  SHOW(recvfrom(a, text, 2, MSG_TRUNC | MSG_PEEK, &from.any, &from.size));
  from.show("from");
  printf("the same: %d\n", from.port() == own_of(b).port());
  iovec part{text, 3};
  msghdr message{};
  message.msg_iov = &part, message.msg_iovlen = 1;
  SHOW(recvmsg(a, &message, 0));
  printf("flags %#x\n", message.msg_flags);
  SHOW(recv(a, text, 64, 0));
  SHOW(recv(a, text, 64, MSG_DONTWAIT));
  SHOW(connect(b, &to.any, to.size));
  own_of(b).show("own");
  show_peer(b);
  SHOW(send(b, "more", 4, 0));
  wait_for("a datagram", a, POLLIN);
  const int stranger = udp();
  const Address b_name = own_of(b);
  SHOW(sendto(stranger, "no", 2, 0, &b_name.any, b_name.size));
  SHOW(sendto(a, "yes", 3, 0, &b_name.any, b_name.size));
  wait_for("from its peer", b, POLLIN);
  SHOW(recv(b, text, 64, 0));
  SHOW(recv(b, text, 64, MSG_DONTWAIT));
  close(a);
  SHOW(send(b, "x", 1, 0));
  wait_for("nobody there", b, POLLERR);
  SHOW(recv(b, text, 64, 0));
  static char huge[70000];
  SHOW(send(b, huge, sizeof huge, 0));
  const Address far("192.0.2.1", 9), unspecified;
  SHOW(connect(b, &unspecified.any, unspecified.size));
  SHOW(send(b, "x", 1, 0));
  SHOW(shutdown(b, SHUT_RD));
  close(b), close(stranger);
  const int s6 = udp(AF_INET6), c6 = udp(AF_INET6);
  const Address any6("::1", 0);
  bind(s6, &any6.any, any6.size);
  const Address to6 = own_of(s6);
  SHOW(sendto(c6, "six", 3, 0, &to6.any, to6.size));
  Address from6;
  SHOW(recvfrom(s6, text, 64, 0, &from6.any, &from6.size));
  from6.show("from");
  close(s6), close(c6);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  close_range(3, ~0u, 0);  // whatever started this program may have left high numbers open
  datagrams();
  return 0;
}
