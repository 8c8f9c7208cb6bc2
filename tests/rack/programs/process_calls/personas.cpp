// SPDX-License-Identifier: Apache-2.0
// personality(2): what it does to addresses, to protections and to uname, and what of it a program inherits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "../show.h"
#include "parts.h"

namespace {

constexpr unsigned long only_ask = 0xffffffff;

std::string protection_of(const void* address) {
  FILE* file = fopen("/proc/self/maps", "r");
  char line[512];
  std::string found = "nothing";
  while (fgets(line, sizeof line, file) != nullptr) {
    unsigned long start = 0, end = 0;
    char protection[5] = "";
    if (sscanf(line, "%lx-%lx %4s", &start, &end, protection) == 3 && start <= (unsigned long)address &&
        (unsigned long)address < end)
      found = protection;
  }
  fclose(file);
  return found;
}

void* map(int protection) { return mmap(nullptr, 8192, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

void show_protections() {
  void* readable = map(PROT_READ);
  printf("PROT_READ: %s\n", protection_of(readable).c_str());
  printf("PROT_WRITE: %s\n", protection_of(map(PROT_WRITE)).c_str());
  void* none = map(PROT_NONE);
  printf("PROT_NONE: %s\n", protection_of(none).c_str());
  SHOW(mprotect(none, 4096, PROT_READ | PROT_WRITE));
  printf("changed: %s\n", protection_of(none).c_str());
  SHOW(mprotect(none, 4096, PROT_WRITE));
  printf("changed: %s\n", protection_of(none).c_str());
  char* before = (char*)sbrk(0);
  SHOW((char*)sbrk(1 << 20) == before);
  printf("break: %s\n", protection_of(before + (1 << 19)).c_str());
  SHOW((char*)sbrk(-(1 << 20)) == before + (1 << 20) && sbrk(0) == before);
  const int segment = shmget(IPC_PRIVATE, 4096, 0600);
  void* attached = shmat(segment, nullptr, 0);
  printf("segment: %s\n", protection_of(attached).c_str());
  shmctl(segment, IPC_RMID, nullptr);
  shmdt(attached);
}

void show_persona() {
  printf("%x", (unsigned)personality(only_ask));
  FILE* file = fopen("/proc/self/personality", "r");
  char line[64] = "";
  fgets(line, sizeof line, file);
  fclose(file);
  printf(", %s", line);
}

// In a child, so that this process stays as it is.
template <typename Work>
void with(unsigned long persona, Work work) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    printf("-- %lx: %x before\n", persona, (unsigned)personality(persona));
    work();
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

void execute() {
  fflush(stdout);
  char* const arguments[] = {(char*)"process_calls", (char*)"persona", nullptr};
  char* const environment[] = {nullptr};
  execve("/proc/self/exe", arguments, environment);
}

// The word of the release that every UNAME26 has.
void show_names() {
  utsname names{};
  uname(&names);
  printf("%s of 2.6: %d\n", names.machine, strncmp(names.release, "2.6.", 4) == 0);
}

}  // namespace

// What a program that was executed by one with a persona is.
void executed_with_persona() {
  show_persona();
  const int on_stack = 0;
  if ((personality(only_ask) & ADDR_NO_RANDOMIZE) != 0)
    printf("stack %lx, mapping %lx, break %lx\n", (unsigned long)&on_stack >> 16, (unsigned long)map(PROT_READ) >> 24,
           (unsigned long)sbrk(0));
  printf("%s\n", protection_of(map(PROT_READ)).c_str());
}

void personas() {
  show_persona();
  with(ADDR_NO_RANDOMIZE, execute);
  with(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC | SHORT_INODE, execute);
  with(READ_IMPLIES_EXEC, show_protections);
  with(READ_IMPLIES_EXEC, [] { with(only_ask, show_persona); });  // a child's child has it too
  with(0, show_protections);
  with(UNAME26, show_names);
  with(PER_LINUX32, show_names);
  with(PER_LINUX32 | UNAME26, [] { with(only_ask, show_names); });
  show_persona();
}
