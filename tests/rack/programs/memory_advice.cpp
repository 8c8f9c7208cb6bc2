// SPDX-License-Identifier: Apache-2.0
// madvise: what each advice is refused for, what it does to memory, and what of it a fork's child finds; the flags of
// mmap that decide the same; prctl's options about memory.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"

namespace {

constexpr long page = 4096;
constexpr int read_write = PROT_READ | PROT_WRITE;
constexpr int dontneed_locked = 24;

char* map(long pages, int protection = read_write, int flags = MAP_PRIVATE | MAP_ANONYMOUS, int file = -1) {
  return (char*)mmap(nullptr, pages * page, protection, flags, file, 0);
}

// What a call sees of a byte that may not be there.
int byte_at(const char* address) {
  int ends[2];
  pipe(ends);
  const int seen = write(ends[1], address, 1) == 1 ? (unsigned char)*address : -errno;
  close(ends[0]);
  close(ends[1]);
  return seen;
}

struct Advice {
  const char* name;
  int value;
};
#define ADVICE(name) \
  { #name, name }
const Advice all[] = {ADVICE(MADV_NORMAL),
                      ADVICE(MADV_RANDOM),
                      ADVICE(MADV_SEQUENTIAL),
                      ADVICE(MADV_WILLNEED),
                      ADVICE(MADV_DONTNEED),
                      ADVICE(MADV_FREE),
                      ADVICE(MADV_REMOVE),
                      ADVICE(MADV_DONTFORK),
                      ADVICE(MADV_DOFORK),
                      ADVICE(MADV_HUGEPAGE),
                      ADVICE(MADV_NOHUGEPAGE),
                      ADVICE(MADV_DONTDUMP),
                      ADVICE(MADV_DODUMP),
                      ADVICE(MADV_WIPEONFORK),
                      ADVICE(MADV_KEEPONFORK),
                      ADVICE(MADV_COLD),
                      ADVICE(MADV_PAGEOUT),
                      ADVICE(MADV_POPULATE_READ),
                      ADVICE(MADV_POPULATE_WRITE),
                      ADVICE(dontneed_locked),
                      {"26", 26},
                      {"77", 77},
                      {"-1", -1}};

// Every advice about every kind of memory.
void refusals() {
  for (const Advice& each : all) {
    printf("%s\n", each.name);
    char* memory = map(16);
    memset(memory, 7, 4 * page);
    show("  16 pages", madvise(memory, 16 * page, each.value));
    if (each.value != MADV_FREE) printf("  first %d\n", memory[0]);
    munmap(memory + 8 * page, page);
    show("  with a hole", madvise(memory, 16 * page, each.value));
    show("  hole first", madvise(memory + 8 * page, 2 * page, each.value));
    show("  only a hole", madvise(memory + 8 * page, page, each.value));
    show("  unaligned", madvise(memory + 1, page, each.value));
    show("  part of a page", madvise(memory, 5, each.value));
    show("  nothing", madvise(memory, 0, each.value));
    show("  nothing of a hole", madvise(memory + 8 * page, 0, each.value));
    show("  too long", madvise(memory, -1ul, each.value));
    show("  rounds to nothing", madvise(memory, -1ul - 4000, each.value));
    show("  wraps", madvise(memory, -page, each.value));
    show("  kernel", madvise((void*)0xffff800000000000, page, each.value));
    munmap(memory, 16 * page);
    char* shown = map(2, PROT_READ);
    show("  read-only", madvise(shown, 2 * page, each.value));
    char* none = map(2, PROT_NONE);
    show("  no access", madvise(none, 2 * page, each.value));
    char* shared = map(2, read_write, MAP_SHARED | MAP_ANONYMOUS);
    memset(shared, 9, page);
    show("  shared", madvise(shared, 2 * page, each.value));
    printf("  shared first %d\n", shared[0]);
    const int file = memfd_create("file", 0);
    ftruncate(file, page);
    char* beyond = map(2, read_write, MAP_SHARED, file);
    show("  beyond a file's end", madvise(beyond, 2 * page, each.value));
    char* copy = map(1, read_write, MAP_PRIVATE, file);
    copy[0] = 3;
    show("  private file", madvise(copy, page, each.value));
    printf("  private first %d\n", copy[0]);
    munmap(shown, 2 * page), munmap(none, 2 * page), munmap(shared, 2 * page), munmap(beyond, 2 * page);
    munmap(copy, page);
    close(file);
  }
}

void locked() {
  char* memory = map(2);
  memory[0] = 4;
  SHOW(mlock(memory, page));
  for (const int advice : {MADV_DONTNEED, MADV_COLD, MADV_PAGEOUT, MADV_FREE, MADV_WILLNEED}) {
    printf("locked, advice %d ", advice);
    SHOW(madvise(memory, page, advice));
  }
  printf("still %d\n", memory[0]);
  SHOW(madvise(memory, page, dontneed_locked));
  printf("gone %d\n", memory[0]);
  SHOW(munlock(memory, page));
  SHOW(madvise(memory, page, MADV_DONTNEED));
  munmap(memory, 2 * page);
}

// What smaps tells of the area that begins here: its size and what of it is locked, and whether it says so twice.
void locked_of(const char* what, const char* area) {
  FILE* file = fopen("/proc/self/smaps", "r");
  char line[512];
  bool here = false, found = false;
  while (fgets(line, sizeof line, file)) {
    unsigned long start, end;
    int kilobytes;
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
      here = start == (unsigned long)area;
      if (here) printf("%s: %lu pages", what, (end - start) / page);
      found |= here;
    } else if (here && sscanf(line, "Locked: %d kB", &kilobytes) == 1) {
      printf(", locked %d kB", kilobytes);
    } else if (here && !strncmp(line, "VmFlags:", 8)) {
      printf(", %s\n", strstr(line, " lo ") ? "lo" : "not lo");
    }
  }
  if (!found) printf("%s: none\n", what);
  fclose(file);
}

void locked_areas() {
  char* guarded = map(10, PROT_NONE);
  char* memory = guarded + page;
  mprotect(memory, 8 * page, read_write);
  memset(memory, 1, 8 * page);
  locked_of("before", memory);
  SHOW(mlock(memory + 2 * page, 3 * page));
  locked_of("first", memory);
  locked_of("locked", memory + 2 * page);
  locked_of("last", memory + 5 * page);
  SHOW(msync(memory, 2 * page, MS_INVALIDATE));
  SHOW(msync(memory, 3 * page, MS_INVALIDATE));
  SHOW(msync(memory + 4 * page, page, MS_INVALIDATE | MS_SYNC));
  SHOW(msync(memory + 4 * page, page, MS_SYNC));
  SHOW(msync(memory + 5 * page, page, MS_INVALIDATE | MS_ASYNC));
  SHOW(mlock(memory, 8 * page));
  locked_of("all", memory);
  SHOW(munlock(memory, 8 * page));
  locked_of("none", memory);
  SHOW(msync(memory, 8 * page, MS_INVALIDATE));
  munmap(guarded, 10 * page);
}

int resident(char* memory, int pages) {
  unsigned char there[64];
  mincore(memory, pages * page, there);
  int count = 0;
  for (int i = 0; i < pages; ++i) count += there[i] & 1;
  return count;
}

void populated() {
  char* memory = map(32);
  SHOW(madvise(memory + 4 * page, 8 * page, MADV_POPULATE_WRITE));
  printf("resident %d\n", resident(memory, 32));
  SHOW(madvise(memory, 32 * page, MADV_POPULATE_WRITE));
  printf("resident %d, zeros %d\n", resident(memory, 32), memory[31 * page]);
  memory[5] = 1;
  SHOW(madvise(memory, 32 * page, MADV_POPULATE_READ));
  printf("kept %d\n", memory[5]);
  mprotect(memory + 8 * page, page, PROT_READ);
  SHOW(madvise(memory, 32 * page, MADV_POPULATE_WRITE));
  SHOW(madvise(memory, 32 * page, MADV_POPULATE_READ));
  munmap(memory, 32 * page);
  memory = map(16, read_write, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
  printf("MAP_POPULATE: resident %d\n", resident(memory, 16));
  munmap(memory, 16 * page);
  memory = map(16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);
  printf("without access: resident %d\n", resident(memory, 16));
  munmap(memory, 16 * page);
}

void removed() {
  const int file = memfd_create("holes", 0);
  ftruncate(file, 8 * page);
  char* memory = map(8, read_write, MAP_SHARED, file);
  memset(memory, 6, 8 * page);
  char* other = map(8, PROT_READ, MAP_SHARED, file);
  SHOW(madvise(memory + 2 * page, 3 * page, MADV_REMOVE));
  printf("%d %d %d %d, elsewhere %d %d\n", memory[page], memory[2 * page], memory[5 * page - 1], memory[5 * page],
         other[3 * page], other[6 * page]);
  close(file);
  munmap(other, 8 * page);
  SHOW(madvise(memory + 7 * page, page, MADV_REMOVE));  // whose file nobody has open
  printf("%d %d\n", memory[6 * page], memory[7 * page]);
  munmap(memory, 8 * page);

  char* shared = map(4, read_write, MAP_SHARED | MAP_ANONYMOUS);
  memset(shared, 8, 4 * page);
  const pid_t child = fork();
  if (child == 0) _exit(madvise(shared + page, 2 * page, MADV_REMOVE) == 0 ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  printf("child %d: %d %d %d %d\n", WEXITSTATUS(status), shared[0], shared[page], shared[3 * page - 1],
         shared[3 * page]);
  munmap(shared, 4 * page);
}

template <typename Action>
void in_child(Action action) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    action();
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

void show_pages(const char* who, char* memory, int pages) {
  printf("%s:", who);
  for (int i = 0; i < pages; ++i) printf(" %d", byte_at(memory + i * page));
  printf("\n");
}

void fork_with(const char* what, int advice, int undo) {
  char* memory = map(6);
  memset(memory, 5, 6 * page);
  printf("%s\n", what);
  SHOW(madvise(memory + page, 3 * page, advice));
  mprotect(memory + 2 * page, page, PROT_READ);  // splits it
  in_child([&] {
    show_pages(" child", memory, 6);
    in_child([&] { show_pages(" grandchild", memory, 6); });
  });
  memset(memory + 3 * page, 8, page);
  in_child([&] {
    // What is mapped there anew is as any other.
    mmap(memory + page, 2 * page, read_write, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(memory + page, 4, 2 * page);
    if (byte_at(memory + 3 * page) == 0) memory[3 * page] = 9;
    in_child([&] { show_pages(" mapped anew", memory, 6); });
  });
  show_pages(" parent", memory, 6);
  SHOW(madvise(memory + 3 * page, page, undo));
  in_child([&] { show_pages(" undone in part", memory, 6); });
  // The advice goes with the memory.
  char* moved = (char*)mremap(memory + page, page, 2 * page, MREMAP_MAYMOVE | MREMAP_FIXED, map(2));
  in_child([&] { show_pages(" moved", moved, 1); });
  munmap(moved, 2 * page);
  munmap(memory, 6 * page);
}

// Much of it, so that some was written back before the fork.
void fork_with_much() {
  constexpr long pages = 2000;
  char* memory = map(pages);
  for (long i = 0; i < pages; ++i) memory[i * page] = 1 + i % 100;
  SHOW(madvise(memory + 500 * page, 500 * page, MADV_DONTFORK));
  SHOW(madvise(memory + 1000 * page, 500 * page, MADV_WIPEONFORK));
  const auto sum = [&](long from, long to) {
    long all = 0;
    for (long i = from; i < to; ++i) all += memory[i * page];
    return all;
  };
  in_child([&] {
    printf("child: %ld, %ld, %ld\n", sum(0, 500), sum(1000, 1500), sum(1500, 2000));
    printf("the other part: %d %d\n", byte_at(memory + 500 * page), byte_at(memory + 999 * page));
    char* there =
        (char*)mmap(memory + 700 * page, page, read_write, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    printf("free for others: %d, %d\n", there == memory + 700 * page, there[0]);
  });
  printf("parent: %ld, %ld, %ld, %ld\n", sum(0, 500), sum(500, 1000), sum(1000, 1500), sum(1500, 2000));
  munmap(memory, pages * page);
}

unsigned long sum_of(char* memory, int pages) {
  unsigned long sum = 0;
  for (int i = 0; i < pages; ++i) sum = sum * 31 + byte_at(memory + i * page) + 1000;
  return sum;
}

// Marks among changes of all kinds, in an order that is the same everywhere.
void random_walk() {
  constexpr int pages = 96;
  char* arena = map(pages, PROT_NONE);
  unsigned long state = 1;
  const auto below = [&](unsigned long limit) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % limit;
  };
  const int advices[] = {MADV_DONTFORK,      MADV_DOFORK,   MADV_WIPEONFORK,     MADV_KEEPONFORK,
                         MADV_DONTNEED,      MADV_DONTDUMP, MADV_DONTFORK,       MADV_WIPEONFORK,
                         MADV_POPULATE_READ, MADV_DODUMP,   MADV_POPULATE_WRITE, MADV_DOFORK};
  unsigned long results = 0;
  for (int step = 0; step < 4000; ++step) {
    const long first = below(pages), count = 1 + below(pages - first < 9 ? pages - first : 9);
    char* at = arena + first * page;
    long result = 0;
    switch (below(9)) {
      case 0:
        munmap(at, count * page);
        break;
      case 1:
      case 2:
        result = mmap(at, count * page, read_write, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at;
        for (long i = 0; i < count; ++i) at[i * page] = char(step + i);
        break;
      case 3:
        result = mprotect(at, count * page, below(3) == 0 ? PROT_READ : read_write);
        break;
      case 4: {
        char* to = arena + below(pages) * page;
        if (to != at) result = mremap(at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
        break;
      }
      case 5:
        for (long i = 0; i < count; ++i) {  // by a call: what cannot be written is no signal
          int ends[2];
          pipe(ends);
          write(ends[1], &step, 1);
          read(ends[0], at + i * page, 1);
          close(ends[0]);
          close(ends[1]);
        }
        break;
      default:
        result = madvise(at, count * page, advices[below(sizeof advices / sizeof *advices)]);
    }
    results = results * 31 + result + (result < 0 ? errno : 0);
    if (step % 50 != 49) continue;
    in_child([&] {
      printf("step %d: child %lx\n", step, sum_of(arena, pages));
      if (step % 200 == 199) in_child([&] { printf("grandchild %lx\n", sum_of(arena, pages)); });
    });
    printf("results %lx, memory %lx\n", results, sum_of(arena, pages));
  }
  munmap(arena, pages * page);
}

void map_flags() {
  const int file = memfd_create("x", 0);
  ftruncate(file, 2 * page);
  const auto mapped = [](const char* what, int flags, int descriptor) {
    char* memory = map(2, read_write, flags, descriptor);
    show(what, memory == MAP_FAILED ? -1 : 0);
    if (memory != MAP_FAILED) munmap(memory, 2 * page);
  };
#define MAPPED(flags, descriptor) mapped(#flags, flags, descriptor)
  MAPPED(MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1);
  MAPPED(MAP_SHARED_VALIDATE | MAP_ANONYMOUS | MAP_SYNC, -1);
  MAPPED(MAP_SHARED_VALIDATE, file);
  MAPPED(MAP_SHARED_VALIDATE | MAP_SYNC, file);
  MAPPED(MAP_SHARED_VALIDATE | 0x8000000, file);
  MAPPED(MAP_SHARED | 0x8000000, file);
  MAPPED(8, file);
  MAPPED(0, file);
  MAPPED(MAP_ANONYMOUS, -1);
  MAPPED(MAP_PRIVATE | MAP_HUGETLB, file);
  MAPPED(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (7 << MAP_HUGE_SHIFT), -1);
  MAPPED(MAP_PRIVATE | MAP_POPULATE, file);
  MAPPED(MAP_SHARED | MAP_POPULATE, file);
  MAPPED(MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_NONBLOCK, -1);
  close(file);
}

void options() {
  int value = 0;
  SHOW(prctl(PR_GET_TSC, 0, 0, 0, 0));
  SHOW(prctl(PR_GET_TSC, &value, 0, 0, 0));
  printf("%d\n", value);
  SHOW(prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0));
  SHOW(prctl(PR_SET_TSC, 0, 0, 0, 0));
  SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  SHOW(prctl(PR_MCE_KILL_GET, 1, 0, 0, 0));
  SHOW(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
  SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  in_child([] { SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0)); });
  SHOW(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0));
  SHOW(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0));
  SHOW(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
  SHOW(prctl(PR_MCE_KILL, 2, 0, 0, 0));
  SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  refusals();
  locked();
  locked_areas();
  populated();
  removed();
  fork_with("MADV_DONTFORK", MADV_DONTFORK, MADV_DOFORK);
  fork_with("MADV_WIPEONFORK", MADV_WIPEONFORK, MADV_KEEPONFORK);
  fork_with("MADV_DOFORK", MADV_DOFORK, MADV_KEEPONFORK);
  fork_with_much();
  random_walk();
  map_flags();
  options();
  return 0;
}
