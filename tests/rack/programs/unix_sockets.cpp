// SPDX-License-Identifier: Apache-2.0
// AF_UNIX sockets: names, connections, bytes, ends, and who is told of them. Messages are in unix_datagrams.cpp, what
// they carry in unix_messages.cpp.
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"
#include "show_events.h"
#include "unix_names.h"

namespace {

void making() {
  SHOW(socket(AF_UNIX, SOCK_STREAM, 7));
  SHOW(socket(AF_UNIX, 9, 0));
  SHOW(socket(AF_UNIX, 99, 0));
  SHOW(socket(99, SOCK_STREAM, 0));
  SHOW(socket(AF_UNIX, SOCK_STREAM | 0x100000, 0));
  const int s = local(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
  printf("flags %x %x\n", fcntl(s, F_GETFD), fcntl(s, F_GETFL));
  struct stat status;
  fstat(s, &status);
  printf("mode %o\n", status.st_mode);
  show_events("new", s);
  names_of(s);
  char byte;
  SHOW(recv(s, &byte, 1, 0));
  SHOW(send(s, &byte, 1, 0));
  SHOW(listen(s, 1));
  SHOW(accept(s, nullptr, nullptr));
  SHOW(lseek(s, 0, SEEK_SET));
  SHOW(ftruncate(s, 0));
  close(s);
  const int d = local(SOCK_DGRAM);
  show_events("new datagrams", d);
  SHOW(listen(d, 1));
  SHOW(accept(d, nullptr, nullptr));
  SHOW(send(d, &byte, 1, 0));
  SHOW(recv(d, &byte, 1, MSG_DONTWAIT));
  close(d);
  const int q = local(SOCK_SEQPACKET);
  SHOW(recv(q, &byte, 1, 0));
  SHOW(send(q, &byte, 1, 0));
  close(q);
  const int pipe_end = open("/dev/null", O_RDONLY);
  SHOW(listen(pipe_end, 1));
  SHOW(listen(-1, 1));
  close(pipe_end);
}

void binding() {
  const int s = local(SOCK_STREAM), t = local(SOCK_STREAM);
  const Name name("sock");
  SHOW(bind(s, name, 1));
  SHOW(bind(s, name, 200));
  sockaddr other{.sa_family = AF_INET};
  SHOW(bind(s, &other, 16));
  SHOW(bind(s, name, name.size));
  SHOW(bind(s, Name("other"), 8));
  SHOW(bind(t, name, name.size));
  struct stat status;
  SHOW(stat("sock", &status));
  printf("mode %o\n", status.st_mode);
  names_of(s);
  SHOW(open("sock", O_RDWR));
  SHOW(access("other", F_OK));
  SHOW(bind(t, Name("none/sock"), 12));
  SHOW(connect(t, Name("none"), 7));
  SHOW(connect(t, name, name.size));  // it does not listen
  close(open("plain", O_CREAT | O_WRONLY, 0600));
  SHOW(connect(t, Name("plain"), 8));
  SHOW(connect(t, name, 2));
  SHOW(listen(s, 5));
  SHOW(rename("sock", "moved"));
  SHOW(connect(t, name, name.size));
  const Name moved("moved");
  SHOW(connect(t, moved, moved.size));
  names_of(t);
  SHOW(connect(t, moved, moved.size));
  SHOW(unlink("moved"));
  const int u = local(SOCK_STREAM);
  SHOW(connect(u, moved, moved.size));
  SHOW(mknod("node", S_IFSOCK | 0644, 0));
  SHOW(connect(u, Name("node"), 7));
  const int d = local(SOCK_DGRAM);
  SHOW(bind(d, Name("dgram"), 8));
  SHOW(connect(u, Name("dgram"), 8));
  close(s), close(t), close(u), close(d);
  unlink("node"), unlink("dgram"), unlink("plain");
  const int again = local(SOCK_STREAM);
  SHOW(bind(again, name, name.size));
  unlink("sock");
  close(again);
}

void permissions() {
  const int s = local(SOCK_STREAM);
  umask(0077);
  const Name name("private");
  SHOW(bind(s, name, name.size));
  umask(0022);
  SHOW(listen(s, 1));
  struct stat status;
  stat("private", &status);
  printf("mode %o\n", status.st_mode & 0777);
  fflush(stdout);
  if (fork() == 0) {
    if (geteuid() == 0) setresuid(12345, 12345, 12345);
    chmod("private", 0);
    SHOW(connect(local(SOCK_STREAM), name, name.size));
    _exit(0);
  }
  wait(nullptr);
  close(s);
  unlink("private");
}

void abstract_names() {
  const int s = local(SOCK_STREAM), t = local(SOCK_STREAM), u = local(SOCK_STREAM);
  const Name name("\0abstract\0name", 14), shorter("\0abstract", 9);
  SHOW(bind(s, name, name.size));
  names_of(s);
  SHOW(bind(t, name, name.size));
  SHOW(bind(t, shorter, shorter.size));
  SHOW(listen(s, 0));
  SHOW(connect(u, shorter, shorter.size));
  SHOW(connect(u, name, name.size));
  names_of(u);
  close(s);
  SHOW(bind(local(SOCK_DGRAM), name, name.size));
  close(t), close(u);
  const int a = local(SOCK_DGRAM);
  SHOW(bind(a, name, 2));
  sockaddr_un address{};
  socklen_t size = sizeof address;
  getsockname(a, reinterpret_cast<sockaddr*>(&address), &size);
  printf("autobind: %u bytes, %s\n", size, address.sun_path[0] == 0 ? "abstract" : "path");
  SHOW(bind(a, name, 2));
  close(a);
}

void connecting() {
  const Name name("\0listener", 9);
  const int s = local(SOCK_STREAM);
  SHOW(bind(s, name, name.size));
  SHOW(listen(s, 1));
  printf("accepts %d, type %d, domain %d, protocol %d\n", option(s, SO_ACCEPTCONN), option(s, SO_TYPE),
         option(s, SO_DOMAIN), option(s, SO_PROTOCOL));
  show_events("listening", s);
  fcntl(s, F_SETFL, O_NONBLOCK);
  SHOW(accept(s, nullptr, nullptr));
  int c[4];
  for (int& each : c) {
    each = local(SOCK_STREAM | SOCK_NONBLOCK);
    SHOW(connect(each, name, name.size));
  }
  show_events("listening", s);
  show_events("connected", c[0]);
  show_events("refused", c[3]);
  SHOW(send(c[0], "early", 5, 0));
  char text[64];
  sockaddr_un address{};
  socklen_t size = sizeof address;
  const int a = accept4(s, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK);
  show_name("accepted", address, size);
  names_of(a);
  printf("flags %x\n", fcntl(a, F_GETFL));
  SHOW(recv(a, text, 64, 0));
  SHOW(listen(s, 2));
  SHOW(connect(c[0], name, name.size));
  SHOW(connect(s, name, name.size));
  SHOW(connect(c[2], name, name.size));
  SHOW(listen(c[0], 1));
  ucred who{};
  size = sizeof who;
  SHOW(getsockopt(a, SOL_SOCKET, SO_PEERCRED, &who, &size));
  printf("%u bytes, %s %s %s\n", size, who.pid == getpid() ? "pid" : "?", who.uid == getuid() ? "uid" : "?",
         who.gid == getgid() ? "gid" : "?");
  SHOW(bind(c[1], Name("\0client", 7), 9));
  SHOW(accept(s, reinterpret_cast<sockaddr*>(&address), &(size = sizeof address)));
  show_name("accepted", address, size);
  SHOW(accept4(s, nullptr, nullptr, 0x77));
  close(s);
  show_events("lost", c[2]);
  SHOW(recv(c[2], text, 64, 0));
  printf("error %d\n", option(c[2], SO_ERROR));
  SHOW(recv(c[2], text, 64, 0));
  SHOW(connect(c[3], name, name.size));
  close(a);
  for (int each : c) close(each);
}

// A connect that waits for room, an accept that waits for somebody.
void waiting() {
  const Name name("\0waiting", 8);
  const int s = local(SOCK_STREAM);
  bind(s, name, name.size);
  listen(s, 0);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 4; ++i) {
      const int c = local(SOCK_STREAM);
      if (connect(c, name, name.size) != 0) _exit(1);
      char byte = static_cast<char>('a' + i);
      send(c, &byte, 1, 0);
      if (recv(c, &byte, 1, 0) != 1) _exit(2);
      close(c);
    }
    _exit(0);
  }
  for (int i = 0; i < 4; ++i) {
    const int a = accept(s, nullptr, nullptr);
    char byte = 0;
    recv(a, &byte, 1, 0);
    printf("from %c\n", byte);
    send(a, &byte, 1, 0);
    SHOW(recv(a, &byte, 1, 0));
    close(a);
  }
  int status;
  waitpid(child, &status, 0);
  printf("child %d\n", status);
  const timeval brief{0, 20000};
  SHOW(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief));
  SHOW(accept(s, nullptr, nullptr));
  int c = local(SOCK_STREAM), d = local(SOCK_STREAM);
  SHOW(connect(c, name, name.size));
  setsockopt(d, SOL_SOCKET, SO_SNDTIMEO, &brief, sizeof brief);
  SHOW(connect(d, name, name.size));
  SHOW(shutdown(s, SHUT_RD));
  SHOW(connect(d, name, name.size));
  close(s), close(c), close(d);
}

void streams() {
  int s[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  char text[64];
  SHOW(send(s[0], "one", 3, 0));
  SHOW(send(s[0], "two", 3, 0));
  int count = 0;
  SHOW(ioctl(s[1], FIONREAD, &count));
  printf("%d to read\n", count);
  SHOW(recv(s[1], text, 4, MSG_PEEK));
  SHOW(recv(s[1], text, 64, MSG_WAITALL | MSG_DONTWAIT));
  SHOW(send(s[0], "", 0, 0));
  SHOW(recv(s[1], text, 64, MSG_DONTWAIT));
  SHOW(sendto(s[0], "x", 1, 0, Name("\0no", 3), 5));
  const int lone = local(SOCK_STREAM);
  SHOW(sendto(lone, "x", 1, 0, Name("\0no", 3), 5));
  close(lone);
  fflush(stdout);
  if (fork() == 0) {
    for (const char* each : {"ab", "cd", "ef"}) {
      send(s[0], each, 2, 0);
      usleep(2000);
    }
    _exit(0);
  }
  SHOW(recv(s[1], text, 6, MSG_WAITALL));
  wait(nullptr);
  // As much as fits, and it comes out whole.
  static char many[1 << 18];
  for (size_t i = 0; i < sizeof many; ++i) many[i] = static_cast<char>(i * 7 + i / 256);
  size_t sent = 0;
  for (long n; (n = send(s[0], many + sent % 1024, 1024, MSG_DONTWAIT)) > 0;) sent += static_cast<size_t>(n);
  printf("full: %s, sent %s\n", strerrorname_np(errno), sent >= 50000 ? "enough" : "little");
  show_events("full", s[0]);
  size_t received = 0;
  for (long n; (n = recv(s[1], text, 50, MSG_DONTWAIT)) > 0;) received += static_cast<size_t>(n);
  printf("received %s\n", received == sent ? "all" : "not all");
  show_events("empty", s[0]);
  fflush(stdout);
  if (fork() == 0) {
    for (size_t done = 0; done < sizeof many;) {
      const long n = write(s[0], many + done, sizeof many - done);
      if (n <= 0) _exit(1);
      done += static_cast<size_t>(n);
    }
    _exit(0);
  }
  close(s[0]);
  static char back[1 << 18];
  size_t done = 0;
  for (long n; (n = read(s[1], back + done, sizeof back - done)) > 0;) done += static_cast<size_t>(n);
  printf("%zu bytes, %s\n", done, memcmp(many, back, done) == 0 ? "the same" : "others");
  wait(nullptr);
  close(s[1]);
}

void ends() {
  signal(SIGPIPE, SIG_IGN);
  int s[2];
  char text[8];
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM}) {
    printf("type %d\n", type);
    socketpair(AF_UNIX, type, 0, s);
    send(s[0], "left", 4, 0);
    SHOW(shutdown(s[0], SHUT_WR));
    show_events("shut", s[0]);
    show_events("its peer", s[1]);
    SHOW(recv(s[1], text, 8, 0));
    SHOW(recv(s[1], text, 8, MSG_DONTWAIT));
    SHOW(send(s[0], "x", 1, 0));
    SHOW(send(s[1], "x", 1, 0));
    SHOW(shutdown(s[1], SHUT_RD));
    show_events("its peer", s[1]);
    SHOW(shutdown(s[0], 9));
    SHOW(close(s[0]));
    show_events("closed", s[1]);
    SHOW(send(s[1], "x", 1, 0));
    SHOW(send(s[1], "x", 1, 0));
    SHOW(recv(s[1], text, 8, MSG_DONTWAIT));
    names_of(s[1]);
    close(s[1]);
    socketpair(AF_UNIX, type, 0, s);
    send(s[0], "lost", 4, 0);
    close(s[1]);
    show_events("unread", s[0]);
    printf("error %d\n", option(s[0], SO_ERROR));
    SHOW(recv(s[0], text, 8, MSG_DONTWAIT));
    close(s[0]);
  }
  signal(SIGPIPE, SIG_DFL);
  for (const int flags : {0, static_cast<int>(MSG_NOSIGNAL)}) {
    fflush(stdout);
    if (fork() == 0) {
      socketpair(AF_UNIX, SOCK_STREAM, 0, s);
      close(s[1]);
      send(s[0], "x", 1, flags);
      _exit(3);
    }
    int status;
    wait(&status);
    printf("status %#x\n", status);
  }
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  close_range(3, ~0u, 0);  // whatever started this program may have left high numbers open
  char folder[] = "/tmp/socketsXXXXXX";
  if (mkdtemp(folder) == nullptr || chdir(folder) != 0 || chmod(folder, 0755) != 0) return 1;
  umask(022);
  making();
  binding();
  permissions();
  abstract_names();
  connecting();
  waiting();
  streams();
  ends();
  chdir("/");
  printf("left: %d\n", rmdir(folder));
  return 0;
}
