// SPDX-License-Identifier: Apache-2.0
// NETLINK_ROUTE as glibc, nginx and ip(8) use it: what is said of lo (of whatever else the machine has nothing is
// printed), sockets' names and ports, errors. What differs between kernels from 6.1 on is left out.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

void say(const char* what, long result) { printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : ""); }

int open_socket(int type = SOCK_RAW) {
  const int fd = socket(AF_NETLINK, type | SOCK_CLOEXEC, NETLINK_ROUTE);
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return fd;
}

struct Request {
  nlmsghdr header{};
  char rest[128]{};
};

template <typename Fixed>
Request request(int type, int flags, const Fixed& fixed) {
  Request made;
  made.header = {.nlmsg_len = NLMSG_LENGTH(sizeof fixed),
                 .nlmsg_type = static_cast<unsigned short>(type),
                 .nlmsg_flags = static_cast<unsigned short>(NLM_F_REQUEST | flags),
                 .nlmsg_seq = 77,
                 .nlmsg_pid = 0};
  memcpy(made.rest, &fixed, sizeof fixed);
  return made;
}

void add(Request& to, int type, const void* value, size_t bytes) {
  char* const at = reinterpret_cast<char*>(&to) + NLMSG_ALIGN(to.header.nlmsg_len);
  const rtattr head{.rta_len = static_cast<unsigned short>(RTA_LENGTH(bytes)),
                    .rta_type = static_cast<unsigned short>(type)};
  memcpy(at, &head, sizeof head);
  memcpy(at + sizeof head, value, bytes);
  to.header.nlmsg_len = NLMSG_ALIGN(to.header.nlmsg_len) + RTA_ALIGN(head.rta_len);
}

std::string hex(const void* bytes, size_t count) {
  std::string text;
  char digits[3];
  for (size_t i = 0; i < count; ++i) {
    snprintf(digits, sizeof digits, "%02x", static_cast<const unsigned char*>(bytes)[i]);
    text += digits;
  }
  return text;
}

// The attributes of those types, in their order.
template <typename Fixed>
void print_attributes(const nlmsghdr* message, const std::vector<int>& types) {
  const char* const start = static_cast<const char*>(NLMSG_DATA(message)) + NLMSG_ALIGN(sizeof(Fixed));
  for (const int type : types) {
    auto* attribute = reinterpret_cast<const rtattr*>(start);
    int left = static_cast<int>(message->nlmsg_len - NLMSG_LENGTH(sizeof(Fixed)));
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
      if ((attribute->rta_type & NLA_TYPE_MASK) == type)
        printf("    %d: %s\n", type, hex(RTA_DATA(attribute), RTA_PAYLOAD(attribute)).c_str());
  }
}

bool print_message(const nlmsghdr* message) {
  const void* const data = NLMSG_DATA(message);
  const auto head = [&](size_t bytes) {
    printf("  type %d flags %#x: %s\n", message->nlmsg_type, message->nlmsg_flags, hex(data, bytes).c_str());
  };
  switch (message->nlmsg_type) {
    case RTM_NEWLINK:
      if (static_cast<const ifinfomsg*>(data)->ifi_index != 1) return true;
      head(sizeof(ifinfomsg));
      print_attributes<ifinfomsg>(
          message, {IFLA_ADDRESS, IFLA_BROADCAST, IFLA_IFNAME, IFLA_MTU, IFLA_QDISC, IFLA_MAP, IFLA_TXQLEN,
                    IFLA_OPERSTATE, IFLA_LINKMODE, IFLA_GROUP, IFLA_PROMISCUITY, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES,
                    IFLA_CARRIER, IFLA_GSO_MAX_SEGS, IFLA_GSO_MAX_SIZE, IFLA_PROTO_DOWN});
      return true;
    case RTM_NEWADDR:
      if (static_cast<const ifaddrmsg*>(data)->ifa_index != 1) return true;
      head(sizeof(ifaddrmsg));
      print_attributes<ifaddrmsg>(message, {IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST, IFA_FLAGS});
      return true;
    case RTM_NEWROUTE: {
      // Addresses of the loopback net, or ::1.
      const auto* const route = static_cast<const rtmsg*>(data);
      const char* const attributes = reinterpret_cast<const char*>(RTM_RTA(route));
      const bool ours = route->rtm_family == AF_INET ? memmem(attributes, 64, "\x08\0\1\0\x7f", 5) != nullptr
                                                     : memmem(attributes, 40, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16) &&
                                                           route->rtm_dst_len == 128;
      if (!ours) return true;
      head(sizeof(rtmsg));
      print_attributes<rtmsg>(message, {RTA_TABLE, RTA_DST, RTA_PREFSRC, RTA_OIF, RTA_PRIORITY, RTA_UID, RTA_PREF});
      return true;
    }
    case NLMSG_ERROR: {
      const auto* const failure = static_cast<const nlmsgerr*>(data);
      printf("  error %d of type %d, seq %u, %u bytes, flags %#x\n", failure->error, failure->msg.nlmsg_type,
             failure->msg.nlmsg_seq, message->nlmsg_len, message->nlmsg_flags & NLM_F_CAPPED);
      return false;
    }
    case NLMSG_DONE:
      printf("  done, flags %#x, %d\n", message->nlmsg_flags, *static_cast<const int*>(data));
      return false;
    default:
      printf("  type %d\n", message->nlmsg_type);
      return true;
  }
}

// Prints what comes until the end of a dump, or one message.
void converse(int fd, const char* what, const Request& asked) {
  printf("%s\n", what);
  if (send(fd, &asked, asked.header.nlmsg_len, 0) < 0) return say("  send", -1);
  alignas(8) static char buffer[65536];
  for (bool more = true; more;) {
    const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
    if (got < 0) return say("  recv", got);
    auto left = static_cast<unsigned>(got);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer); more && NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_seq != 77) printf("  wrong sequence\n");
      more = print_message(message) && (message->nlmsg_flags & NLM_F_MULTI) != 0;
    }
  }
}

void dumps() {
  const int fd = open_socket();
  converse(fd, "links", request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}));
  converse(fd, "addresses", request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}));
  converse(fd, "addresses 4", request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{.ifa_family = AF_INET}));
  converse(fd, "addresses 6", request(RTM_GETADDR, NLM_F_DUMP, rtgenmsg{.rtgen_family = AF_INET6}));
  converse(fd, "routes 4", request(RTM_GETROUTE, NLM_F_DUMP, rtmsg{.rtm_family = AF_INET}));
  converse(fd, "routes 6", request(RTM_GETROUTE, NLM_F_DUMP, rtmsg{.rtm_family = AF_INET6}));
  converse(fd, "cached routes", request(RTM_GETROUTE, NLM_F_DUMP, rtmsg{.rtm_family = AF_INET, .rtm_flags = 0x200}));
  close(fd);
}

void single_answers() {
  const int fd = open_socket(SOCK_DGRAM);
  converse(fd, "link 1", request(RTM_GETLINK, 0, ifinfomsg{.ifi_index = 1}));
  converse(fd, "link 9999", request(RTM_GETLINK, 0, ifinfomsg{.ifi_index = 9999}));
  converse(fd, "link without a name", request(RTM_GETLINK, 0, ifinfomsg{}));
  Request named = request(RTM_GETLINK, 0, ifinfomsg{});
  add(named, IFLA_IFNAME, "lo", 3);
  converse(fd, "link lo", named);
  Request unknown = request(RTM_GETLINK, 0, ifinfomsg{});
  add(unknown, IFLA_IFNAME, "no0", 4);
  converse(fd, "link no0", unknown);
  Request route = request(RTM_GETROUTE, 0, rtmsg{.rtm_family = AF_INET, .rtm_dst_len = 32});
  add(route, RTA_DST, "\x7f\x00\x00\x05", 4);
  converse(fd, "route to 127.0.0.5", route);
  Request route6 = request(RTM_GETROUTE, 0, rtmsg{.rtm_family = AF_INET6, .rtm_dst_len = 128});
  add(route6, RTA_DST, &in6addr_loopback, 16);
  converse(fd, "route to ::1", route6);
  converse(fd, "address 4", request(RTM_GETADDR, 0, ifaddrmsg{.ifa_family = AF_INET}));
  converse(fd, "unknown type", request(250, 0, rtgenmsg{}));
  converse(fd, "acknowledged nothing", request(NLMSG_NOOP, NLM_F_ACK, rtgenmsg{}));
  converse(fd, "lo up as it is",
           request(RTM_NEWLINK, NLM_F_ACK, ifinfomsg{.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP}));
  converse(fd, "no link", request(RTM_NEWLINK, NLM_F_ACK, ifinfomsg{}));
  converse(fd, "no link to set", request(RTM_SETLINK, NLM_F_ACK, ifinfomsg{}));
  const int on = 1;
  say("NETLINK_CAP_ACK", setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on));
  converse(fd, "link 9999, capped", request(RTM_GETLINK, 0, ifinfomsg{.ifi_index = 9999}));
  say("NETLINK_GET_STRICT_CHK", setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on));
  converse(fd, "strict: addresses of 1", request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{.ifa_index = 1}));
  converse(fd, "strict: addresses of 9999", request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{.ifa_index = 9999}));
  converse(fd, "strict: links with a header of one byte", request(RTM_GETLINK, NLM_F_DUMP, rtgenmsg{}));
  converse(fd, "strict: local routes",
           request(RTM_GETROUTE, NLM_F_DUMP, rtmsg{.rtm_family = AF_INET, .rtm_table = RT_TABLE_LOCAL}));
  close(fd);
}

void names() {
  const int first = open_socket(), second = open_socket();
  sockaddr_nl name{};
  socklen_t size = sizeof name;
  const auto tell = [&](const char* what, int fd) {
    name = {};
    size = sizeof name;
    getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
    printf("%s: family %d, port is %s, groups %#x, size %u\n", what, name.nl_family,
           name.nl_pid == 0                                 ? "none"
           : name.nl_pid == static_cast<unsigned>(getpid()) ? "the process's"
                                                            : "another",
           name.nl_groups, size);
  };
  const auto bind_to = [](int fd, unsigned port, unsigned groups, int family = AF_NETLINK) {
    const sockaddr_nl own{
        .nl_family = static_cast<unsigned short>(family), .nl_pad = 0, .nl_pid = port, .nl_groups = groups};
    return bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own);
  };
  tell("new", first);
  say("bind to any", bind_to(first, 0, 0));
  tell("bound", first);
  say("bind again, with groups", bind_to(first, static_cast<unsigned>(getpid()), RTMGRP_LINK | RTMGRP_IPV4_IFADDR));
  tell("bound again", first);
  say("bind to another port", bind_to(first, 12345, 0));
  say("bind to a taken port", bind_to(second, static_cast<unsigned>(getpid()), 0));
  say("bind to another family", bind_to(second, 0, 0, AF_INET));
  say("bind too short", bind(second, reinterpret_cast<const sockaddr*>(&name), 4));
  say("bind to any", bind_to(second, 0, 0));
  tell("second", second);
  name = {};
  size = sizeof name;
  say("getpeername", getpeername(second, reinterpret_cast<sockaddr*>(&name), &size));
  printf("peer: %d %u %#x\n", name.nl_family, name.nl_pid, name.nl_groups);
  name = {.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  say("connect", connect(second, reinterpret_cast<const sockaddr*>(&name), sizeof name));
  say("listen", listen(second, 5));
  say("accept", accept(second, nullptr, nullptr));
  say("shutdown", shutdown(second, SHUT_RDWR));
  int pair[2];
  say("socketpair", socketpair(AF_NETLINK, SOCK_RAW, 0, pair));
  say("stream", socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
  say("protocol 31", socket(AF_NETLINK, SOCK_RAW, 31));
  say("protocol 32", socket(AF_NETLINK, SOCK_RAW, 32));
  close(first);
  close(second);
}

void options() {
  const int fd = open_socket();
  for (const int name : {SO_DOMAIN, SO_TYPE, SO_PROTOCOL, SO_ACCEPTCONN, SO_ERROR}) {
    int value = -1;
    socklen_t size = sizeof value;
    const int result = getsockopt(fd, SOL_SOCKET, name, &value, &size);
    printf("option %d: %d %d %u\n", name, result, value, size);
  }
  for (const int name : {NETLINK_PKTINFO, NETLINK_BROADCAST_ERROR, NETLINK_NO_ENOBUFS, NETLINK_CAP_ACK, NETLINK_EXT_ACK,
                         NETLINK_GET_STRICT_CHK, 77}) {
    int value = 5, result = setsockopt(fd, SOL_NETLINK, name, &value, sizeof value);
    socklen_t size = sizeof value;
    const int got = getsockopt(fd, SOL_NETLINK, name, &value, &size);
    printf("netlink option %d: %d, %d %d\n", name, result, got, value);
  }
  for (const int group : {0, 1, 5, 1000}) {
    const int result = setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
    printf("join %d: %d %s\n", group, result, result < 0 ? strerror(errno) : "");
  }
  unsigned groups[8]{};
  socklen_t size = sizeof groups;
  const int listed = getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &size);
  printf("groups: %d %#x\n", listed, groups[0]);
  char byte = 0;
  say("nothing there", recv(fd, &byte, 1, MSG_DONTWAIT));
  say("nothing sent", send(fd, &byte, 0, 0));
  say("out of band", send(fd, &byte, 1, MSG_OOB));
  say("short junk", send(fd, "abc", 3, 0));
  pollfd polled{.fd = fd, .events = POLLIN | POLLOUT, .revents = 0};
  poll(&polled, 1, 0);
  printf("poll: %#x\n", polled.revents);
  close(fd);
}

// Peeking, truncation, who sent it.
void messages() {
  const int fd = open_socket();
  const Request asked = request(RTM_GETLINK, NLM_F_ACK, ifinfomsg{.ifi_index = 9999});
  send(fd, &asked, asked.header.nlmsg_len, 0);
  pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
  printf("poll: %d\n", poll(&polled, 1, 20000));
  char buffer[16];
  say("peeked at, whole length", recv(fd, buffer, sizeof buffer, MSG_PEEK | MSG_TRUNC));
  const int on = 1;
  setsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  send(fd, &asked, asked.header.nlmsg_len, 0);
  sockaddr_nl from{};
  char control[128];
  iovec vector{.iov_base = buffer, .iov_len = sizeof buffer};
  for (int i = 0; i < 2; ++i) {
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    say("recvmsg", recvmsg(fd, &message, 0));
    printf("  flags %#x from %d %u %#x, %u\n", message.msg_flags, from.nl_family, from.nl_pid, from.nl_groups,
           message.msg_namelen);
    for (const cmsghdr* note = CMSG_FIRSTHDR(&message); note != nullptr;
         note = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(note)))
      printf("  note %d %d: %s\n", note->cmsg_level, note->cmsg_type,
             hex(CMSG_DATA(note), note->cmsg_len - CMSG_LEN(0)).c_str());
  }
  say("nothing left", recv(fd, buffer, sizeof buffer, MSG_DONTWAIT));
  close(fd);
}

void libraries() {
  ifaddrs* list = nullptr;
  say("getifaddrs", getifaddrs(&list));
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (strcmp(entry->ifa_name, "lo") != 0 || entry->ifa_addr == nullptr) continue;
    char text[64] = "";
    if (entry->ifa_addr->sa_family == AF_INET)
      inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr, text, sizeof text);
    if (entry->ifa_addr->sa_family == AF_INET6)
      inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr, text, sizeof text);
    printf("  %s family %d flags %#x %s\n", entry->ifa_name, entry->ifa_addr->sa_family, entry->ifa_flags, text);
  }
  freeifaddrs(list);
  struct if_nameindex* const names = if_nameindex();
  printf("first interface: %u %s\n", names != nullptr ? names[0].if_index : 0,
         names != nullptr ? names[0].if_name : "");
  if_freenameindex(names);
}

void interface_requests() {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq wish{};
  strcpy(wish.ifr_name, "lo");
  say("SIOCSIFFLAGS of nobody", ioctl(fd, SIOCSIFFLAGS, nullptr));
  ioctl(fd, SIOCGIFFLAGS, &wish);
  say("SIOCSIFFLAGS as they are", ioctl(fd, SIOCSIFFLAGS, &wish));
  strcpy(wish.ifr_name, "no0");
  say("SIOCSIFFLAGS of no0", ioctl(fd, SIOCSIFFLAGS, &wish));
  say("SIOCSIFMTU of no0", ioctl(fd, SIOCSIFMTU, &wish));
  close(fd);
}

}  // namespace

int main() {
  dumps();
  single_answers();
  names();
  options();
  messages();
  libraries();
  interface_requests();
  if (setuid(1000) != 0) return 1;
  const int fd = open_socket();
  converse(fd, "lo up, by a user",
           request(RTM_NEWLINK, NLM_F_ACK, ifinfomsg{.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP}));
  sockaddr_nl other{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 4711, .nl_groups = 0};
  say("connect to a program", connect(fd, reinterpret_cast<const sockaddr*>(&other), sizeof other));
  const Request asked = request(RTM_GETLINK, 0, ifinfomsg{.ifi_index = 1});
  say("send to a program",
      sendto(fd, &asked, asked.header.nlmsg_len, 0, reinterpret_cast<const sockaddr*>(&other), sizeof other));
}
