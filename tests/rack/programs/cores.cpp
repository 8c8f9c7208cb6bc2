// SPDX-License-Identifier: Apache-2.0
// Who leaves a core file and who does not: limits, dumpable, signals, names, threads. Prints what wait says and what is
// in the directory.
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"

namespace {

char pattern_before[256];

void write_text(const char* path, const char* text) {
  const int file = open(path, O_WRONLY | O_TRUNC);
  write(file, text, strlen(text));
  close(file);
}

void limit_core(rlim_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  setrlimit(RLIMIT_CORE, &limit);
}

// What the child left behind, and how it ended.
void report(const char* what, pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  printf("%s: signal %d, core %d", what, WTERMSIG(status), WCOREDUMP(status) != 0);
  char name[64];
  snprintf(name, sizeof name, "core.%d", child);
  struct stat found;
  if (stat(name, &found) == 0) {
    char magic[20] = {};
    const int file = open(name, O_RDONLY);
    read(file, magic, sizeof magic);
    close(file);
    printf(", mode %o, a core file: %d, not small: %d", found.st_mode,
           memcmp(magic, "\177ELF", 4) == 0 && magic[16] == 4, found.st_size > 8192);
    unlink(name);
  } else {
    printf(", no file");
  }
  printf("\n");
  fflush(stdout);
}

template <typename F>
void child(const char* what, F run) {
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    run();
    _exit(0);
  }
  report(what, pid);
}

__attribute__((noinline)) void* crash(void* place) {
  *static_cast<volatile int*>(place) = 1;
  return nullptr;
}
void* spin(void*) {
  for (;;) {
    volatile int x = 0;
    x = x + 1;
  }
}
void* wait_for_ever(void*) {
  for (;;) pause();
}

void crash_with_threads() {
  pthread_t threads[3];
  pthread_create(&threads[0], nullptr, wait_for_ever, nullptr);
  pthread_create(&threads[1], nullptr, spin, nullptr);
  pthread_create(&threads[2], nullptr, crash, nullptr);
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

void show_child_information() {
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) abort();
  siginfo_t information{};
  waitid(P_PID, pid, &information, WEXITED | WNOWAIT);
  printf("si_code %d status %d\n", information.si_code == CLD_DUMPED, information.si_status);
  report("abort", pid);
}

}  // namespace

int main(int count, char** arguments) {
  char folder[] = "/var/tmp/coresXXXXXX";
  mkdtemp(folder);
  chdir(folder);
  const int pattern = open("/proc/sys/kernel/core_pattern", O_RDONLY);
  pattern_before[read(pattern, pattern_before, sizeof pattern_before - 1)] = 0;
  close(pattern);
  write_text("/proc/sys/kernel/core_pattern", "core.%p\n");
  limit_core(0);
  child("no limit set", [] { raise(SIGSEGV); });
  limit_core(RLIM_INFINITY);
  for (const int signal : {SIGQUIT, SIGILL, SIGABRT, SIGFPE, SIGSEGV, SIGBUS, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ,
                           SIGTERM, SIGKILL, SIGUSR1})
    child(strsignal(signal), [signal] { raise(signal); });
  child("a real fault", [] { crash(nullptr); });
  child("threads", crash_with_threads);
  child("not dumpable", [] {
    prctl(PR_SET_DUMPABLE, 0);
    abort();
  });
  child("who changed its user", [] {
    setresuid(1234, 1234, 1234);
    SHOW(prctl(PR_GET_DUMPABLE));
    fflush(stdout);
    abort();
  });
  child("another user's directory", [] {
    setresuid(1234, 1234, 1234);
    prctl(PR_SET_DUMPABLE, 1);
    abort();
  });
  child("a small limit", [] {
    limit_core(4000);
    abort();
  });
  child("cut off", [] {
    limit_core(16384);
    abort();
  });
  show_child_information();
  write_text("/proc/sys/kernel/core_pattern", "named-%s-%e");
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_NAME, "a/b");
    raise(SIGABRT);
  }
  report("by another name", pid);
  SHOW(access("named-6-a!b", F_OK));
  unlink("named-6-a!b");
  write_text("/proc/sys/kernel/core_pattern", pattern_before);
  SHOW(rmdir(folder));
  return 0;
}
