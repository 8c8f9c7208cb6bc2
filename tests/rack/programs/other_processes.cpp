// SPDX-License-Identifier: Apache-2.0
// What /proc tells of another process: its strings, places, files, memory, locks; and what it does not tell a stranger.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "show.h"

namespace {

volatile int word = 17;
int ready[2], leave[2];

std::string path_of(pid_t pid, const char* name) { return "/proc/" + std::to_string(pid) + "/" + name; }

std::string text_of(pid_t pid, const char* name) {
  const int file = open(path_of(pid, name).c_str(), O_RDONLY);
  if (file < 0) return strerrorname_np(errno);
  std::string text;
  char piece[4096];
  for (ssize_t got; (got = read(file, piece, sizeof piece)) > 0;) text.append(piece, static_cast<size_t>(got));
  close(file);
  return text;
}

// The rest of the first line that begins so.
std::string line_of(const std::string& text, const std::string& start) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    if (line.compare(0, start.size(), start) == 0) return line;
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return start + " is not there";
}

std::string link_of(pid_t pid, const char* name) {
  char text[512] = {};
  if (readlink(path_of(pid, name).c_str(), text, sizeof text - 1) < 0) return strerrorname_np(errno);
  return text;
}

// The other one: a program with arguments, an environment, a directory, files and locks of its own.
int be_looked_at() {
  chdir("/dev");
  umask(027);
  close(ready[0]);
  const int file = open("/var/tmp/other_processes", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0600);
  dup2(file, 40);
  write(40, "12345", 5);
  flock(40, LOCK_EX);
  const char* name = getenv("WRITE_TO");
  word = 23;
  uintptr_t address = reinterpret_cast<uintptr_t>(&word);
  write(atoi(name), &address, sizeof address);
  pause();
  return 0;
}

pid_t start(const char* self, uintptr_t* address) {
  pipe(ready);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const std::string where = "WRITE_TO=" + std::to_string(ready[1]);
    char first[] = "other program", second[] = "with an argument", third[] = "";
    char* arguments[] = {first, second, third, nullptr};
    char* environment[] = {const_cast<char*>("NAME=value"), const_cast<char*>(where.c_str()), nullptr};
    execve(self, arguments, environment);
    _exit(1);
  }
  read(ready[0], address, sizeof *address);
  while (text_of(child, "stat").find(") S ") == std::string::npos) usleep(1000);
  return child;
}

void texts(pid_t pid) {
  printf("# texts\n");
  std::string text = text_of(pid, "cmdline");
  for (char& c : text)
    if (c == 0) c = '|';
  printf("cmdline %s\n", text.c_str());
  printf("environ %s\n", text_of(pid, "environ").c_str());  // the first
  printf("comm %s", text_of(pid, "comm").c_str());
  const std::string status = text_of(pid, "status");
  for (const char* each : {"Name:", "Umask:", "State:", "TracerPid:", "Uid:", "Gid:", "Threads:", "NoNewPrivs:"})
    puts(line_of(status, each).c_str());
  printf("limits %s\n", line_of(text_of(pid, "limits"), "Max open files").substr(0, 20).c_str());
  printf("auxv is whole: %d\n", text_of(pid, "auxv").size() % 16 == 0 && !text_of(pid, "auxv").empty());
  const std::string stat = text_of(pid, "stat");
  printf("stat %d\n", atoi(stat.c_str()) == pid && stat.find("(exe) S ") != std::string::npos);
}

void places(pid_t pid) {
  printf("# places\n");
  printf("cwd %s, root %s, exe is this: %d\n", link_of(pid, "cwd").c_str(), link_of(pid, "root").c_str(),
         link_of(pid, "exe") == link_of(getpid(), "exe"));
  struct stat one {
  }, other{};
  SHOW(stat(path_of(pid, "exe").c_str(), &one));
  stat("/proc/self/exe", &other);
  printf("the same file: %d\n", one.st_ino == other.st_ino && one.st_dev == other.st_dev);
  SHOW(stat(path_of(pid, "").c_str(), &one));
  printf("mode %o, uid %d\n", one.st_mode, one.st_uid);
}

void files(pid_t pid) {
  printf("# files\n");
  printf("fd %s\n", link_of(pid, "fd/40").c_str());
  struct stat one {};
  SHOW(lstat(path_of(pid, "fd/40").c_str(), &one));
  printf("mode %o\n", one.st_mode);
  SHOW(lstat(path_of(pid, "fd/400").c_str(), &one));
  char bytes[8] = {};
  const int again = open(path_of(pid, "fd/40").c_str(), O_RDONLY);
  SHOW(read(again, bytes, 7));
  printf("through it: %s\n", bytes);
  close(again);
  const std::string text = text_of(pid, "fdinfo/40");
  printf("%s, %s\n", line_of(text, "pos:").c_str(), line_of(text, "flags:").c_str());
  SHOW(access(path_of(pid, "fdinfo/400").c_str(), F_OK));
  int count = 0;
  DIR* folder = opendir(path_of(pid, "fd").c_str());
  while (const dirent* entry = readdir(folder)) count += strcmp(entry->d_name, "40") == 0;
  closedir(folder);
  printf("listed: %d\n", count);
  const std::string locks = text_of(pid, "../locks"), mine = " " + std::to_string(pid) + " ";
  const size_t at = locks.find(mine);
  printf("lock: %s\n", at == std::string::npos ? "none" : locks.substr(at - 23, 23).c_str());
}

void memory(pid_t pid, uintptr_t address) {
  printf("# memory\n");
  const int file = open(path_of(pid, "mem").c_str(), O_RDWR);
  int value = 0;
  SHOW(pread(file, &value, sizeof value, static_cast<off_t>(address)));
  printf("value %d\n", value);
  value = 99;
  SHOW(pwrite(file, &value, sizeof value, static_cast<off_t>(address)));
  SHOW(pread(file, &value, sizeof value, 8));
  iovec here{&value, sizeof value}, there{reinterpret_cast<void*>(address), sizeof value};
  value = 0;
  SHOW(process_vm_readv(pid, &here, 1, &there, 1, 0));
  printf("value %d, mine %d\n", value, word);
  SHOW(lseek(file, 10, SEEK_END));
  close(file);
  const std::string maps = text_of(pid, "maps"), smaps = text_of(pid, "smaps");
  char own[512] = {};
  readlink("/proc/self/exe", own, sizeof own - 1);
  printf("maps name the program: %d, stack: %d, heap: %d\n", maps.find(own) != std::string::npos,
         maps.find("[stack]") != std::string::npos, maps.find("[heap]") != std::string::npos);
  printf("%.4s %.4s %.4s\n", line_of(smaps, "Rss:").c_str(), line_of(smaps, "Pss:").c_str(),
         line_of(smaps, "VmFl").c_str());
  printf("%.4s\n", line_of(text_of(pid, "smaps_rollup"), "Rss:").c_str());
}

// Of a stranger.
void strangers(pid_t pid) {
  printf("# strangers\n");
  fflush(stdout);
  const pid_t other = fork();
  if (other != 0) {
    waitpid(other, nullptr, 0);
    return;
  }
  setgid(65534);
  setuid(65534);
  for (const char* name : {"environ", "maps", "smaps", "auxv", "mem"})
    printf("%s: %s\n", name, text_of(pid, name).c_str());
  for (const char* name : {"exe", "cwd", "root", "fd/40"}) printf("%s: %s\n", name, link_of(pid, name).c_str());
  SHOW(opendir(path_of(pid, "fd").c_str()) == nullptr ? -1 : 0);
  printf("cmdline %zu, comm %s", text_of(pid, "cmdline").size(), text_of(pid, "comm").c_str());
  printf("stat %d, status %d\n", text_of(pid, "stat").size() > 20, text_of(pid, "status").size() > 20);
  fflush(stdout);
  _exit(0);
}

void ends(pid_t pid) {
  printf("# the end\n");
  const int file = open(path_of(pid, "mem").c_str(), O_RDONLY);
  kill(pid, SIGKILL);
  siginfo_t information;
  waitid(P_PID, pid, &information, WEXITED | WNOWAIT);
  char bytes[4];
  printf("memory: %zd\n", pread(file, bytes, sizeof bytes, 4096));
  printf("cmdline %zu, maps %zu\n", text_of(pid, "cmdline").size(), text_of(pid, "maps").size());
  printf("%s, exe %s\n", line_of(text_of(pid, "status"), "State:").c_str(), link_of(pid, "exe").c_str());
  waitpid(pid, nullptr, 0);
  printf("%s\n", text_of(pid, "cmdline").c_str());
  SHOW(access(path_of(pid, "").c_str(), F_OK));
}

}  // namespace

int main(int, char** arguments) {
  setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  if (strcmp(arguments[0], "other program") == 0) return be_looked_at();
  uintptr_t address = 0;
  const pid_t pid = start("/proc/self/exe", &address);
  texts(pid);
  places(pid);
  files(pid);
  memory(pid, address);
  strangers(pid);
  ends(pid);
  unlink("/var/tmp/other_processes");
  return 0;
}
