// SPDX-License-Identifier: Apache-2.0
// Makes something and ends it, COUNT times: `made_and_ended WHAT COUNT`. What is left afterwards is looked at from
// outside, in the counters of the components.
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

static bool wait_for(pid_t child) {
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool process(int) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  return wait_for(child);
}

static bool executed(int) {
  const char* words[] = {"/proc/self/exe", "nothing", "0", nullptr};
  pid_t child = 0;
  return posix_spawn(&child, words[0], nullptr, nullptr, const_cast<char**>(words), environ) == 0 && wait_for(child);
}

// Ends with everything open, mapped, pending and running that the others close.
static bool untidy(int);

static bool thread(int) {
  pthread_t made;
  return pthread_create(
             &made, nullptr, [](void* argument) { return argument; }, nullptr) == 0 &&
         pthread_join(made, nullptr) == 0;
}

static bool file(int number) {
  char name[32];
  snprintf(name, sizeof name, "/var/tmp/made.%d", number % 7);
  const int made = open(name, O_RDWR | O_CREAT, 0644);
  bool good = made >= 0 && write(made, name, sizeof name) == sizeof name;
  if (number % 3 == 0) good = good && rename(name, "/var/tmp/made") == 0;
  if (number % 5 == 0) good = good && fsync(made) == 0;
  good = good && close(made) == 0;
  return good && unlink(number % 3 == 0 ? "/var/tmp/made" : name) == 0;
}

static bool open_things() {
  int ends[2], master, slave;
  if (pipe(ends) != 0 || write(ends[1], "bytes", 5) != 5) return false;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || write(ends[1], "bytes", 5) != 5) return false;
  if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0 || write(master, "bytes", 5) != 5) return false;
  const int poll = epoll_create1(0), memory = memfd_create("m", 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
  epoll_event event = {EPOLLIN, {}};
  for (const int each : {ends[0], master, timer, eventfd(1, 0)})
    if (epoll_ctl(poll, EPOLL_CTL_ADD, each, &event) != 0) return false;
  return write(memory, "bytes", 5) == 5 && socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool descriptors(int) {
  if (!open_things()) return false;
  return close_range(3, ~0u, 0) == 0;
}

// A call of two descriptors, the second of which is refused, keeps nothing of the first.
static bool refusals(int) {
  const int text = open("/proc/self/stat", O_RDONLY), set = epoll_create1(0);
  epoll_event event = {EPOLLIN, {}};
  const bool refused = splice(text, nullptr, -1, nullptr, 1, 0) < 0 && tee(text, -1, 1, 0) < 0 &&
                       sendfile(text, -1, nullptr, 1) < 0 && sendfile(-1, text, nullptr, 1) < 0 &&
                       copy_file_range(text, nullptr, -1, nullptr, 1, 0) < 0 && dup2(text, -1) < 0 &&
                       epoll_ctl(set, EPOLL_CTL_ADD, -1, &event) < 0;
  return refused && close(text) == 0 && close(set) == 0;
}

static bool mapping(int number) {
  const bool shared = number % 2 == 0;
  char* memory = static_cast<char*>(
      mmap(nullptr, 16 << 12, PROT_READ | PROT_WRITE, (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0));
  for (int page = 0; page < 16; ++page) memory[page << 12] = 1;
  mprotect(memory + (4 << 12), 4 << 12, PROT_READ);
  return munmap(memory, 16 << 12) == 0;
}

static bool signals(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  if (sigqueue(getpid(), SIGRTMIN + 3, {.sival_int = number}) != 0) return false;
  timer_t timer;
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN + 3;
  const itimerspec soon = {{0, 0}, {100, 0}};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &soon, nullptr) != 0) return false;
  siginfo_t information;
  return sigwaitinfo(&set, &information) == SIGRTMIN + 3 && information.si_value.sival_int == number &&
         timer_delete(timer) == 0;
}

static bool untidy(int number) {
  const pid_t child = fork();
  if (child != 0) return wait_for(child);
  bool good = open_things();
  mmap(nullptr, 16 << 12, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  const int made = open("/var/tmp/untidy", O_RDWR | O_CREAT, 0644);
  good = good && write(made, "bytes", 5) == 5 && unlink("/var/tmp/untidy") == 0;
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  good = good && sigqueue(getpid(), SIGRTMIN + 3, {.sival_int = number}) == 0;
  timer_t timer;
  good = good && timer_create(CLOCK_MONOTONIC, nullptr, &timer) == 0;
  pthread_t sleeping;
  good = good && pthread_create(
                     &sleeping, nullptr, [](void*) -> void* { return pause(), nullptr; }, nullptr) == 0;
  _exit(good ? 0 : 1);
}

static const struct {
  const char* name;
  bool (*make)(int number);
} kinds[] = {{"processes", process}, {"programs", executed},       {"threads", thread},
             {"files", file},        {"descriptors", descriptors}, {"refusals", refusals},
             {"mappings", mapping},  {"signals", signals},         {"untidy", untidy}};

int main(int count, char** words) {
  if (count != 3) return 2;
  const int times = atoi(words[2]);
  for (const auto& kind : kinds) {
    if (strcmp(words[1], kind.name) != 0 && strcmp(words[1], "all") != 0) continue;
    for (int i = 0; i < times; ++i)
      if (!kind.make(i)) return printf("%s: %d was refused\n", kind.name, i), 1;
    printf("%d %s\n", times, kind.name);
  }
  return 0;
}
