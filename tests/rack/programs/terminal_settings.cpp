// SPDX-License-Identifier: Apache-2.0
// What a terminal's settings and ioctls do: the old struct, packet mode and a stopped output, editing of lines, VMIN
// and VTIME, input that nobody reads, speeds, exclusive use. A part of pseudo_terminals.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include <initializer_list>
#include <string>

#include "terminal_parts.h"

namespace {

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

}  // namespace

void terminal_settings() {
  old_settings();
  packet_mode();
  editing();
  counted_bytes();
  full_input();
  other_controls();
}
