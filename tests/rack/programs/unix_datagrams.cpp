// SPDX-License-Identifier: Apache-2.0
// Messages over AF_UNIX sockets: whole or cut off, one by one or several in a call, from whom they are, when there is
// no room for more.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "show.h"
#include "show_events.h"
#include "unix_names.h"

namespace {

void datagrams() {
  const Name one_name("\0one", 4), two_name("two");
  const int one = local(SOCK_DGRAM), two = local(SOCK_DGRAM), three = local(SOCK_DGRAM);
  bind(one, one_name, one_name.size);
  bind(two, two_name, two_name.size);
  char text[64];
  SHOW(sendto(one, "hello", 5, 0, two_name, two_name.size));
  SHOW(sendto(three, "", 0, 0, two_name, two_name.size));
  SHOW(sendto(one, "x", 1, 0, Name("\0nobody", 7), 9));
  SHOW(sendto(one, "x", 1, 0, Name("missing"), 10));
  sockaddr_un from{};
  socklen_t size = sizeof from;
  SHOW(recvfrom(two, text, 64, MSG_PEEK, reinterpret_cast<sockaddr*>(&from), &size));
  size = 4;
  SHOW(recvfrom(two, text, 2, MSG_TRUNC, reinterpret_cast<sockaddr*>(&from), &size));
  printf("name of %u bytes\n", size);
  size = sizeof from;
  SHOW(recvfrom(two, text, 64, 0, reinterpret_cast<sockaddr*>(&from), &size));
  printf("name of %u bytes\n", size);
  SHOW(connect(two, one_name, one_name.size));
  names_of(two);
  SHOW(sendto(three, "x", 1, 0, two_name, two_name.size));
  SHOW(connect(three, two_name, two_name.size));
  SHOW(connect(one, two_name, two_name.size));
  SHOW(send(one, "to two", 6, 0));
  SHOW(send(two, "to one", 6, 0));
  int count = 0;
  send(two, "more", 4, 0);
  ioctl(one, FIONREAD, &count);
  printf("%d to read\n", count);
  SHOW(recv(one, text, 64, 0));
  const sockaddr nowhere{.sa_family = AF_UNSPEC};
  SHOW(connect(two, &nowhere, sizeof nowhere));
  SHOW(send(two, "x", 1, 0));
  printf("error %d\n", option(one, SO_ERROR));
  SHOW(recv(two, text, 64, MSG_DONTWAIT));
  SHOW(connect(three, two_name, two_name.size));
  int sent = 0;
  while (send(three, "queue", 5, MSG_DONTWAIT) == 5) ++sent;
  printf("%s after %s\n", strerrorname_np(errno), sent > 0 ? "some" : "none");
  show_events("full", three);
  while (recv(two, text, 64, MSG_DONTWAIT) == 5) --sent;
  printf("%d left\n", sent);
  show_events("empty", three);
  close(two);
  SHOW(send(three, "x", 1, 0));
  SHOW(send(three, "x", 1, 0));
  SHOW(send(one, "x", 1, 0));
  SHOW(connect(three, two_name, two_name.size));
  static char huge[400000];
  SHOW(sendto(three, huge, sizeof huge, 0, one_name, one_name.size));
  close(one), close(three);
  unlink("two");
  int q[2];
  socketpair(AF_UNIX, SOCK_SEQPACKET, 0, q);
  SHOW(send(q[0], "first", 5, 0));
  SHOW(send(q[0], "second", 6, 0));
  iovec part{text, 3};
  msghdr message{};
  message.msg_iov = &part, message.msg_iovlen = 1;
  SHOW(recvmsg(q[1], &message, 0));
  printf("flags %#x\n", message.msg_flags);
  SHOW(read(q[1], text, 64));
  SHOW(sendto(q[0], "x", 1, 0, one_name, one_name.size));
  SHOW(recvmsg(q[1], &message, 0));
  printf("flags %#x\n", message.msg_flags);
  close(q[0]), close(q[1]);
}

void several() {
  int s[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
  char texts[4][8] = {"a", "bb", "ccc", ""};
  iovec parts[4];
  mmsghdr messages[4]{};
  for (int i = 0; i < 4; ++i) {
    parts[i] = {texts[i], strlen(texts[i])};
    messages[i].msg_hdr.msg_iov = &parts[i], messages[i].msg_hdr.msg_iovlen = 1;
  }
  SHOW(sendmmsg(s[0], messages, 3, 0));
  for (int i = 0; i < 4; ++i) parts[i].iov_len = 8;
  SHOW(recvmmsg(s[1], messages, 2, 0, nullptr));
  printf("%u %u\n", messages[0].msg_len, messages[1].msg_len);
  SHOW(recvmmsg(s[1], messages, 4, MSG_WAITFORONE, nullptr));
  SHOW(recvmmsg(s[1], messages, 4, MSG_DONTWAIT, nullptr));
  timespec wrong{-1, 0};
  SHOW(recvmmsg(s[1], messages, 4, 0, &wrong));
  close(s[1]);
  SHOW(sendmmsg(s[0], messages, 3, 0));
  close(s[0]);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  close_range(3, ~0u, 0);  // whatever started this program may have left high numbers open
  char folder[] = "/tmp/datagramsXXXXXX";
  if (mkdtemp(folder) == nullptr || chdir(folder) != 0) return 1;
  datagrams();
  several();
  chdir("/");
  printf("left: %d\n", rmdir(folder));
  return 0;
}
