// SPDX-License-Identifier: Apache-2.0
// Threads as /proc shows them: their directories, names, states and numbers; names that are written.
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "show.h"

namespace {

std::atomic<int> tids[2];
std::atomic<bool> leave{false};
int pipe_ends[2];

void* thread(void* number) {
  const auto me = reinterpret_cast<uintptr_t>(number);
  prctl(PR_SET_NAME, me == 0 ? "first" : "second");
  tids[me] = static_cast<int>(syscall(SYS_gettid));
  char byte;
  read(pipe_ends[0], &byte, 1);
  return nullptr;
}

int count_threads() {
  DIR* folder = opendir("/proc/self/task");
  int count = 0;
  while (const dirent* entry = readdir(folder)) count += atoi(entry->d_name) > 0;
  closedir(folder);
  return count;
}

size_t read_file(const char* path, char* text, size_t bytes) {
  const int file = open(path, O_RDONLY);
  const ssize_t got = file < 0 ? 0 : read(file, text, bytes - 1);
  text[got < 0 ? 0 : got] = 0;
  if (file >= 0) close(file);
  return static_cast<size_t>(got < 0 ? 0 : got);
}

// "Name", "Tgid", "Pid", "Threads" of status, with numbers told as whose they are.
void show_status(const char* path, int tid) {
  char text[8192];
  read_file(path, text, sizeof text);
  for (char* line = strtok(text, "\n"); line != nullptr; line = strtok(nullptr, "\n")) {
    if (strncmp(line, "Name:", 5) == 0 || strncmp(line, "Threads:", 8) == 0 || strncmp(line, "State:", 6) == 0)
      puts(line);
    if (strncmp(line, "Tgid:", 5) == 0) printf("Tgid is the process: %d\n", atoi(line + 5) == getpid());
    if (strncmp(line, "Pid:", 4) == 0) printf("Pid is the thread: %d\n", atoi(line + 4) == tid);
  }
}

void show_thread(int tid) {
  char path[128], text[1024];
  snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
  show_status(path, tid);
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  read_file(path, text, sizeof text);
  printf("stat begins with it: %d\n", atoi(text) == tid);
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
  read_file(path, text, sizeof text);
  printf("comm %s", text);
  snprintf(path, sizeof path, "/proc/%d/task", tid);
  SHOW(access(path, F_OK));
  snprintf(path, sizeof path, "/proc/self/task/%d/task", tid);
  SHOW(access(path, F_OK));
}

void rename_thread(int tid, const char* name) {
  char path[128], text[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
  const int file = open(path, O_WRONLY);
  printf("written: %zd\n", write(file, name, strlen(name)));
  close(file);
  read_file(path, text, sizeof text);
  printf("comm %s", text);
}

}  // namespace

int main() {
  pipe(pipe_ends);
  printf("threads %d\n", count_threads());
  pthread_t threads[2];
  for (uintptr_t i = 0; i < 2; ++i) pthread_create(&threads[i], nullptr, thread, reinterpret_cast<void*>(i));
  // Asleep in their read when the first shows so.
  for (const std::atomic<int>& tid : tids) {
    char path[128], text[1024] = "";
    do {
      sched_yield();
      if (tid == 0) continue;
      snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid.load());
      read_file(path, text, sizeof text);
    } while (strstr(text, ") S ") == nullptr);
  }
  printf("threads %d\n", count_threads());
  for (const std::atomic<int>& tid : tids) show_thread(tid);
  rename_thread(tids[1], "renamed");
  rename_thread(tids[1], "a name that is too long\n");
  rename_thread(getpid(), "leader\n");
  char name[17] = {};
  prctl(PR_GET_NAME, name);
  printf("own name %s\n", name);
  SHOW(access("/proc/self/task/1", F_OK));
  SHOW(access("/proc/self/task/self", F_OK));
  write(pipe_ends[1], "xx", 2);
  for (pthread_t each : threads) pthread_join(each, nullptr);
  return 0;
}
