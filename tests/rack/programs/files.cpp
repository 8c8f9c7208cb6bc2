// SPDX-License-Identifier: Apache-2.0
// File-system calls and their error codes, in an empty folder of its own.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include <algorithm>
#include <string>
#include <vector>

#include "show.h"

namespace {

int make(const char* name, const char* text = "", int mode = 0644) {
  const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, mode);
  if (write(fd, text, strlen(text)) < 0) perror(name);
  return fd;
}
void status(const char* name) {
  struct stat s;
  if (lstat(name, &s) == -1) {
    printf("%s: %s\n", name, strerrorname_np(errno));
    return;
  }
  printf("%s: mode %o links %ld size %ld uid %d gid %d\n", name, s.st_mode, (long)s.st_nlink,
         S_ISDIR(s.st_mode) ? 0l : (long)s.st_size, s.st_uid, s.st_gid);
}
void list(const char* name) {
  std::vector<std::string> names;
  DIR* folder = opendir(name);
  while (const dirent* entry = readdir(folder))
    names.push_back(entry->d_name + std::string(":") + char('0' + entry->d_type));
  closedir(folder);
  std::sort(names.begin(), names.end());
  printf("%s has", name);
  for (const auto& entry : names) printf(" %s", entry.c_str());
  printf("\n");
}

void opening() {
  close(make("file", "hello"));
  SHOW(open("missing", O_RDONLY));
  SHOW(open("file/below", O_RDONLY));
  SHOW(open("file", O_RDONLY | O_CREAT | O_EXCL, 0600));
  SHOW(open("file", O_RDONLY | O_DIRECTORY));
  SHOW(open(".", O_WRONLY));
  SHOW(open("", O_RDONLY));
  SHOW(open((const char*)8, O_RDONLY));
  SHOW(open(std::string(300, 'x').c_str(), O_RDONLY | O_CREAT, 0600));
  SHOW(open((std::string(5000, '/') + "x").c_str(), O_RDONLY));
  SHOW(open("file/", O_RDONLY));
  SHOW(open("new/", O_RDONLY | O_CREAT, 0600));
  SHOW(openat(99, "file", O_RDONLY));
  const int file = open("file", O_RDONLY);
  SHOW(openat(file, "x", O_RDONLY));
  SHOW(write(file, "x", 1));
  SHOW(fchdir(file));
  SHOW(ftruncate(file, 2));
  SHOW(fcntl(file, F_GETFL) & O_ACCMODE);
  SHOW(fcntl(file, F_GETFD));
  SHOW(fcntl(file, F_SETFD, FD_CLOEXEC));
  SHOW(fcntl(file, F_GETFD));
  SHOW(fcntl(file, F_DUPFD, 50));
  SHOW(fcntl(50, F_GETFD));
  SHOW(fcntl(file, F_DUPFD, 5000000));
  SHOW(dup2(file, 60));
  SHOW(dup2(60, 60));
  SHOW(dup2(99, 60));
  SHOW(dup3(file, file, 0));
  SHOW(fcntl(file, 9999));
  close(50), close(60), close(file);
  SHOW(close(file));
  SHOW(read(file, nullptr, 0));
  const int path = open("file", O_PATH);
  char byte;
  SHOW(read(path, &byte, 1));
  close(path);
}

void reading_and_writing() {
  const int fd = make("data", "0123456789");
  char text[32] = {};
  SHOW(lseek(fd, 3, SEEK_SET));
  SHOW(read(fd, text, 4));
  printf("%.4s\n", text);
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(lseek(fd, -2, SEEK_END));
  SHOW(read(fd, text, 10));
  SHOW(read(fd, text, 10));
  SHOW(lseek(fd, -1, SEEK_SET));
  SHOW(lseek(fd, 0, 77));
  SHOW(pread(fd, text, 3, 5));
  SHOW(pread(fd, text, 3, -1));
  SHOW(pwrite(fd, "AB", 2, 20));
  SHOW(lseek(fd, 0, SEEK_END));
  SHOW(pread(fd, text, 12, 10));
  for (int i = 0; i < 12; ++i) printf("%d ", text[i]);
  printf("\n");
  SHOW(read(fd, (void*)16, 5) == -1 && lseek(fd, 0, SEEK_SET) == 0 ? read(fd, (void*)16, 5) : -2);
  SHOW(write(fd, (void*)16, 5));
  iovec parts[3] = {{text, 2}, {text + 10, 3}, {text + 20, 0}};
  SHOW(readv(fd, parts, 3));
  SHOW(writev(fd, parts, 3));
  SHOW(writev(fd, parts, -1));
  SHOW(ftruncate(fd, 5));
  SHOW(ftruncate(fd, -5));
  SHOW(lseek(fd, 100000, SEEK_SET));
  SHOW(write(fd, "end", 3));
  SHOW(lseek(fd, 0, SEEK_DATA) >= 0);
  SHOW(lseek(fd, 200000, SEEK_DATA));
  status("data");
  const int append = open("data", O_WRONLY | O_APPEND);
  SHOW(lseek(append, 0, SEEK_SET));
  SHOW(write(append, "more", 4));
  SHOW(lseek(append, 0, SEEK_CUR));
  SHOW(fallocate(fd, 0, 0, 200000));
  status("data");
  SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  SHOW(truncate("data", 3));
  SHOW(truncate("missing", 3));
  SHOW(truncate(".", 3));
  const int copy = make("copy");
  SHOW(sendfile(copy, fd, nullptr, 10));
  off_t from = 0;
  SHOW(sendfile(copy, fd, &from, 10));
  loff_t in = 0, out = 1;
  SHOW(copy_file_range(fd, &in, copy, &out, 3, 0));
  status("copy");
  for (const off_t position : std::initializer_list<off_t>{1, 1000, off_t{-1} + (off_t{1} << 32)}) {
    int waiting = 0;
    lseek(fd, position, SEEK_SET);
    SHOW(ioctl(fd, FIONREAD, &waiting));
    printf("%d waiting\n", waiting);
  }
  SHOW(ioctl(fd, TCGETS, text));
  SHOW(isatty(fd));
  close(fd), close(append), close(copy);
}

void names() {
  SHOW(mkdir("folder", 0755));
  SHOW(mkdir("folder", 0755));
  SHOW(mkdir("file/x", 0755));
  SHOW(mkdir("missing/x", 0755));
  close(make("folder/inside", "x"));
  SHOW(rmdir("folder"));
  SHOW(rmdir("file"));
  SHOW(rmdir("folder/."));
  SHOW(unlink("folder"));
  SHOW(unlink("missing"));
  SHOW(link("file", "second"));
  SHOW(link("file", "second"));
  SHOW(link("folder", "folder2"));
  status("file");
  SHOW(symlink("file", "sym"));
  SHOW(symlink("loop2", "loop1"));
  SHOW(symlink("loop1", "loop2"));
  SHOW(symlink("", "empty"));
  SHOW(open("loop1", O_RDONLY));
  SHOW(open("sym", O_RDONLY | O_NOFOLLOW));
  char text[PATH_MAX] = {};
  SHOW(readlink("sym", text, sizeof text));
  SHOW(readlink("sym", text, 2));
  SHOW(readlink("file", text, sizeof text));
  SHOW(readlink("sym", text, 0));
  SHOW(readlink("", text, sizeof text));
  status("sym");
  SHOW(rename("second", "third"));
  SHOW(rename("missing", "x"));
  SHOW(rename("file", "folder"));
  SHOW(rename("folder", "file"));
  SHOW(rename("folder", "folder/inside/x"));
  SHOW(rename("folder", "folder/x"));
  SHOW(mkdir("folder3", 0700));
  SHOW(rename("folder", "folder3"));
  SHOW(renameat2(AT_FDCWD, "file", AT_FDCWD, "third", RENAME_NOREPLACE));
  SHOW(renameat2(AT_FDCWD, "file", AT_FDCWD, "folder3", RENAME_EXCHANGE));
  status("file"), status("folder3");
  SHOW(renameat2(AT_FDCWD, "file", AT_FDCWD, "folder3", RENAME_EXCHANGE));
  list("."), list("folder3");
  SHOW(access("file", R_OK | W_OK));
  SHOW(access("file", X_OK));
  SHOW(access("missing", F_OK));
  SHOW(access("file", 99));
  SHOW(chdir("folder3"));
  printf("%s\n", strrchr(getcwd(text, sizeof text), '/'));
  SHOW(getcwd(text, 2) == nullptr ? -1 : 0);
  SHOW(chdir(".."));
  SHOW(chdir("file"));
  SHOW(mkfifo("fifo", 0600));
  SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
  status("fifo");
  SHOW(mknod("plain", S_IFREG | 0640, 0));
  status("plain");
}

void attributes() {
  umask(027);
  close(make("masked", "", 0666));
  status("masked");
  umask(022);
  SHOW(chmod("masked", 04755));
  status("masked");
  SHOW(chmod("missing", 0));
  SHOW(fchmodat(AT_FDCWD, "masked", 0600, 99));
  SHOW(chown("masked", 5, 6));
  status("masked");
  SHOW(lchown("sym", 7, -1));
  status("sym");
  struct stat s;
  SHOW(fstatat(AT_FDCWD, "sym", &s, 0));
  SHOW(fstatat(AT_FDCWD, "", &s, 0));
  SHOW(fstatat(AT_FDCWD, "sym", &s, 12345));
  SHOW(stat("file", (struct stat*)8));
  const timespec times[2] = {{1000, 5}, {2000, 7}};
  SHOW(utimensat(AT_FDCWD, "file", times, 0));
  stat("file", &s);
  printf("times %ld.%ld %ld.%ld\n", s.st_atim.tv_sec, s.st_atim.tv_nsec, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  const timespec odd[2] = {{0, UTIME_OMIT}, {0, 2'000'000'000}};
  SHOW(utimensat(AT_FDCWD, "file", odd, 0));
  struct statvfs volume;
  SHOW(statvfs(".", &volume));
  printf("names up to %lu\n", volume.f_namemax);
}

// What another process is told of our locks: pieces that touch are one, the first in the way is named.
void lock_ranges(int fd) {
  struct Step {
    short kind;
    long start, length;
  };
  for (const Step& step : {Step{F_WRLCK, 20, 10},
                           {F_WRLCK, 5, 5},
                           {F_RDLCK, 1, 4},
                           {F_WRLCK, 10, 10},
                           {F_UNLCK, 12, 3},
                           {F_RDLCK, 25, 2},
                           {F_RDLCK, 0, 0}}) {
    struct flock range {
      .l_type = step.kind, .l_whence = SEEK_SET, .l_start = step.start, .l_len = step.length, .l_pid = 0
    };
    SHOW(fcntl(fd, F_SETLK, &range));
    const pid_t pid = fork();
    if (pid == 0) {
      for (long at = 0; at < 40;) {
        struct flock seen {
          .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 0, .l_pid = 0
        };
        fcntl(fd, F_GETLK, &seen);
        if (seen.l_type == F_UNLCK) break;
        printf(" %s %ld+%ld", seen.l_type == F_RDLCK ? "shared" : "exclusive", (long)seen.l_start, (long)seen.l_len);
        if (seen.l_len == 0) break;
        at = seen.l_start + seen.l_len;
      }
      printf("\n");
      _exit(0);
    }
    int ended;
    waitpid(pid, &ended, 0);
  }
}

void locks() {
  const int one = open("file", O_RDWR), two = open("file", O_RDWR);
  SHOW(flock(one, LOCK_EX));
  SHOW(flock(two, LOCK_EX | LOCK_NB));
  SHOW(flock(one, LOCK_UN));
  SHOW(flock(two, LOCK_SH | LOCK_NB));
  struct flock range {
    .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 3, .l_pid = 0
  };
  SHOW(fcntl(one, F_SETLK, &range));
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    struct flock other {
      .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3, .l_pid = 0
    };
    SHOW(fcntl(one, F_SETLK, &other));
    SHOW(fcntl(one, F_GETLK, &other));
    printf("held from %ld, by the parent %d\n", (long)other.l_start, other.l_pid == getppid());
    other = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 3, .l_pid = 0};
    SHOW(fcntl(one, F_SETLK, &other));
    fflush(stdout);
    _exit(0);
  }
  int ended;
  waitpid(pid, &ended, 0);
  lock_ranges(one);
  close(one), close(two);
}

void open_and_unlinked() {
  const int fd = make("gone", "still here");
  SHOW(unlink("gone"));
  status("gone");
  char text[32] = {};
  SHOW(pread(fd, text, 32, 0));
  printf("%s\n", text);
  struct stat s;
  fstat(fd, &s);
  printf("links %ld\n", (long)s.st_nlink);
  const int kept = make("target", "old");
  close(make("source", "new!"));
  SHOW(rename("source", "target"));
  SHOW(pread(kept, text, 32, 0));
  const int now = open("target", O_RDONLY);
  SHOW(pread(now, text, 32, 0));
  close(fd), close(kept), close(now);
}

void many() {
  SHOW(mkdir("many", 0755));
  chdir("many");
  for (int i = 0; i < 400; ++i) close(open(("entry" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY, 0600));
  int seen = 0;
  DIR* folder = opendir(".");
  while (readdir(folder) != nullptr) ++seen;
  rewinddir(folder);
  int again = 0;
  while (const dirent* entry = readdir(folder)) {
    ++again;
    if (entry->d_name[0] == 'e') unlink(entry->d_name);
  }
  closedir(folder);
  printf("%d entries, %d while unlinking\n", seen, again);
  list(".");
  chdir("..");
  SHOW(rmdir("many"));
}

// What can be done where no name is left.
void in_a_removed_folder() {
  SHOW(mkdir("leaving", 0755));
  const int home = open(".", O_RDONLY);
  chdir("leaving");
  SHOW(rmdir("../leaving"));
  SHOW(open("inside", O_CREAT | O_WRONLY, 0600));
  SHOW(mkdir("inside", 0755));
  SHOW(symlink("target", "inside"));
  SHOW(link("/proc/self/exe", "inside"));
  SHOW(unlink("inside"));
  SHOW(access("inside", F_OK));
  SHOW(rename("inside", "other"));
  fchdir(home), close(home);
  const int gone = make("nameless");
  unlink("nameless");
  SHOW(linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(gone)).c_str(), AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  close(gone);
}

// memfd_create: files without names, and their seals.
void memory_files() {
  const int plain = memfd_create("plain", MFD_CLOEXEC);
  printf("%d flags %x\n", plain >= 0, fcntl(plain, F_GETFD));
  char link[64] = {};
  readlink(("/proc/self/fd/" + std::to_string(plain)).c_str(), link, sizeof link - 1);
  puts(link);
  struct stat status;
  fstat(plain, &status);
  printf("mode %o links %ld bytes %ld\n", status.st_mode, static_cast<long>(status.st_nlink),
         static_cast<long>(status.st_size));
  SHOW(fcntl(plain, F_GET_SEALS));
  SHOW(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW));
  SHOW(write(plain, "hello", 5));
  SHOW(ftruncate(plain, 8192));
  char* memory = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, plain, 0));
  memory[5000] = 'x';
  char byte = 0;
  SHOW(pread(plain, &byte, 1, 5000));
  printf("%c %.5s\n", byte, memory);
  munmap(memory, 8192);

  const int sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
  SHOW(fcntl(sealed, F_GET_SEALS));
  SHOW(write(sealed, "0123456789", 10));
  SHOW(fcntl(sealed, F_ADD_SEALS, 64));
  SHOW(fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW));
  SHOW(pwrite(sealed, "x", 1, 10));
  SHOW(pwrite(sealed, "x", 1, 9));
  SHOW(ftruncate(sealed, 20));
  SHOW(ftruncate(sealed, 5));
  SHOW(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE));
  SHOW(pwrite(sealed, "x", 1, 0));
  SHOW(ftruncate(sealed, 1));
  FINE(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, sealed, 0) == MAP_FAILED ? -1 : 0);
  void* only_read = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, sealed, 0);
  FINE(only_read == MAP_FAILED ? -1 : 0);
  SHOW(mprotect(only_read, 4096, PROT_READ | PROT_WRITE));
  munmap(only_read, 4096);
  FINE(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, sealed, 0) == MAP_FAILED ? -1 : 0);
  SHOW(fcntl(sealed, F_ADD_SEALS, F_SEAL_SEAL));
  SHOW(fcntl(sealed, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
  SHOW(fcntl(sealed, F_GET_SEALS));
  SHOW(memfd_create("x", 0x8000));
  SHOW(memfd_create(std::string(250, 'n').c_str(), 0));
  FINE(memfd_create(std::string(249, 'n').c_str(), 0));
  close(plain), close(sealed);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  // On a disk, or where the caller wants it.
  const char* wanted = getenv("FILES_IN");
  std::string name = std::string(wanted == nullptr ? "/var/tmp" : wanted) + "/filesXXXXXX";
  const char* place = mkdtemp(name.data());
  if (place == nullptr || chdir(place) != 0) return perror(name.c_str()), 1;
  opening();
  reading_and_writing();
  names();
  attributes();
  locks();
  open_and_unlinked();
  many();
  in_a_removed_folder();
  memory_files();
  for (const char* user : {"root", "other"}) {
    const pid_t pid = fork();
    if (pid == 0) {
      if (user[0] == 'o' && (setgid(1000) != 0 || setuid(1000) != 0)) perror("setuid");
      printf("as %s\n", user);
      SHOW(access("masked", R_OK));
      FINE(open("masked", O_RDONLY));
      SHOW(chmod("masked", 0777));
      SHOW(unlink("file"));
      SHOW(mkdir("denied", 0777));
      SHOW(setuid(0));
      _exit(0);
    }
    int ended;
    waitpid(pid, &ended, 0);
  }
  return system((std::string("rm -r ") + place).c_str());
}
