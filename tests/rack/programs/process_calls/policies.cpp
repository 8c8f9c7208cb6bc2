// SPDX-License-Identifier: Apache-2.0
// Scheduling policies, priorities and nice values: what can be set, by whom, and what children get. And personality.
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../show.h"
#include "parts.h"

namespace {

struct Attributes {
  unsigned size, policy;
  unsigned long long flags;
  int nice;
  unsigned priority;
  unsigned long long runtime, deadline, period;
};

int set_policy(int policy, int priority, pid_t pid = 0) {
  const sched_param parameters{priority};
  return syscall(SYS_sched_setscheduler, pid, policy, &parameters);
}
int set_attributes(const Attributes& attributes, unsigned flags = 0) {
  return syscall(SYS_sched_setattr, 0, &attributes, flags);
}

void show_state(const char* what) {
  sched_param parameters{-1};
  const int policy = syscall(SYS_sched_getscheduler, 0);
  syscall(SYS_sched_getparam, 0, &parameters);
  Attributes attributes{};
  const long got = syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0);
  printf("%s: policy %x priority %d; %ld: %u %u %llx %d %u %llu %llu %llu\n", what, policy, parameters.sched_priority,
         got, attributes.size, attributes.policy, attributes.flags, attributes.nice, attributes.priority,
         attributes.policy == 6 ? attributes.runtime : 0, attributes.deadline, attributes.period);
}

void setting() {
  show_state("first");
  SHOW(set_policy(SCHED_FIFO, 5));
  show_state("fifo");
  timespec slice{9, 9};
  SHOW(sched_rr_get_interval(0, &slice));
  printf("%ld %ld\n", slice.tv_sec, slice.tv_nsec);
  SHOW(set_policy(SCHED_RR, 99));
  SHOW(set_policy(SCHED_RR, 100));
  SHOW(set_policy(SCHED_RR, 0));
  SHOW(set_policy(SCHED_OTHER, 1));
  SHOW(set_policy(4, 0));
  SHOW(set_policy(-1, 0));
  SHOW(set_policy(SCHED_OTHER, 0, 0x3fffff));
  SHOW(set_policy(SCHED_OTHER, 0, -1));
  show_state("round robin");
  const sched_param parameters{50};
  SHOW(syscall(SYS_sched_setparam, 0, &parameters));
  show_state("parameters");
  SHOW(set_policy(SCHED_BATCH, 0));
  show_state("batch");
  SHOW(syscall(SYS_sched_setparam, 0, &parameters));
  SHOW(set_policy(SCHED_IDLE, 0));
  show_state("idle");
  SHOW(set_policy(SCHED_OTHER, 0));
  for (int policy = -1; policy < 7; ++policy)
    printf("%d: %d to %d\n", policy, sched_get_priority_min(policy), sched_get_priority_max(policy));
}

void attributes() {
  SHOW(syscall(SYS_sched_setattr, 0, nullptr, 0));
  Attributes wanted{.size = sizeof wanted, .policy = SCHED_OTHER, .nice = 3};
  SHOW(set_attributes(wanted, 1));
  SHOW(set_attributes(wanted));
  show_state("nice");
  SHOW(getpriority(PRIO_PROCESS, 0));
  wanted.flags = 0x1000;
  SHOW(set_attributes(wanted));
  wanted = {.size = 20, .policy = SCHED_OTHER};
  SHOW(set_attributes(wanted));
  printf("size %u\n", wanted.size >= 48);
  wanted = {.size = 0, .policy = SCHED_RR, .flags = 1, .priority = 7};
  SHOW(set_attributes(wanted));
  show_state("by the first version");
  SHOW(syscall(SYS_sched_getattr, 0, &wanted, 47, 0));
  SHOW(syscall(SYS_sched_getattr, 0, &wanted, 48, 1));
  SHOW(syscall(SYS_sched_getattr, 0x3fffff, &wanted, 48, 0));
  wanted = {.size = sizeof wanted, .policy = 6, .runtime = 10000000, .deadline = 5000000, .period = 30000000};
  SHOW(set_attributes(wanted));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    show_state("child");
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  SHOW(set_policy(SCHED_OTHER, 0));
}

void without_rights() {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setresuid(65534, 65534, 65534);
    SHOW(set_policy(SCHED_FIFO, 4));
    SHOW(set_policy(SCHED_FIFO, 3));
    SHOW(set_policy(SCHED_FIFO, 1));
    SHOW(set_policy(SCHED_OTHER, 0, getppid()));
    SHOW(set_policy(SCHED_OTHER | 0x40000000, 0));
    SHOW(set_policy(SCHED_OTHER, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 10));
    SHOW(setpriority(PRIO_PROCESS, 0, 4));
    SHOW(setpriority(PRIO_PROCESS, 0, 5));
    SHOW(setpriority(PRIO_PROCESS, getppid(), 5));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

void personalities() {
  SHOW(personality(0xffffffff));
  SHOW(personality(ADDR_NO_RANDOMIZE));
  SHOW(personality(0xffffffff));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    SHOW(personality(0xffffffff));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  SHOW(personality(0));
}

}  // namespace

void policies() {
  setting();
  fflush(stdout);
  attributes();
  without_rights();
  fflush(stdout);
  personalities();
}
