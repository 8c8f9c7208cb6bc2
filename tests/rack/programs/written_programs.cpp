// SPDX-License-Identifier: Apache-2.0
// Programs that were just written, in an empty folder of its own: what was written a moment ago is what execve loads,
// and what runs is not written to.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "show.h"

namespace {

void run(const char* program) {
  const pid_t pid = fork();
  if (pid == 0) {
    execl(program, program, "copy", nullptr);
    printf("%s: %s\n", program, strerrorname_np(errno));
    _exit(99);
  }
  int ended;
  waitpid(pid, &ended, 0);
  printf("%s: status %x\n", program, ended);
}

void programs_just_written() {
  const int self = open("/proc/self/exe", O_RDONLY);
  struct stat s;
  fstat(self, &s);
  const auto size = static_cast<size_t>(s.st_size);
  std::vector<char> bytes(size);
  if (pread(self, bytes.data(), size, 0) != s.st_size) perror("pread");

  const int written = open("written", O_RDWR | O_CREAT, 0755);
  if (write(written, bytes.data(), size) != s.st_size) perror("write");
  close(written);
  run("./written");

  const int copied = open("copied", O_RDWR | O_CREAT, 0755);
  while (copy_file_range(self, nullptr, copied, nullptr, size, 0) > 0) continue;
  close(copied);
  run("./copied");

  const int mapped = open("mapped", O_RDWR | O_CREAT, 0755);
  FINE(ftruncate(mapped, s.st_size));
  void* const place = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
  memcpy(place, bytes.data(), size);
  munmap(place, size);
  close(mapped);
  run("./mapped");

  // While it runs, or could be changed.
  const int open_for_writing = open("copied", O_WRONLY);
  run("./copied");
  close(open_for_writing);
  int started[2];
  pipe(started);
  const pid_t runs = fork();
  if (runs == 0) {
    dup2(started[1], STDOUT_FILENO);
    execl("./copied", "./copied", "copy", "wait", nullptr);
    _exit(99);
  }
  char letter;
  read(started[0], &letter, 1);
  FINE(open("copied", O_WRONLY));
  FINE(open("copied", O_RDWR | O_TRUNC));
  FINE(truncate("copied", 5));
  FINE(open("copied", O_RDONLY));
  FINE(rename("copied", "renamed"));
  FINE(rename("renamed", "copied"));
  kill(runs, SIGKILL);
  int ended;
  waitpid(runs, &ended, 0);
  printf("it ended by signal %d\n", WTERMSIG(ended));
  FINE(open("copied", O_WRONLY));
  close(started[0]), close(started[1]);

  // In place, over a program that has run.
  const int damaged = open("written", O_WRONLY);
  FINE(pwrite(damaged, "not a program", 13, 0));
  close(damaged);
  run("./written");
  close(self);
  for (const char* each : {"written", "copied", "mapped"}) unlink(each);
}

}  // namespace

int main(int count, char**) {
  setvbuf(stdout, nullptr, _IONBF, 0);
  if (count > 1) printf("a copy runs\n");
  if (count > 2) return pause();
  if (count > 1) return 0;
  // On a disk, or where the caller wants it.
  const char* wanted = getenv("FILES_IN");
  std::string name = std::string(wanted == nullptr ? "/var/tmp" : wanted) + "/programsXXXXXX";
  const char* place = mkdtemp(name.data());
  if (place == nullptr || chdir(place) != 0) return perror(name.c_str()), 1;
  programs_just_written();
  return system((std::string("rm -r ") + place).c_str());
}
