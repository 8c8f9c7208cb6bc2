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

#include "terminal_parts.h"

namespace {

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
  terminal_settings();
  raw_bytes();
  closing();
  sessions();
  job_control();
  return 0;
}
