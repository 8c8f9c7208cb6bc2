// SPDX-License-Identifier: Apache-2.0
// The rarer calls about files: second versions, openat2, files without names, splice and its kin, ranges, and what a
// descriptor of O_PATH is good for. In an empty folder of its own.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "show.h"

namespace {

#define FINE(call) show(#call, (call) == -1 ? -1 : 0)

int make(const char* name, const char* text = "") {
  const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (write(fd, text, strlen(text)) < 0) perror(name);
  return fd;
}
void contents(const char* what, int fd) {
  char text[200] = "";
  const ssize_t bytes = pread(fd, text, sizeof text - 1, 0);
  for (ssize_t i = 0; i < bytes; ++i)
    if (text[i] == 0) text[i] = '.';
  printf("%s: %zd bytes \"%s\" at %ld\n", what, bytes, text, (long)lseek(fd, 0, SEEK_CUR));
}

void vectors_with_flags() {
  const int file = make("vectors", "0123456789");
  char first[4] = "", second[8] = "";
  const iovec into[] = {{first, 3}, {second, 7}};
  const iovec from[] = {{(void*)"ab", 2}, {(void*)"cde", 3}};
  SHOW(preadv2(file, into, 2, 2, 0));
  printf("%.3s %.5s\n", first, second);
  SHOW(lseek(file, 4, SEEK_SET));
  SHOW(preadv2(file, into, 2, -1, 0));
  contents("read", file);
  SHOW(preadv2(file, into, 2, -2, 0));
  SHOW(preadv(file, into, 2, -1));
  SHOW(preadv2(file, into, 2, 0, RWF_HIPRI));
  SHOW(preadv2(file, into, 2, 0, 0x40000000));
  SHOW(preadv2(-1, into, 2, 0, 0x40000000));
  SHOW(lseek(file, 2, SEEK_SET));
  SHOW(pwritev2(file, from, 2, 8, 0));
  contents("written", file);
  SHOW(pwritev2(file, from, 2, 0, RWF_APPEND));
  contents("appended", file);
  SHOW(pwritev2(file, from, 2, -1, RWF_APPEND));
  contents("appended", file);
  SHOW(lseek(file, 0, SEEK_SET));
  SHOW(pwritev2(file, from, 1, -1, RWF_DSYNC));
  SHOW(pwritev2(file, from, 1, -1, RWF_SYNC));
  contents("synced", file);
  SHOW(pwritev2(file, from, 1, 0, 0x40000000));
  int ends[2];
  FINE(pipe(ends));
  SHOW(pwritev2(ends[1], from, 2, -1, 0));
  SHOW(pwritev2(ends[1], from, 2, 0, 0));
  SHOW(preadv2(ends[0], into, 1, 0, 0));
  SHOW(preadv2(ends[0], into, 2, -1, 0));
  SHOW(preadv2(ends[0], into, 2, -1, RWF_NOWAIT));
  SHOW(preadv2(ends[1], into, 2, -1, 0));
  close(ends[1]);
  SHOW(preadv2(ends[0], into, 2, -1, RWF_NOWAIT));
  close(ends[0]), close(file);
}

long open_how_at(int directory, const char* path, std::uint64_t flags, std::uint64_t resolve, std::uint64_t mode = 0) {
  open_how how = {flags, mode, resolve};
  const long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
  if (fd >= 0) close(fd);
  return fd;
}
#define OPEN2(...) FINE(open_how_at(__VA_ARGS__))

void restricted_opening() {
  mkdir("in", 0755);
  mkdir("in/deep", 0755);
  close(make("in/file"));
  close(make("outside"));
  symlink("file", "in/to_file");
  symlink("../outside", "in/to_outside");
  symlink("/outside", "in/to_root");
  symlink("/file", "in/to_rooted_file");
  symlink("missing", "in/to_missing");
  symlink("../made_outside", "in/to_made_outside");
  const int in = open("in", O_RDONLY | O_DIRECTORY);
  struct Way {
    const char* name;
    std::uint64_t resolve;
  };
  for (const Way& way : {Way{"freely", 0}, Way{"no links", RESOLVE_NO_SYMLINKS}, Way{"beneath", RESOLVE_BENEATH},
                         Way{"in root", RESOLVE_IN_ROOT}, Way{"no magic", RESOLVE_NO_MAGICLINKS}}) {
    printf("-- %s\n", way.name);
    for (const char* path : {"file", "to_file", "to_outside", "to_rooted_file", "deep/../file", "../outside",
                             "deep/../../outside", "/dev/null", "to_missing", "..", "/"})
      show(path, open_how_at(in, path, O_RDONLY, way.resolve) < 0 ? -1 : 0);
  }
  OPEN2(in, "to_outside", O_RDONLY, RESOLVE_NO_XDEV);
  OPEN2(in, "/dev/null", O_RDONLY, RESOLVE_NO_XDEV);
  OPEN2(AT_FDCWD, "/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS);
  OPEN2(AT_FDCWD, "/proc/self/fd", O_RDONLY, RESOLVE_NO_SYMLINKS);
  OPEN2(in, "new", O_CREAT | O_RDWR, RESOLVE_BENEATH, 0600);
  OPEN2(in, "to_made_outside", O_CREAT | O_RDWR, RESOLVE_BENEATH, 0600);
  OPEN2(in, "to_made_outside", O_CREAT | O_RDWR, RESOLVE_IN_ROOT, 0600);
  show("made in root", access("in/made_outside", F_OK));
  show("made outside", access("made_outside", F_OK));
  OPEN2(in, "file", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT);
  OPEN2(in, "file", O_RDONLY, 0x1000);
  OPEN2(in, "file", O_RDONLY, 0, 0600);
  OPEN2(in, "file2", O_CREAT | O_RDWR, 0, 010600);
  OPEN2(in, "file", 0x40000000, 0);
  OPEN2(in, "file", O_PATH | O_RDWR, 0);
  OPEN2(in, "file", O_PATH | O_NOFOLLOW, 0);
  struct {
    open_how how;
    std::uint64_t more;
  } longer = {{O_RDONLY, 0, 0}, 0};
  FINE(syscall(SYS_openat2, in, "file", &longer, sizeof longer));
  longer.more = 1;
  FINE(syscall(SYS_openat2, in, "file", &longer, sizeof longer));
  FINE(syscall(SYS_openat2, in, "file", &longer, 16));
  FINE(syscall(SYS_openat2, in, "file", &longer, 5000));
  FINE(syscall(SYS_openat2, in, "file", nullptr, 24));
  close(in);
}

void without_names() {
  const int file = open(".", O_TMPFILE | O_RDWR, 0640);
  if (file < 0) return perror("O_TMPFILE");
  if (write(file, "nameless", 8) != 8) perror("write");
  struct stat s;
  fstat(file, &s);
  printf("mode %o links %d size %d\n", s.st_mode, (int)s.st_nlink, (int)s.st_size);
  char shown[PATH_MAX] = "", expected[40], link[40];
  sprintf(link, "/proc/self/fd/%d", file);
  sprintf(expected, "/#%lu (deleted)", (unsigned long)s.st_ino);
  if (readlink(link, shown, sizeof shown) < 0) perror("readlink");
  printf("shown %d\n", strstr(shown, expected) != nullptr);
  FINE(linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  FINE(linkat(file, "", AT_FDCWD, "named_twice", AT_EMPTY_PATH));
  FINE(linkat(file, "", AT_FDCWD, "named_twice", AT_EMPTY_PATH));
  fstat(file, &s);
  printf("links %d\n", (int)s.st_nlink);
  close(file);
  const int again = open("named", O_RDONLY);
  contents("named", again);
  close(again);
  const int forever = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
  FINE(linkat(forever, "", AT_FDCWD, "never", AT_EMPTY_PATH));
  close(forever);
  unlink("named"), unlink("named_twice");
  const int removed = make("removed", "x");
  unlink("removed");
  FINE(linkat(removed, "", AT_FDCWD, "again", AT_EMPTY_PATH));
  close(removed);
  SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
  SHOW(open("outside", O_TMPFILE | O_RDWR, 0600));
  SHOW(open("nowhere", O_TMPFILE | O_RDWR, 0600));
  SHOW(open("/proc", O_TMPFILE | O_RDWR, 0600));
}

void splicing() {
  int one[2], two[2], sockets[2];
  FINE(pipe(one));
  FINE(pipe(two));
  FINE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
  const int file = make("spliced", "The quick brown fox");
  loff_t at = 4;
  SHOW(splice(file, &at, one[1], nullptr, 5, 0));
  printf("offset %d\n", (int)at);
  contents("source", file);
  SHOW(tee(one[0], two[1], 100, 0));
  SHOW(tee(one[0], one[1], 100, 0));
  SHOW(tee(file, two[1], 100, 0));
  SHOW(splice(one[0], nullptr, two[1], nullptr, 3, 0));
  int left = 0, right = 0;
  ioctl(one[0], FIONREAD, &left), ioctl(two[0], FIONREAD, &right);
  printf("left %d right %d\n", left, right);
  SHOW(splice(two[0], nullptr, sockets[0], nullptr, 100, 0));
  char text[100] = "";
  SHOW(read(sockets[1], text, sizeof text));
  printf("%s\n", text);
  SHOW(write(sockets[1], "back", 4));
  SHOW(splice(sockets[0], nullptr, one[1], nullptr, 100, 0));
  const int target = make("target", "0123456789");
  at = 2;
  SHOW(splice(one[0], nullptr, target, &at, 100, 0));
  printf("offset %d\n", (int)at);
  contents("target", target);
  SHOW(splice(one[0], nullptr, target, nullptr, 100, SPLICE_F_NONBLOCK));
  SHOW(splice(one[0], nullptr, two[1], nullptr, 100, SPLICE_F_NONBLOCK));
  SHOW(tee(one[0], two[1], 100, SPLICE_F_NONBLOCK));
  SHOW(lseek(file, 16, SEEK_SET));
  SHOW(splice(file, nullptr, one[1], nullptr, 100, 0));
  SHOW(splice(file, nullptr, one[1], nullptr, 100, 0));
  SHOW(splice(one[0], nullptr, target, nullptr, 100, 0));
  contents("target", target);
  const iovec parts[] = {{(void*)"in two ", 7}, {(void*)"parts", 5}};
  SHOW(vmsplice(one[1], parts, 2, 0));
  memset(text, 0, sizeof text);
  const iovec into[] = {{text, 4}, {text + 50, 40}};
  SHOW(vmsplice(one[0], into, 2, 0));
  printf("%s %s\n", text, text + 50);
  SHOW(vmsplice(one[0], into, 2, SPLICE_F_NONBLOCK));
  SHOW(vmsplice(file, parts, 2, 0));
  SHOW(vmsplice(one[1], parts, 2, 64));
  SHOW(vmsplice(one[1], parts, 0, 0));
  SHOW(splice(file, nullptr, target, nullptr, 10, 0));
  SHOW(splice(file, nullptr, one[1], &at, 10, 0));
  SHOW(splice(one[0], &at, file, nullptr, 10, 0));
  SHOW(splice(one[0], nullptr, one[1], nullptr, 10, 0));
  SHOW(splice(one[1], nullptr, file, nullptr, 10, 0));
  SHOW(splice(-1, nullptr, one[1], nullptr, 10, 0));
  SHOW(splice(-1, nullptr, one[1], nullptr, 0, 0));
  SHOW(splice(file, nullptr, one[1], nullptr, 10, 64));
  const int appended = open("target", O_WRONLY | O_APPEND);
  SHOW(write(one[1], "x", 1));
  SHOW(splice(one[0], nullptr, appended, nullptr, 10, 0));
  close(one[1]);
  SHOW(splice(one[0], nullptr, two[1], nullptr, 10, 0));
  SHOW(splice(one[0], nullptr, two[1], nullptr, 10, 0));
  SHOW(tee(one[0], two[1], 10, 0));
  signal(SIGPIPE, SIG_IGN);
  close(two[0]);
  SHOW(splice(file, nullptr, two[1], nullptr, 10, 0));
  SHOW(lseek(file, 0, SEEK_SET));
  SHOW(splice(file, nullptr, two[1], nullptr, 10, 0));
  for (const int fd : {one[0], two[1], sockets[0], sockets[1], file, target, appended}) close(fd);
}

// What cannot be spliced says so at once, although nothing is in the pipe and nobody will write.
void refused_splice() {
  int ends[2];
  pipe(ends);
  off64_t at = 0;
  off64_t* const bad = reinterpret_cast<off64_t*>(8);
  const int text = make("refused", "text"), reads_only = open("refused", O_RDONLY), folder = open(".", O_RDONLY),
            epoll = epoll_create1(0), event = eventfd(1, 0), path = open("refused", O_PATH);
  for (const int fd : {reads_only, folder, epoll, event, path, -1}) SHOW(splice(ends[0], nullptr, fd, nullptr, 10, 0));
  for (const int fd : {folder, epoll, path, -1}) SHOW(splice(fd, nullptr, ends[1], nullptr, 10, 0));
  SHOW(splice(ends[0], nullptr, reads_only, bad, 10, 0));
  SHOW(splice(ends[0], &at, reads_only, nullptr, 10, 0));
  SHOW(splice(reads_only, bad, ends[0], nullptr, 10, 0));
  SHOW(splice(text, bad, ends[1], nullptr, 10, 0));
  SHOW(splice(folder, &at, ends[1], nullptr, 10, 0));
  SHOW(tee(ends[0], reads_only, 10, 0));
  SHOW(tee(ends[0], text, 10, 0));
  for (const int fd : {ends[0], ends[1], text, reads_only, folder, epoll, event, path}) close(fd);
  unlink("refused");
}

void large_splice() {
  int ends[2];
  FINE(pipe(ends));
  const int source = make("large"), target = make("large_copy");
  std::string bytes;
  for (int i = 0; i < 300000; ++i) bytes += char('a' + i % 23);
  if (write(source, bytes.data(), bytes.size()) < 0) perror("write");
  lseek(source, 0, SEEK_SET);
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    while (splice(source, nullptr, ends[1], nullptr, 1 << 20, 0) > 0)
      ;
    _exit(0);
  }
  close(ends[1]);
  while (splice(ends[0], nullptr, target, nullptr, 1 << 20, 0) > 0)
    ;
  std::string copied(bytes.size() + 10, '\0');
  const ssize_t got = pread(target, copied.data(), copied.size(), 0);
  copied.resize(got < 0 ? 0 : got);
  printf("copied %zd, the same %d\n", got, copied == bytes);
  close(ends[0]), close(source), close(target);
}

void ranges() {
  const int file = make("ranges", "0123456789");
  SHOW(fallocate(file, FALLOC_FL_ZERO_RANGE, 2, 3));
  contents("zeroed", file);
  SHOW(fallocate(file, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 8, 10));
  contents("zeroed, size kept", file);
  SHOW(fallocate(file, FALLOC_FL_ZERO_RANGE, 9, 5));
  contents("zeroed and longer", file);
  SHOW(fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 100));
  contents("reserved", file);
  SHOW(fallocate(file, 0, 0, 16));
  contents("longer", file);
  SHOW(fallocate(file, FALLOC_FL_PUNCH_HOLE, 0, 4));
  SHOW(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4));
  SHOW(fallocate(file, 0x4000, 0, 4096));
  SHOW(fallocate(file, 0, -1, 4096));
  SHOW(fallocate(file, 0, 0, 0));
  SHOW(fallocate(file, 0, LONG_MAX, 10));
  const int reader = open("ranges", O_RDONLY);
  SHOW(fallocate(reader, 0, 0, 10));
  int ends[2];
  FINE(pipe(ends));
  SHOW(fallocate(ends[1], 0, 0, 10));
  SHOW(readahead(file, 0, 4096));
  SHOW(readahead(ends[0], 0, 4096));
  SHOW(readahead(-1, 0, 4096));
  SHOW(sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
  SHOW(sync_file_range(file, 0, 0, 8));
  SHOW(sync_file_range(file, -1, 0, 0));
  SHOW(sync_file_range(ends[0], 0, 0, 0));
  for (const int fd : {file, reader, ends[0], ends[1]}) close(fd);
}

void names_only() {
  mkdir("only", 0755);
  close(make("only/a"));
  const int path = open("only", O_PATH), file = open("only/a", O_PATH);
  char byte;
  SHOW(read(file, &byte, 1));
  SHOW(pread(file, &byte, 1, 0));
  SHOW(write(file, &byte, 1));
  SHOW(pwrite(file, &byte, 1, 0));
  SHOW(lseek(file, 0, SEEK_SET));
  SHOW(ftruncate(file, 0));
  SHOW(fsync(file));
  SHOW(fchmod(file, 0600));
  SHOW(fchown(file, 0, 0));
  SHOW(ioctl(file, FIONREAD, &byte));
  SHOW(syscall(SYS_getdents64, path, &byte, 0));
  SHOW(fcntl(file, F_SETFL, O_APPEND));
  SHOW(fcntl(file, F_GETFD));
  SHOW(fcntl(file, F_GETFL) & O_PATH);
  SHOW(fcntl(file, F_GETOWN));
  SHOW(fallocate(file, 0, 0, 1));
  SHOW(posix_fadvise(file, 0, 0, 0));
  FINE(mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0) == MAP_FAILED ? -1 : 0);
  FINE(openat(path, "a", O_RDONLY));
  FINE(fchdir(path));
  FINE(chdir(".."));
  struct stat s;
  FINE(fstat(file, &s));
  FINE(dup(file));
  FINE(fchmodat(AT_FDCWD, "only/a", 0600, 0));
  symlink("a", "only/link");
  FINE(syscall(452, path, "a", 0640, 0));
  FINE(syscall(452, path, "a", 0640, AT_SYMLINK_NOFOLLOW));
  FINE(syscall(452, path, "link", 0640, AT_SYMLINK_NOFOLLOW));
  FINE(syscall(452, file, "", 0604, AT_EMPTY_PATH));
  FINE(syscall(452, file, "", 0604, 0));
  FINE(syscall(452, path, "a", 0640, 1));
  stat("only/a", &s);
  printf("mode %o\n", s.st_mode);
  close(path), close(file);
}

void old_listing() {
  mkdir("listed", 0755);
  close(make("listed/one"));
  close(make("listed/with_a_longer_name"));
  mkdir("listed/folder", 0755);
  symlink("one", "listed/link");
  const int fd = open("listed", O_RDONLY | O_DIRECTORY);
  std::vector<std::string> names;
  char buffer[128];
  for (long bytes; (bytes = syscall(SYS_getdents, fd, buffer, sizeof buffer)) > 0;)
    for (long at = 0; at < bytes;) {
      unsigned short length;
      memcpy(&length, buffer + at + 16, 2);
      names.push_back(std::string(buffer + at + 18) + ":" + char('0' + buffer[at + length - 1]));
      at += length;
    }
  std::sort(names.begin(), names.end());
  for (const auto& name : names) printf("%s\n", name.c_str());
  SHOW(syscall(SYS_getdents, fd, buffer, sizeof buffer));
  lseek(fd, 0, SEEK_SET);
  SHOW(syscall(SYS_getdents, fd, buffer, 10));
  SHOW(syscall(SYS_getdents, -1, buffer, 10));
  SHOW(syscall(SYS_getdents, 1000, buffer, 10));
  close(fd);
  const int file = open("outside", O_RDONLY);
  SHOW(syscall(SYS_getdents, file, buffer, sizeof buffer));
  close(file);
}

}  // namespace

void file_handles();  // file_handles.cpp
void kernel_aio();    // kernel_aio.cpp

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  const char* wanted = getenv("FILES_IN");
  std::string name = std::string(wanted == nullptr ? "/var/tmp" : wanted) + "/file_callsXXXXXX";
  const char* place = mkdtemp(name.data());
  if (place == nullptr || chdir(place) != 0) return perror(name.c_str()), 1;
  vectors_with_flags();
  restricted_opening();
  without_names();
  splicing();
  large_splice();
  refused_splice();
  ranges();
  names_only();
  old_listing();
  file_handles();
  kernel_aio();
  return system((std::string("rm -r ") + place).c_str());
}
