// SPDX-License-Identifier: Apache-2.0
// inotify: which events which calls make, for files and for the directories that they are in. In an empty folder.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <map>
#include <string>

#include "show.h"

namespace {

int watcher = -1;
std::map<int, std::string> watched;

int watch(const char* path, uint32_t mask) {
  const int number = inotify_add_watch(watcher, path, mask);
  if (number < 0)
    printf("watch %s %x: %s\n", path, mask, strerrorname_np(errno));
  else
    watched[number] = path;
  return number;
}

std::string names_of(uint32_t mask) {
  static const std::pair<uint32_t, const char*> bits[] = {
      {IN_ACCESS, "access"},           {IN_MODIFY, "modify"},         {IN_ATTRIB, "attributes"},
      {IN_CLOSE_WRITE, "close_write"}, {IN_CLOSE_NOWRITE, "close"},   {IN_OPEN, "open"},
      {IN_MOVED_FROM, "moved_from"},   {IN_MOVED_TO, "moved_to"},     {IN_CREATE, "create"},
      {IN_DELETE, "delete"},           {IN_DELETE_SELF, "gone"},      {IN_MOVE_SELF, "moved"},
      {IN_Q_OVERFLOW, "overflow"},     {IN_IGNORED, "ignored"},       {IN_ISDIR, "directory"},
  };
  std::string text;
  for (const auto& [bit, name] : bits)
    if (mask & bit) text += std::string(text.empty() ? "" : "|") + name;
  return text;
}

// What came, cookies numbered in the order in which they are seen.
void told(const char* what) {
  printf("%s:", what);
  std::map<uint32_t, int> cookies;
  alignas(inotify_event) char buffer[8192];
  for (ssize_t bytes; (bytes = read(watcher, buffer, sizeof buffer)) > 0;)
    for (ssize_t at = 0; at < bytes;) {
      const auto* event = reinterpret_cast<inotify_event*>(buffer + at);
      printf(" [%s", event->wd < 0 ? "-" : watched[event->wd].c_str());
      if (event->len > 0) printf("/%s", event->name);
      printf(" %s", names_of(event->mask).c_str());
      if (event->cookie != 0) {
        const int number = cookies.emplace(event->cookie, (int)cookies.size() + 1).first->second;
        printf(" #%d", number);
      }
      printf("]");
      at += sizeof *event + event->len;
    }
  printf("%s\n", errno == EAGAIN ? "" : strerrorname_np(errno));
}

#define TOLD(...)    \
  do {               \
    __VA_ARGS__;     \
    told(#__VA_ARGS__); \
  } while (0)

int make(const char* name) {
  const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) perror(name);
  return fd;
}

void files() {
  char text[10];
  mkdir("d", 0755);
  watch("d", IN_ALL_EVENTS);
  int fd = -1;
  TOLD(fd = make("d/a"));
  watch("d/a", IN_ALL_EVENTS);
  TOLD(write(fd, "text", 4));
  TOLD(pwrite(fd, "text", 4, 0));
  TOLD(write(fd, "text", 0));
  TOLD(pread(fd, text, 4, 0));
  TOLD(pread(fd, text, 4, 100));
  TOLD(pread(fd, text, 4, 0); pread(fd, text, 4, 0); write(fd, "x", 1); write(fd, "x", 1));
  TOLD(fchmod(fd, 0600));
  TOLD(chmod("d/a", 0644));
  TOLD(chown("d/a", 0, 0));
  TOLD(ftruncate(fd, 2));
  TOLD(truncate("d/a", 3));
  TOLD(fallocate(fd, 0, 0, 10));
  TOLD(utimensat(AT_FDCWD, "d/a", nullptr, 0));
  timespec times[2] = {{1, 0}, {0, UTIME_OMIT}};
  TOLD(futimens(fd, times));
  times[0].tv_nsec = UTIME_OMIT, times[1].tv_nsec = 5;
  TOLD(futimens(fd, times));
  TOLD(close(fd));
  TOLD(close(open("d/a", O_RDONLY)));
  TOLD(close(open("d/a", O_WRONLY | O_TRUNC)));
  TOLD(close(open("d/a", O_PATH)));
  TOLD(link("d/a", "d/b"));
  TOLD(unlink("d/b"));
  TOLD(rename("d/a", "d/c"));
  TOLD(symlink("c", "d/link"));
  TOLD(mkfifo("d/fifo", 0600));
  sockaddr_un address = {AF_UNIX, "d/socket"};
  const int bound = socket(AF_UNIX, SOCK_STREAM, 0);
  TOLD(bind(bound, (sockaddr*)&address, sizeof address));
  close(bound);
  TOLD(unlink("d/link"));
  TOLD(unlink("d/fifo"));
  TOLD(unlink("d/socket"));
  TOLD(fd = open("d/c", O_RDONLY));
  TOLD(unlink("d/c"));
  TOLD(read(fd, text, 1));
  TOLD(close(fd));
  TOLD(make("d/excluded"));
}

void directories() {
  mkdir("e", 0755);
  watch("e", IN_ALL_EVENTS);
  TOLD(mkdir("d/sub", 0755));
  watch("d/sub", IN_ALL_EVENTS);
  int fd = -1;
  TOLD(fd = open("d/sub", O_RDONLY | O_DIRECTORY));
  TOLD(close(fd));
  TOLD(chmod("d/sub", 0700));
  TOLD(rename("d/sub", "e/moved"));
  TOLD(mkdir("e/moved/x", 0755));
  TOLD(rmdir("e/moved/x"));
  TOLD(rmdir("e/moved"));
  close(make("d/one")), close(make("e/two"));
  told("made");
  watch("d/one", IN_ALL_EVENTS), watch("e/two", IN_ALL_EVENTS);
  TOLD(renameat2(AT_FDCWD, "d/one", AT_FDCWD, "e/two", RENAME_EXCHANGE));
  TOLD(rename("d/one", "e/two"));
  TOLD(unlink("e/two"));
  TOLD(rmdir("e"));
}

void ways() {
  close(make("f")), close(make("g"));
  symlink("f", "to_f");
  const int number = watch("f", IN_OPEN);
  SHOW(watch("f", IN_CLOSE | IN_MASK_ADD) == number);
  TOLD(close(open("f", O_RDONLY)));
  SHOW(watch("f", IN_MODIFY) == number);
  TOLD(close(open("f", O_RDONLY)));
  SHOW(watch("f", IN_MODIFY | IN_MASK_CREATE));
  SHOW(watch("f", IN_MODIFY | IN_MASK_CREATE | IN_MASK_ADD));
  SHOW(watch("f", 0));
  SHOW(watch("missing", IN_OPEN));
  SHOW(watch("f", IN_OPEN | IN_ONLYDIR));
  SHOW(watch("to_f", IN_OPEN) == number);
  SHOW(watch("to_f", IN_OPEN | IN_DONT_FOLLOW) == number);
  SHOW(inotify_rm_watch(watcher, number));
  told("removed");
  SHOW(inotify_rm_watch(watcher, number));
  SHOW(inotify_rm_watch(0, 1));
  SHOW(inotify_add_watch(0, "f", IN_OPEN));
  SHOW(inotify_add_watch(-1, "f", IN_OPEN));
  SHOW(inotify_init1(1));
  SHOW(watch("g", IN_OPEN | IN_ONESHOT) > number);
  TOLD(close(open("g", O_RDONLY)); close(open("g", O_RDONLY)));
  watch(".", IN_ATTRIB | IN_MODIFY | IN_EXCL_UNLINK);
  const int fd = make("h");
  TOLD(write(fd, "x", 1));
  unlink("h");
  told("unlinked");
  TOLD(write(fd, "x", 1));
  watch(".", IN_ATTRIB | IN_MODIFY);
  TOLD(write(fd, "x", 1));
  TOLD(close(fd));
}

void reading() {
  watch("g", IN_OPEN);
  pollfd asked = {watcher, POLLIN, 0};
  SHOW(poll(&asked, 1, 0));
  const int set = epoll_create1(0);
  epoll_event wanted = {EPOLLIN, {}};
  SHOW(epoll_ctl(set, EPOLL_CTL_ADD, watcher, &wanted));
  SHOW(epoll_wait(set, &wanted, 1, 0));
  close(open("g", O_RDONLY));
  SHOW(poll(&asked, 1, 0));
  SHOW(epoll_wait(set, &wanted, 1, 0));
  int bytes = -1;
  SHOW(ioctl(watcher, FIONREAD, &bytes));
  printf("%d bytes\n", bytes);
  char small[8];
  SHOW(read(watcher, small, sizeof small));
  told("read");
  SHOW(write(watcher, small, 1));
  SHOW(lseek(watcher, 0, SEEK_SET));
  char shown[100] = "", path[40];
  sprintf(path, "/proc/self/fd/%d", watcher);
  SHOW(readlink(path, shown, sizeof shown));
  printf("%s\n", shown);
  // A child's changes wake a reader that waits.
  fcntl(watcher, F_SETFL, 0);
  const pid_t pid = fork();
  if (pid == 0) {
    usleep(20000);
    close(open("g", O_RDONLY));
    _exit(0);
  }
  char event[64];
  SHOW(read(watcher, event, sizeof event));
  waitpid(pid, nullptr, 0);
  fcntl(watcher, F_SETFL, O_NONBLOCK);
  close(set);
}

void too_many() {
  watch("g", IN_OPEN | IN_CLOSE);
  for (int i = 0; i < 9000; ++i) close(open("g", O_RDONLY));
  alignas(inotify_event) char buffer[8192];
  int count = 0;
  uint32_t last = 0;
  for (ssize_t bytes; (bytes = read(watcher, buffer, sizeof buffer)) > 0;)
    for (ssize_t at = 0; at < bytes; ++count) {
      const auto* event = reinterpret_cast<inotify_event*>(buffer + at);
      last = event->mask;
      at += sizeof *event + event->len;
    }
  printf("%d events, the last %s\n", count, names_of(last).c_str());
  told("after");
}

void as_another_user() {
  close(open("secret", O_RDWR | O_CREAT, 0600));
  const pid_t pid = fork();
  if (pid == 0) {
    if (setgid(1000) != 0 || setuid(1000) != 0) perror("setuid");
    SHOW(inotify_add_watch(watcher, "secret", IN_OPEN));
    _exit(0);
  }
  waitpid(pid, nullptr, 0);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  const char* wanted = getenv("FILES_IN");
  std::string name = std::string(wanted == nullptr ? "/var/tmp" : wanted) + "/watchingXXXXXX";
  const char* place = mkdtemp(name.data());
  if (place == nullptr || chdir(place) != 0 || chmod(place, 0755) != 0) return perror(name.c_str()), 1;
  watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  SHOW(fcntl(watcher, F_GETFD));
  files();
  directories();
  ways();
  reading();
  too_many();
  as_another_user();
  close(watcher);
  return system((std::string("rm -r ") + place).c_str());
}
