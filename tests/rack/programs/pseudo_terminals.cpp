// SPDX-License-Identifier: Apache-2.0
// Pseudo-terminals: both ends, lines and raw bytes, echo, window sizes, sessions and the foreground group, signals from
// keys, and what happens when an end is closed.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <initializer_list>
#include <string>

#include "show.h"

namespace {

void show_text(const char* what, const char* bytes, long count) {
  printf("%s %ld:", what, count);
  for (long i = 0; i < count; ++i) {
    const unsigned char c = static_cast<unsigned char>(bytes[i]);
    if (c >= ' ' && c < 127)
      putchar(c);
    else
      printf("\\%02x", c);
  }
  putchar('\n');
}

void show_read(const char* what, int descriptor) {
  char bytes[256];
  const long count = read(descriptor, bytes, sizeof bytes);
  if (count < 0)
    printf("%s: %s\n", what, strerrorname_np(errno));
  else
    show_text(what, bytes, count);
}

// Reads until the end of what is expected is there: a terminal may hand it over in pieces.
void show_until(const char* what, int descriptor, const char* end) {
  char bytes[512];
  long used = 0;
  while (used < static_cast<long>(sizeof bytes) - 1) {
    const long count = read(descriptor, bytes + used, sizeof bytes - 1 - static_cast<unsigned long>(used));
    if (count <= 0) break;
    used += count;
    bytes[used] = 0;
    if (strstr(bytes, end) != nullptr) break;
  }
  show_text(what, bytes, used);
}

int open_master() {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  printf("posix_openpt %d\n", master >= 0);
  return master;
}

int open_slave(int master) { return open(ptsname(master), O_RDWR | O_NOCTTY); }

void names_and_locks() {
  const int master = open_master();
  const int locked = open(ptsname(master), O_RDWR | O_NOCTTY);
  printf("locked: %s\n", locked < 0 ? strerrorname_np(errno) : "open");
  printf("grantpt %d unlockpt %d\n", grantpt(master), unlockpt(master));
  const int slave = open_slave(master);
  printf("slave %d isatty %d %d\n", slave >= 0, isatty(master), isatty(slave));
  struct stat status, node;
  fstat(slave, &status);
  stat(ptsname(master), &node);
  printf("character %d owner %u same %d\n", S_ISCHR(status.st_mode), status.st_uid,
         status.st_rdev == node.st_rdev && status.st_ino == node.st_ino);
  char name[64];
  SHOW(fchmod(slave, 0604));
  SHOW(chown(ptsname(master), 1000, 5));
  fstat(slave, &status);
  stat(ptsname(master), &node);
  printf("%o %u %u, %o %u %u\n", status.st_mode, status.st_uid, status.st_gid, node.st_mode, node.st_uid, node.st_gid);
  printf("ttyname %d\n", ttyname_r(slave, name, sizeof name) == 0 && strcmp(name, ptsname(master)) == 0);
  close(slave);
  close(master);
  printf("gone: %s\n", open(name, O_RDWR | O_NOCTTY) < 0 ? strerrorname_np(errno) : "open");
}

void lines_and_echo() {
  int master, slave;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return void(show("openpty", -1));
  write(master, "hello\n", 6);
  show_read("slave", slave);
  show_until("echo", master, "\n");
  write(master, "ab\177c\n", 5);
  show_read("erased", slave);
  show_until("echo", master, "c\r\n");
  write(slave, "one\ntwo\n", 8);
  show_until("output", master, "two\r\n");
  write(master, "x\004", 2);
  show_read("unfinished line", slave);
  write(master, "\004", 1);
  show_read("end of file", slave);
  int waiting = -1;
  write(master, "four\n", 5);
  struct pollfd ready = {slave, POLLIN, 0};
  show("poll", poll(&ready, 1, -1));
  show("FIONREAD", ioctl(slave, FIONREAD, &waiting));
  printf("waiting %d\n", waiting);
  close(slave);
  close(master);
}

// struct termio, which termios grew from. Whether bytes are taken for UTF-8 at first is not the same everywhere.
void old_settings() {
  int master, slave;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return void(show("openpty", -1));
  struct termio old = {};
  SHOW(ioctl(slave, TCGETA, &old));
  const auto tell = [&] {
    printf("%o %ho %ho %ho %d:", old.c_iflag & ~IUTF8, old.c_oflag, old.c_cflag, old.c_lflag, old.c_line);
    for (const unsigned char c : old.c_cc) printf(" %d", c);
    putchar('\n');
  };
  tell();
  old.c_iflag &= static_cast<unsigned short>(~ICRNL);
  old.c_lflag &= static_cast<unsigned short>(~ECHO);
  old.c_cc[VINTR] = 7;
  SHOW(ioctl(slave, TCSETA, &old));
  struct termios whole;
  tcgetattr(slave, &whole);
  printf("%o %o %o %o %d %d\n", whole.c_iflag & ~IUTF8, whole.c_oflag, whole.c_cflag, whole.c_lflag, whole.c_cc[VINTR],
         whole.c_cc[VWERASE]);
  write(master, "lost\n", 5);
  old.c_iflag |= ICRNL;
  SHOW(ioctl(slave, TCSETAF, &old));
  int waiting = -1;
  ioctl(slave, FIONREAD, &waiting);
  printf("waiting %d\n", waiting);
  SHOW(ioctl(slave, TCSETAW, &old));
  SHOW(ioctl(master, TCGETA, &old));
  tell();
  SHOW(ioctl(slave, TCGETA, 8));
  SHOW(ioctl(slave, TCSETA, 8));
  int ends[2];
  pipe(ends);
  SHOW(ioctl(ends[0], TCGETA, &old));
  for (const int fd : {ends[0], ends[1], master, slave}) close(fd);
}

// Until the master's bytes have been through the line.
void settle(int slave, int bytes) {
  for (int there = 0; there != bytes;) {
    ioctl(slave, FIONREAD, &there);
    usleep(1000);
  }
}

void show_poll(const char* what, int descriptor) {
  struct pollfd ready = {descriptor, POLLIN | POLLPRI | POLLOUT, 0};
  poll(&ready, 1, 1000);
  printf("%s %x\n", what, ready.revents);
}

// As show_until, of a master in packet mode: each piece begins with a zero, and what is not one tells of itself.
void show_packets(const char* what, int master, const char* end) {
  std::string bytes;
  while (!bytes.ends_with(end)) {
    char packet[256];
    const long count = read(master, packet, sizeof packet);
    if (count <= 0) break;
    if (packet[0] != 0)
      printf("%s: status %d of %ld\n", what, packet[0], count);
    else
      bytes.append(packet + 1, static_cast<unsigned long>(count) - 1);
  }
  show_text(what, bytes.data(), static_cast<long>(bytes.size()));
}

// A master that hears what happens to its slave (TIOCPKT), and an output that is stopped.
void packet_mode() {
  int master, slave, on = 1, mode = -1;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return void(show("openpty", -1));
  SHOW(ioctl(slave, TIOCPKT, &on));
  SHOW(ioctl(slave, TIOCGPKT, &mode));
  SHOW(ioctl(master, TIOCPKT, 8));
  SHOW(ioctl(master, TIOCPKT, &on));
  SHOW(ioctl(master, TIOCGPKT, &mode));
  printf("mode %d\n", mode);
  write(slave, "hello\n", 6);
  show_packets("data", master, "\n");
  SHOW(tcflush(slave, TCIFLUSH));
  show_poll("poll", master);
  show_read("input flushed", master);
  SHOW(tcflush(slave, TCIOFLUSH));
  show_read("both flushed", master);
  SHOW(tcflow(slave, TCOOFF));
  show_read("suspended", master);
  struct pollfd writable = {slave, POLLOUT, 0};
  show("poll of a stopped slave", poll(&writable, 1, 0));
  fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
  SHOW(write(slave, "abc", 3));
  SHOW(tcflow(slave, TCOON));
  show_read("resumed", master);
  SHOW(write(slave, "abc", 3));
  show_packets("data", master, "abc");
  write(master, "\023", 1);
  show_read("^S", master);
  SHOW(write(slave, "abc", 3));
  write(master, "typed", 5);
  write(master, "\021", 1);
  show_read("^Q", master);
  show_packets("what was typed", master, "typed");
  write(master, "\003", 1);
  show_read("^C", master);
  show_packets("echo of ^C", master, "^C");
  struct termios settings;
  tcgetattr(slave, &settings);
  settings.c_iflag &= ~static_cast<unsigned>(IXON);
  tcsetattr(slave, TCSANOW, &settings);
  show_read("without flow keys", master);
  settings.c_iflag |= IXON;
  tcsetattr(slave, TCSANOW, &settings);
  show_read("with flow keys", master);
  SHOW(tcflow(slave, TCIOFF));
  SHOW(tcflow(slave, TCION));
  SHOW(ioctl(slave, TCXONC, 9));
  SHOW(ioctl(slave, TCFLSH, 9));
  SHOW(ioctl(master, TCFLSH, 9));
  show_packets("keys", master, "\023\021");
  tcflow(slave, TCOOFF);
  char byte = 'x';
  show("status", read(master, &byte, 1));
  printf("byte %d\n", byte);
  on = 0;
  SHOW(ioctl(master, TIOCPKT, &on));
  tcflow(slave, TCOON);
  write(slave, "plain", 5);
  show_until("data", master, "plain");
  for (const int fd : {master, slave}) close(fd);
}

void editing() {
  int master, slave;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return void(show("openpty", -1));
  struct termios settings;
  tcgetattr(slave, &settings);
  write(master, "ab cd\022\025", 7);
  write(master, "a-b c_d..\027x\n", 12);
  show_until("shown again, killed, a word erased", master, "x\r\n");
  show_read("line", slave);
  for (const unsigned without : {ECHOKE, ECHOE, ECHOK}) {
    settings.c_lflag &= ~without;
    tcsetattr(slave, TCSANOW, &settings);
    write(master, "abc\177d\025e\n", 8);
    show_until("echo", master, "e\r\n");
    show_read("line", slave);
  }
  settings.c_cflag = (settings.c_cflag & ~static_cast<unsigned>(CSIZE)) | CS7 | PARENB;
  tcsetattr(slave, TCSANOW, &settings);
  tcgetattr(slave, &settings);
  printf("control %o\n", settings.c_cflag);
  for (const int fd : {master, slave}) close(fd);
}

// VMIN and VTIME.
void counted_bytes() {
  int master, slave;
  struct termios settings;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return void(show("openpty", -1));
  tcgetattr(slave, &settings);
  cfmakeraw(&settings);
  const auto set = [&](unsigned char minimum, unsigned char time) {
    settings.c_cc[VMIN] = minimum;
    settings.c_cc[VTIME] = time;
    tcsetattr(slave, TCSANOW, &settings);
  };
  set(3, 0);
  struct pollfd ready = {slave, POLLIN, 0};
  write(master, "12", 2);
  settle(slave, 2);
  show("poll of two", poll(&ready, 1, 0));
  fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
  show_read("without waiting", slave);
  fcntl(slave, F_SETFL, O_RDWR);
  write(master, "1234", 4);
  settle(slave, 4);
  show("poll of four", poll(&ready, 1, 0));
  char two[2];
  show("two", read(slave, two, 2));
  fflush(stdout);
  if (fork() == 0) {
    usleep(50000);
    write(master, "5", 1);
    _exit(0);
  }
  show_read("three", slave);
  wait(nullptr);
  set(5, 1);
  write(master, "ab", 2);
  show_read("between two bytes", slave);
  set(0, 1);
  show_read("time", slave);
  for (const int fd : {master, slave}) close(fd);
}

// What nobody reads yet makes the writer wait, and is not lost. How much that is is not the same everywhere.
void full_input() {
  int master, slave;
  struct termios settings;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return void(show("openpty", -1));
  tcgetattr(slave, &settings);
  cfmakeraw(&settings);
  tcsetattr(slave, TCSANOW, &settings);
  constexpr long all = 300000;
  static char bytes[all];
  for (long i = 0; i < all; ++i) bytes[i] = static_cast<char>('a' + i % 23);
  fflush(stdout);
  const pid_t writer = fork();
  if (writer == 0) {
    for (long done = 0; done < all;) done += write(master, bytes + done, static_cast<unsigned long>(all - done));
    _exit(0);
  }
  long done = 0, wrong = 0;
  usleep(50000);
  while (done < all) {
    char piece[5000];
    const long count = read(slave, piece, sizeof piece);
    if (count <= 0) break;
    for (long i = 0; i < count; ++i) wrong += piece[i] != bytes[done + i];
    done += count;
  }
  printf("read %ld wrong %ld\n", done, wrong);
  waitpid(writer, nullptr, 0);
  fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
  while (write(master, bytes, 1000) > 0) {
  }
  show("full", -1);
  struct pollfd ready = {master, POLLOUT, 0};
  tcflush(slave, TCIFLUSH);
  show("poll", poll(&ready, 1, 1000));
  for (const int fd : {master, slave}) close(fd);
}

void other_controls() {
  int master, slave, number = -1;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return void(show("openpty", -1));
  struct {
    unsigned modes[4];
    unsigned char characters[20];
    unsigned input, output;
  } speeds = {};
  constexpr unsigned long get_speeds = 0x802c542a, set_speeds = 0x402c542b, get_exclusive = 0x80045440;
  SHOW(ioctl(slave, get_speeds, &speeds));
  printf("%u %u\n", speeds.input, speeds.output);
  speeds.modes[2] = (speeds.modes[2] & ~0x100fu) | 0x1000;
  speeds.input = speeds.output = 12345;
  SHOW(ioctl(slave, set_speeds, &speeds));
  SHOW(ioctl(slave, get_speeds, &speeds));
  printf("%u %u %x\n", speeds.input, speeds.output, speeds.modes[2]);
  speeds.modes[2] = (speeds.modes[2] & ~0x100fu) | B115200;
  SHOW(ioctl(slave, set_speeds, &speeds));
  SHOW(ioctl(slave, get_speeds, &speeds));
  printf("%u %u\n", speeds.input, speeds.output);
  SHOW(ioctl(slave, TIOCGETD, &number));
  SHOW(ioctl(slave, TIOCSETD, &number));
  printf("discipline %d\n", number);
  number = 99;
  SHOW(ioctl(slave, TIOCSETD, &number));
  SHOW(ioctl(slave, TIOCEXCL));
  SHOW(ioctl(slave, get_exclusive, &number));
  printf("exclusive %d\n", number);
  fflush(stdout);
  if (fork() == 0) {
    setuid(1);
    const int again = open(ptsname(master), O_RDWR | O_NOCTTY);
    printf("again %s\n", again < 0 ? strerrorname_np(errno) : "open");
    fflush(stdout);
    _exit(0);
  }
  wait(nullptr);
  chmod(ptsname(master), 0666);
  if (fork() == 0) {
    setuid(1);
    const int again = open(ptsname(master), O_RDWR | O_NOCTTY);
    printf("again %s\n", again < 0 ? strerrorname_np(errno) : "open");
    fflush(stdout);
    _exit(0);
  }
  wait(nullptr);
  SHOW(ioctl(slave, TIOCNXCL));
  SHOW(ioctl(slave, TIOCSTI, "q"));
  SHOW(ioctl(slave, TIOCSTI, "\n"));
  show_read("as if typed", slave);
  SHOW(ioctl(master, TIOCSIG, SIGKILL));
  SHOW(ioctl(master, TIOCSIG, SIGINT));
  SHOW(ioctl(slave, TIOCSBRK));
  SHOW(ioctl(slave, TIOCCBRK));
  SHOW(ioctl(slave, TCSBRKP, 1));
  SHOW(tcdrain(slave));
  for (const int fd : {master, slave}) close(fd);
}

void raw_bytes() {
  int master, slave;
  struct termios settings;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return void(show("openpty", -1));
  tcgetattr(slave, &settings);
  cfmakeraw(&settings);
  show("tcsetattr", tcsetattr(slave, TCSANOW, &settings));
  write(master, "\003\r\177", 3);
  show_read("raw", slave);
  write(slave, "a\nb", 3);
  show_until("raw output", master, "b");
  struct winsize size = {30, 100, 0, 0};
  ioctl(slave, TIOCGWINSZ, &size);
  printf("window %d %d\n", size.ws_row, size.ws_col);
  size = {40, 132, 0, 0};
  show("TIOCSWINSZ", ioctl(master, TIOCSWINSZ, &size));
  size = {};
  ioctl(slave, TIOCGWINSZ, &size);
  printf("window %d %d\n", size.ws_row, size.ws_col);
  close(slave);
  close(master);
}

void closing() {
  int master, slave;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0) return void(show("openpty", -1));
  struct pollfd ready = {master, POLLIN, 0};
  show("poll", poll(&ready, 1, 0));
  write(slave, "last", 4);
  close(slave);
  show_until("what was left", master, "last");
  show_read("no slave", master);
  ready.revents = 0;
  show("poll", poll(&ready, 1, -1));
  printf("hung up %d\n", (ready.revents & POLLHUP) != 0);
  unlockpt(master);
  slave = open_slave(master);
  printf("again %d\n", slave >= 0);
  write(slave, "back", 4);
  show_until("again", master, "back");
  close(master);
  show_read("no master", slave);
  printf("write %ld %s\n", static_cast<long>(write(slave, "x", 1)), strerrorname_np(errno));
  close(slave);
}

void on_signal(int number) {
  const char* text = number == SIGINT ? "SIGINT\n" : number == SIGWINCH ? "SIGWINCH\n" : "SIGHUP\n";
  write(1, text, strlen(text));
  if (number == SIGHUP) _exit(7);
}

// A session of its own on the slave; the parent types.
void sessions() {
  int master;
  fflush(stdout);
  const pid_t child = forkpty(&master, nullptr, nullptr, nullptr);
  if (child == 0) {
    signal(SIGINT, on_signal);
    signal(SIGWINCH, on_signal);
    signal(SIGHUP, on_signal);
    printf("leader %d foreground %d tty %d\n", getsid(0) == getpid(), tcgetpgrp(0) == getpid(),
           open("/dev/tty", O_RDWR) >= 0);
    printf("ready\n");
    fflush(stdout);
    char line[64];
    while (true) {
      const long count = read(0, line, sizeof line - 1);
      if (count <= 0) break;
      line[count] = 0;
      printf("got %s", line);
      fflush(stdout);
    }
    alarm(100);  // the end of the terminal may be read before its signal comes
    pause();
    _exit(3);
  }
  show_until("child", master, "ready\r\n");
  write(master, "word\n", 5);
  show_until("child", master, "got word\r\n");
  write(master, "\003", 1);
  show_until("child", master, "SIGINT\r\n");
  struct winsize size = {50, 90, 0, 0};
  ioctl(master, TIOCSWINSZ, &size);
  show_until("child", master, "SIGWINCH\r\n");
  int group = 0;
  show("TIOCGPGRP of the master", ioctl(master, TIOCGPGRP, &group));
  printf("group %d\n", group == child);
  close(master);
  int status = 0;
  waitpid(child, &status, 0);
  printf("ended %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
}

// ^Z stops the foreground group; the background one that reads is stopped as well.
void job_control() {
  int master;
  fflush(stdout);
  const pid_t child = forkpty(&master, nullptr, nullptr, nullptr);
  if (child == 0) {
    signal(SIGTTOU, SIG_IGN);
    const pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      tcsetpgrp(0, getpid());
      printf("job ready\n");
      fflush(stdout);
      while (true) pause();
    }
    int status = 0;
    waitpid(job, &status, WUNTRACED);
    tcsetpgrp(0, getpid());
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(job, SIGKILL);
    waitpid(job, &status, 0);
    const pid_t reader = fork();
    if (reader == 0) {
      setpgid(0, 0);
      char byte;
      read(0, &byte, 1);
      _exit(0);
    }
    waitpid(reader, &status, WUNTRACED);
    printf("background %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(reader, SIGKILL);
    waitpid(reader, &status, 0);
    printf("done\n");
    fflush(stdout);
    _exit(0);
  }
  show_until("job", master, "job ready\r\n");
  write(master, "\032", 1);
  show_until("job", master, "done\r\n");
  int status = 0;
  waitpid(child, &status, 0);
  printf("ended %d with %d\n", WIFEXITED(status), WEXITSTATUS(status));
  close(master);
}

}  // namespace

int main() {
  signal(SIGPIPE, SIG_DFL);
  names_and_locks();
  lines_and_echo();
  old_settings();
  packet_mode();
  editing();
  counted_bytes();
  full_input();
  other_controls();
  raw_bytes();
  closing();
  sessions();
  job_control();
  return 0;
}
