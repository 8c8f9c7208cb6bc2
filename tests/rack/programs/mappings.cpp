// SPDX-License-Identifier: Apache-2.0
// mmap and its siblings, and what a program is told when it touches what it may not: SIGSEGV and SIGBUS with code and
// address. Prints one line per observation.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <initializer_list>

namespace {

sigjmp_buf back;
volatile int seen_signal, seen_code;
void* volatile seen_address;

void on_fault(int number, siginfo_t* info, void*) {
  seen_signal = number;
  seen_code = info->si_code;
  seen_address = info->si_addr;
  siglongjmp(back, 1);
}

char* base;
constexpr long page = 4096;

template <typename Action>
void touch(const char* what, Action action) {
  if (sigsetjmp(back, 1) == 0) {
    action();
    printf("%s: fine\n", what);
  } else {
    printf("%s: signal %d code %d at %+ld\n", what, seen_signal, seen_code, (char*)seen_address - base);
  }
}

void result(const char* what, long value) {
  if (value == -1)
    printf("%s: %s\n", what, strerrorname_np(errno));
  else
    printf("%s: ok\n", what);
}
void pointer(const char* what, void* value, char* relative) {
  if (value == MAP_FAILED)
    printf("%s: %s\n", what, strerrorname_np(errno));
  else
    printf("%s: %+ld\n", what, relative != nullptr ? (char*)value - relative : 0l);
}

void anonymous() {
  base = (char*)mmap(nullptr, 16 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* const start = base;
  for (int i = 0; i < 16; ++i) base[i * page] = char('a' + i);
  result("mprotect read", mprotect(base + page, 2 * page, PROT_READ));
  touch("read of read-only", [] { printf("%c\n", base[page]); });
  touch("write of read-only", [] { base[page + 5] = 1; });
  result("mprotect none", mprotect(base + 4 * page, page, PROT_NONE));
  touch("read of none", [] { seen_code = base[4 * page + 17]; });
  touch("write of none", [] { base[4 * page] = 1; });
  result("mprotect back", mprotect(base + 4 * page, page, PROT_READ | PROT_WRITE));
  touch("read again", [] { printf("%c\n", base[4 * page]); });
  result("munmap", munmap(base + 6 * page, page));
  touch("read of unmapped", [] { seen_code = base[6 * page + 3]; });
  result("mprotect over a hole", mprotect(base + 5 * page, 3 * page, PROT_READ));
  touch("write before the hole", [] { base[5 * page] = 1; });
  touch("write behind the hole", [] { base[7 * page] = 1; });
  touch("execute", [] { ((void (*)())(base + 8 * page))(); });
  base = nullptr;
  touch("null", [] { *(volatile int*)base = 1; });
  touch("not canonical", [] { *(volatile char*)0x8000000000000000 = 1; });
  touch("kernel's address", [] { *(volatile char*)0xffffffff80000000 = 1; });
  base = start;
  result("madvise", madvise(base + 9 * page, 2 * page, MADV_DONTNEED));
  printf("after it %d %d %c\n", base[9 * page], base[10 * page], base[11 * page]);
  result("madvise over a hole", madvise(base + 5 * page, 3 * page, MADV_DONTNEED));
  result("madvise over a hole, advice alone", madvise(base + 5 * page, 3 * page, MADV_WILLNEED));
  result("madvise odd address", madvise(base + 1, page, MADV_DONTNEED));
  result("madvise odd advice", madvise(base, page, 1234));
  result("msync", msync(base, page, MS_SYNC));
  result("msync both", msync(base, page, MS_SYNC | MS_ASYNC));
  result("msync hole", msync(base + 5 * page, 3 * page, MS_SYNC));
}

void bad_arguments() {
  pointer("length 0", mmap(nullptr, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), nullptr);
  pointer("no kind", mmap(nullptr, page, PROT_READ, MAP_ANONYMOUS, -1, 0), nullptr);
  pointer("bad descriptor", mmap(nullptr, page, PROT_READ, MAP_PRIVATE, 99, 0), nullptr);
  pointer("bad descriptor, length 0", mmap(nullptr, 0, PROT_READ, MAP_SHARED, 99, 0), nullptr);
  pointer("bad descriptor, no kind", mmap(nullptr, page, PROT_READ, 0, 99, 0), nullptr);
  pointer("odd offset", mmap(nullptr, page, PROT_READ, MAP_PRIVATE, 0, 5), nullptr);
  pointer("odd fixed", mmap((void*)12345, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), nullptr);
  pointer("huge", mmap(nullptr, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), nullptr);
  pointer("not replaced", mmap(base, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
          nullptr);
  result("munmap odd", munmap(base + 1, page));
  result("munmap 0", munmap(base, 0));
  result("munmap nothing", munmap(base + 6 * page, page));
  result("mprotect odd", mprotect(base + 1, page, PROT_READ));
  result("mprotect 0", mprotect(base, 0, PROT_READ));
}

void remapping() {
  char* from = (char*)mmap(nullptr, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 8; ++i) from[i * page] = char('A' + i);
  char* to = (char*)mremap(from, 8 * page, 4 * page, 0);
  pointer("shrink", to, from);
  base = from;
  touch("behind it", [] { seen_code = base[4 * page]; });
  to = (char*)mremap(from, 4 * page, 64 * page, MREMAP_MAYMOVE);
  printf("grown %c%c%c%c %d\n", to[0], to[page], to[2 * page], to[3 * page], to[63 * page]);
  char* place = (char*)mmap(nullptr, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char* moved = (char*)mremap(to, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  pointer("moved", moved, place);
  printf("%c%c%c%c\n", moved[0], moved[page], moved[2 * page], moved[3 * page]);
  base = to;
  touch("where it was", [] { seen_code = base[0]; });
  pointer("no such mapping", mremap(to, page, 2 * page, MREMAP_MAYMOVE), nullptr);
  pointer("new size 0", mremap(place, page, 0, MREMAP_MAYMOVE), nullptr);
  pointer("odd flags", mremap(place, page, page, 64), nullptr);
  pointer("overlap", mremap(place, 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, place + page), nullptr);
}

void files() {
  const int fd = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
  for (int i = 0; i < 3; ++i) {
    char text[page];
    memset(text, 'a' + i, sizeof text);
    result("write", write(fd, text, i < 2 ? page : 100));
  }
  char* own = (char*)mmap(nullptr, 6 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  char* common = (char*)mmap(nullptr, 6 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pointer("shared", common, common);
  printf("%c%c%c %d\n", own[0], own[page], own[2 * page + 99], own[2 * page + 100]);
  own[0] = 'X';
  common[page] = 'Y';
  char text[4] = {};
  result("pread", pread(fd, text, 1, 0));
  result("pread", pread(fd, text + 1, 1, page));
  printf("file has %s; own %c %c\n", text, own[0], own[page]);
  base = common;
  touch("behind the end", [] { seen_code = base[3 * page]; });
  touch("write behind the end", [] { base[4 * page + 9] = 1; });
  result("ftruncate", ftruncate(fd, page));
  touch("cut off", [] { seen_code = base[page]; });
  result("ftruncate", ftruncate(fd, 2 * page));
  touch("grown again", [] { printf("%d\n", base[page]); });
  own[0] = 'Z';
  result("msync", msync(common, page, MS_SYNC));
  const int reader = open("/tmp/mapped", O_RDONLY);
  pointer("shared for writing", mmap(nullptr, page, PROT_WRITE, MAP_SHARED, reader, 0), nullptr);
  void* private_copy = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
  pointer("private for writing", private_copy, (char*)private_copy);
  const int writer = open("/tmp/mapped", O_WRONLY);
  pointer("not readable", mmap(nullptr, page, PROT_READ, MAP_PRIVATE, writer, 0), nullptr);
  pointer("a directory", mmap(nullptr, page, PROT_READ, MAP_PRIVATE, open("/tmp", O_RDONLY), 0), nullptr);
  close(fd), close(reader), close(writer);
  unlink("/tmp/mapped");
  printf("still there %c\n", common[0]);
}

void break_value() {
  char* start = (char*)sbrk(0);
  result("brk", brk(start + 5 * page));
  start[4 * page] = 1;
  result("brk back", brk(start));
  base = start;
  touch("behind the break", [] { base[3 * page] = 1; });
  result("brk", brk(start + 5 * page));
  printf("new pages are %d\n", start[4 * page]);
}

// Many changes, each before anybody elsewhere can have heard of the last.
constexpr int areas = 80;
char* area[areas];

int wrong_bytes(int number, char expected) {
  int wrong = 0;
  for (int i = 0; i < 4; ++i) wrong += area[number][i * page] != expected;
  return wrong;
}

void in_a_row() {
  int wrong = 0;
  for (int round = 0; round < 3; ++round) {
    for (char*& at : area) {
      at = (char*)mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      const int number = int(&at - area);
      wrong += wrong_bytes(number, 0);
      memset(at, number, 4 * page);
    }
    for (int i = 0; i < areas; i += 2) {
      munmap(area[i] + page, 2 * page);
      mprotect(area[i], page, PROT_READ);
      void* const again = mmap(area[i] + page, 2 * page, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
      wrong += again != area[i] + page || area[i][page] != 0 || area[i][2 * page] != 0;
      memset(again, i, 2 * page);
      mprotect(area[i], page, PROT_READ | PROT_WRITE);
    }
    madvise(area[1], 4 * page, MADV_DONTNEED);
    const pid_t child = fork();
    if (child == 0) {
      for (int i = 0; i < areas; ++i) wrong += wrong_bytes(i, i == 1 ? 0 : char(i));
      for (char* at : area) munmap(at, 4 * page);
      _exit(wrong);
    }
    int status = -1;
    waitpid(child, &status, 0);
    wrong += status;
    for (int i = 0; i < areas; ++i) wrong += wrong_bytes(i, i == 1 ? 0 : char(i));
    char* const heap = (char*)sbrk(3 * page);
    memset(heap, 7, 3 * page);
    sbrk(-3 * page);
    sbrk(3 * page);
    for (int i = 0; i < 3; ++i) wrong += heap[i * page] != 0;
    sbrk(-3 * page);
    for (char* at : area) munmap(at, 4 * page);
  }
  printf("in a row: %d wrong\n", wrong);
}

// A mapping of /dev/zero is one of no file.
void zeros() {
  const int reads = open("/dev/zero", O_RDONLY), writes = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
  const auto map = [](int fd, int protection, int flags, off_t offset = 0) {
    void* const at = mmap(nullptr, 2 * page, protection, flags, fd, offset);
    printf("zeros %d %d: %s\n", protection, flags, at == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    return at == MAP_FAILED ? nullptr : static_cast<char*>(at);
  };
  char* memory = map(reads, PROT_READ, MAP_SHARED, page);
  printf("%d\n", memory[0] | memory[page]);
  printf("%s\n", mprotect(memory, page, PROT_READ | PROT_WRITE) == 0 ? "writable" : strerrorname_np(errno));
  map(reads, PROT_READ | PROT_WRITE, MAP_SHARED);
  map(full, PROT_READ, MAP_SHARED);
  for (const int flags : {MAP_PRIVATE, MAP_SHARED}) {
    memory = map(writes, PROT_READ | PROT_WRITE, flags);
    memory[0] = 1;
    if (fork() == 0) {
      memory[1] = 2;
      _exit(0);
    }
    wait(nullptr);
    printf("%d %d\n", memory[0], memory[1]);
  }
}

// Code that is copied to where this function's frame lies.
int run_here() {
  volatile unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov eax, 42; ret
  base = (char*)code;
  return reinterpret_cast<int (*)()>((void*)code)();
}

int run_deeper(int kib) {
  volatile char frame[1024];
  frame[0] = 1;
  const int result = kib == 0 ? run_here() : run_deeper(kib - 1);
  return result + frame[0] - 1;
}

// As the dynamic linker does for a library whose stack has to be executable.
void executable_stack() {
  constexpr int down = PROT_GROWSDOWN, up = PROT_GROWSUP, all = PROT_READ | PROT_WRITE | PROT_EXEC;
  char* memory = (char*)mmap(nullptr, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  result("no stack grows down", mprotect(memory, page, PROT_READ | down));
  result("nothing grows up", mprotect(memory, page, PROT_READ | up));
  result("both ways", mprotect(memory, page, PROT_READ | up | down));
  result("both ways, length 0", mprotect(memory, 0, PROT_READ | up | down));
  result("unknown bits", mprotect(memory, page, PROT_READ | 0x4000));
  result("unknown bits, length 0", mprotect(memory, 0, PROT_READ | 0x4000));
  munmap(memory, 2 * page);
  result("nothing there grows down", mprotect(memory, page, PROT_READ | down));
  result("nothing there grows up", mprotect(memory, page, PROT_READ | up));
  int local = 0;
  char* const here = (char*)((uintptr_t)&local & -page);
  touch("code on the stack", [] { run_here(); });
  result("stack grows up", mprotect(here, page, all | up));
  result("stack from below", mprotect(here - (64 << 20), (64 << 20) + page, PROT_READ | PROT_WRITE | down));
  result("executable stack", mprotect(here, page, all | down));
  touch("code on the stack", [] { printf("%d, ", run_here()); });
  touch("code deeper in the stack", [] { printf("%d, ", run_deeper(1024)); });
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  static char other_stack[65536];
  const stack_t stack{.ss_sp = other_stack, .ss_flags = 0, .ss_size = sizeof other_stack};
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
  anonymous();
  bad_arguments();
  remapping();
  files();
  break_value();
  in_a_row();
  zeros();
  executable_stack();
  return 0;
}
