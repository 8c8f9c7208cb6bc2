// SPDX-License-Identifier: Apache-2.0
// The vDSO: found, mapped as Linux maps it, in agreement with the calls it replaces whichever thread asks which, gone
// when it is unmapped. "loop N" reads the clock N times and does nothing else.
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "show.h"

namespace {

uintptr_t vdso() { return getauxval(AT_SYSINFO_EHDR); }

// "r-xp [vdso]" of the mapping that holds the address; its range.
struct Mapping {
  uintptr_t start = 0, end = 0;
  char rights[8] = "none", name[64] = "";
};
Mapping mapping_named(const char* name) {
  Mapping found;
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[512];
  while (fgets(line, sizeof line, maps) != nullptr) {
    Mapping each;
    unsigned long offset, inode;
    unsigned major, minor;
    if (sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %63s", &each.start, &each.end, each.rights, &offset, &major, &minor,
               &inode, each.name) == 8 &&
        strcmp(each.name, name) == 0) {
      found = each;
      printf("%s %s %lx %x:%x %lu\n", each.rights, each.name, offset, major, minor, inode);
    }
  }
  fclose(maps);
  return found;
}

void show_mappings() {
  const Mapping code = mapping_named("[vdso]"), data = mapping_named("[vvar]");
  printf("the vDSO is there: %d, an ELF file: %d\n", code.start == vdso() && vdso() != 0,
         memcmp(reinterpret_cast<void*>(vdso()), ELFMAG, SELFMAG) == 0);
  printf("the data before it: %d\n", data.start < data.end && data.end <= code.start);
  SHOW(mprotect(reinterpret_cast<void*>(data.start), data.end - data.start, PROT_READ | PROT_WRITE));
  const size_t bytes = code.end - code.start;
  SHOW(mprotect(reinterpret_cast<void*>(code.start), bytes, PROT_READ | PROT_WRITE));
  // A copy of its own, as a debugger's breakpoints need it.
  auto* text = reinterpret_cast<char*>(code.start);
  const char kept = text[9];
  text[9] = 42;
  fflush(stdout);
  if (fork() == 0) _exit(text[9]);
  int status = 0;
  wait(&status);
  printf("the child sees %d\n", WEXITSTATUS(status));
  text[9] = kept;
  SHOW(mprotect(reinterpret_cast<void*>(code.start), bytes, PROT_READ | PROT_EXEC));
  timespec now;
  SHOW(clock_gettime(CLOCK_MONOTONIC, &now));
}

// --- No clock goes backwards, whoever reads it how. -----------------------------------------------------------------
std::atomic<int64_t> latest[2];
std::atomic<int> backwards{0};

int64_t read_clock(int clock, bool by_call) {
  timespec now;
  if (by_call)
    syscall(SYS_clock_gettime, clock, &now);
  else
    clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void* reader(void* number) {
  const auto me = reinterpret_cast<uintptr_t>(number);
  for (unsigned i = 0; i < 2000; ++i) {
    const int clock = i % 2 == 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    const int64_t before = latest[i % 2].load();
    const int64_t now = read_clock(clock, (i / 2 + me) % 2 == 0);
    if (now < before) ++backwards;
    int64_t known = latest[i % 2].load();
    while (known < now && !latest[i % 2].compare_exchange_weak(known, now)) {
    }
    if (i % 64 == 0) sched_yield();
  }
  return nullptr;
}

void race() {
  pthread_t threads[4];
  for (uintptr_t i = 0; i < 4; ++i) pthread_create(&threads[i], nullptr, reader, reinterpret_cast<void*>(i));
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  printf("backwards: %d\n", backwards.load());
}

void show_answers() {
  for (const int clock : {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_TAI,
                          CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID}) {
    const int64_t first = read_clock(clock, true), second = read_clock(clock, false), third = read_clock(clock, true);
    printf("clock %d in order: %d\n", clock, first <= second && second <= third && first > 0);
  }
  timespec now;
  SHOW(clock_gettime(77, &now));
  timeval day;
  SHOW(gettimeofday(&day, nullptr));
  // time() tells the last tick's second, which may be the one before gettimeofday's.
  const time_t before = time(nullptr), by_call = syscall(SYS_time, nullptr), after = time(nullptr);
  printf("seconds in order: %d\n", before <= by_call && by_call <= after && before + 1 >= day.tv_sec);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  SHOW(sched_setaffinity(0, sizeof set, &set));
  SHOW(sched_getcpu());
}

using Clock = int(int, timespec*);
Clock* symbol_of_vdso() {
  const auto base = vdso();
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(base);
  const auto* segments = reinterpret_cast<const Elf64_Phdr*>(base + header->e_phoff);
  const Elf64_Dyn* dynamic = nullptr;
  uintptr_t slide = 0;
  for (int i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type == PT_LOAD) slide = base + segments[i].p_offset - segments[i].p_vaddr;
    if (segments[i].p_type == PT_DYNAMIC) dynamic = reinterpret_cast<const Elf64_Dyn*>(base + segments[i].p_offset);
  }
  const Elf64_Sym* symbols = nullptr;
  const char* names = nullptr;
  uint32_t count = 64;
  for (; dynamic->d_tag != DT_NULL; ++dynamic) {
    if (dynamic->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const Elf64_Sym*>(slide + dynamic->d_un.d_ptr);
    if (dynamic->d_tag == DT_STRTAB) names = reinterpret_cast<const char*>(slide + dynamic->d_un.d_ptr);
    if (dynamic->d_tag == DT_HASH) count = reinterpret_cast<const uint32_t*>(slide + dynamic->d_un.d_ptr)[1];
  }
  for (uint32_t i = 0; i < count; ++i)
    if (strcmp(names + symbols[i].st_name, "__vdso_clock_gettime") == 0)
      return reinterpret_cast<Clock*>(slide + symbols[i].st_value);
  return nullptr;
}

void unmap_it() {
  const Mapping code = mapping_named("[vdso]");
  fflush(stdout);
  if (fork() == 0) {
    Clock* clock = symbol_of_vdso();
    timespec now;
    const bool worked = clock(CLOCK_MONOTONIC, &now) == 0;
    if (!worked || munmap(reinterpret_cast<void*>(code.start), code.end - code.start) != 0) _exit(1);
    clock(CLOCK_MONOTONIC, &now);
    _exit(2);
  }
  int status = 0;
  wait(&status);
  printf("after munmap: signal %d\n", WTERMSIG(status));
}

// Each program finds it elsewhere.
void compare_places(const char* program) {
  uintptr_t places[4] = {};
  for (uintptr_t& place : places) {
    int ends[2];
    pipe(ends);
    if (fork() == 0) {
      dup2(ends[1], 1);
      execl(program, program, "where", nullptr);
      _exit(1);
    }
    close(ends[1]);
    read(ends[0], &place, sizeof place);
    close(ends[0]);
    wait(nullptr);
  }
  bool differ = false;
  for (const uintptr_t place : places) differ = differ || place != places[0];
  printf("at random places: %d\n", differ && places[0] != 0);
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 3 && strcmp(arguments[1], "loop") == 0) {
    timespec now;
    for (long i = atol(arguments[2]); i > 0; --i) clock_gettime(i % 2 == 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME, &now);
    return 0;
  }
  if (count == 2 && strcmp(arguments[1], "where") == 0) {
    const uintptr_t where = vdso();
    write(1, &where, sizeof where);
    return 0;
  }
  show_mappings();
  show_answers();
  race();
  compare_places(arguments[0]);
  unmap_it();
  return 0;
}
