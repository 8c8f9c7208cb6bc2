// SPDX-License-Identifier: Apache-2.0
// Entering the kernel in every way but a decent one: see steps.h.
#include <asm/unistd_64.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "steps.h"

namespace fuzzer {
namespace {

constexpr std::uint64_t code_at = 0x30'0000'0000;

class Code {
 public:
  Code(Context& context, unsigned char* place) : random_(context.random), context_(context), at_(place) {}
  void bytes(std::initializer_list<unsigned> values) {
    for (const unsigned value : values) *at_++ = static_cast<unsigned char>(value);
  }
  void word64(std::uint64_t value) {
    memcpy(at_, &value, 8);
    at_ += 8;
  }
  // mov $value, %register (0 to 15)
  void load(unsigned number, std::uint64_t value) {
    bytes({0x48 | number >> 3, 0xb8 | (number & 7)});
    word64(value);
  }
  void push(std::uint64_t value) {
    load(0, value);
    bytes({0x50});
  }
  void random_register() {
    static constexpr unsigned numbers[] = {0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 4};
    load(random_.of(numbers), value());
  }
  std::uint64_t value() { return random_.one_in(2) ? edge(context_) : buffer_address(context_) & ~63ull; }
  std::uint64_t flags() {
    static constexpr std::uint64_t sets[] = {0x100,   0x40000, 0x4000,   0x400,  0x3000,  0x200,
                                             0x10000, 0x20000, 0x200000, 0x8000, 0x180000};
    return 2 | random_.of(sets) | random_.of(sets) | (random_.one_in(4) ? random_.next() : 0);
  }
  void system_call() { load(0, random_.one_in(3) ? random_.next() >> random_.below(64) : random_.below(460)); }
  void instruction();
  void end() { bytes({0x0f, 0x0b}); }

 private:
  Random& random_;
  Context& context_;
  unsigned char* at_;
};

void Code::instruction() {
  // Short ones, as they are in memory; 0xf4 is not used and ends each.
  static constexpr unsigned char plain[][6] = {{0xfa, 0xf4},
                                               {0xfb, 0xf4},
                                               {0xcc, 0xf4},
                                               {0xf1, 0xf4},
                                               {0x0f, 0x05, 0xf4},
                                               {0x0f, 0x34, 0xf4},
                                               {0x0f, 0x07, 0xf4},
                                               {0x0f, 0x35, 0xf4},
                                               {0xcf, 0xf4},
                                               {0x48, 0xcf, 0xf4},
                                               {0xcb, 0xf4},
                                               {0x48, 0xcb, 0xf4},
                                               {0x9d, 0xf4},
                                               {0x0f, 0x01, 0xf8, 0xf4},
                                               {0x0f, 0x01, 0xf9, 0xf4},
                                               {0x0f, 0x01, 0xd1, 0xf4},
                                               {0x0f, 0x01, 0xd0, 0xf4},
                                               {0x0f, 0x01, 0xc8, 0xf4},
                                               {0x0f, 0x01, 0xc9, 0xf4},
                                               {0x0f, 0x01, 0xca, 0xf4},
                                               {0x0f, 0x01, 0xcb, 0xf4},
                                               {0x0f, 0x30, 0xf4},
                                               {0x0f, 0x32, 0xf4},
                                               {0x0f, 0x33, 0xf4},
                                               {0x0f, 0x06, 0xf4},
                                               {0x0f, 0x09, 0xf4},
                                               {0x0f, 0x08, 0xf4},
                                               {0x0f, 0xa2, 0xf4},
                                               {0x0f, 0x31, 0xf4},
                                               {0xec, 0xf4},
                                               {0xee, 0xf4},
                                               {0x6c, 0xf4},
                                               {0x6f, 0xf4},
                                               {0x8e, 0xd8, 0xf4},
                                               {0x8e, 0xc0, 0xf4},
                                               {0x8e, 0xe0, 0xf4},
                                               {0x8e, 0xe8, 0xf4},
                                               {0x8e, 0xd0, 0xf4},
                                               {0x0f, 0x22, 0xc0, 0xf4},
                                               {0x0f, 0x20, 0xd8, 0xf4},
                                               {0x0f, 0x22, 0xe0, 0xf4},
                                               {0x0f, 0x23, 0xf8, 0xf4},
                                               {0x0f, 0x00, 0xd8, 0xf4},
                                               {0x0f, 0x00, 0xd0, 0xf4},
                                               {0x0f, 0x02, 0xc0, 0xf4},
                                               {0x0f, 0x01, 0x10, 0xf4},
                                               {0x0f, 0x01, 0x18, 0xf4},
                                               {0x0f, 0x01, 0x00, 0xf4},
                                               {0x0f, 0x01, 0x38, 0xf4},
                                               {0x0f, 0xae, 0x28, 0xf4},
                                               {0x0f, 0xae, 0x10, 0xf4},
                                               {0x0f, 0xae, 0x08, 0xf4},
                                               {0x0f, 0xae, 0x20, 0xf4},
                                               {0x0f, 0xae, 0x38, 0xf4},
                                               {0xff, 0xe0, 0xf4},
                                               {0xff, 0xd0, 0xf4},
                                               {0xff, 0x28, 0xf4},
                                               {0x48, 0xff, 0x28, 0xf4},
                                               {0xc3, 0xf4},
                                               {0x48, 0x8b, 0x00, 0xf4},
                                               {0x48, 0x89, 0x00, 0xf4},
                                               {0xf3, 0xa4, 0xf4},
                                               {0xf3, 0x48, 0xab, 0xf4},
                                               {0xd7, 0xf4},
                                               {0xdd, 0x20, 0xf4},
                                               {0xd9, 0x28, 0xf4},
                                               {0xdb, 0xe3, 0xf4},
                                               {0x9b, 0xf4},
                                               {0xf7, 0xf0, 0xf4},
                                               {0x0f, 0x01, 0xee, 0xf4},
                                               {0x0f, 0x01, 0xef, 0xf4},
                                               {0x0f, 0x28, 0x00, 0xf4},
                                               {0x8c, 0xd0, 0xf4}};
  Random& random = random_;
  switch (random.below(10)) {
    case 0:
      bytes({0xcd, static_cast<unsigned>(random.below(256))});
      return;  // int n
    case 1:
      system_call();
      bytes({0xcd, 0x80});
      return;
    case 2:
      system_call();
      bytes({0x0f, 0x05});
      return;
    case 3:
      push(flags());
      bytes({0x9d});
      return;
    case 4:  // wrfsbase, wrgsbase %rax
      load(0, value());
      bytes({0xf3, 0x48, 0x0f, 0xae, random.one_in(2) ? 0xd0u : 0xd8u});
      return;
    case 5:  // iretq, lretq with a frame
      push(random.one_in(2) ? 0x2b : random.below(128));
      push(value());
      push(flags());
      push(random.one_in(2) ? 0x33 : random.below(128));
      push(random.one_in(2) ? code_at : value());
      bytes({0x48, random.one_in(2) ? 0xcfu : 0xcbu});
      return;
    case 6:  // the vsyscall page
      load(0, 0xffffffffff600000 + random.below(5) * 0x400 / (random.one_in(4) ? 3 : 1));
      bytes({0xff, 0xd0});
      return;
    case 7:
      random_register();
      return;
    case 8:
      for (std::uint64_t count = 1 + random.below(12); count > 0; --count)
        bytes({static_cast<unsigned>(random.below(256))});
      return;
    default: {
      const unsigned char* text = random.of(plain);
      load(0, random.one_in(2) ? value() : random.below(128));
      if (random.one_in(2)) load(2, random.one_in(2) ? ~0ull : value());
      do bytes({*text++});
      while (*text != 0xf4);
    }
  }
}

// A page of its own for each thread; changed code on a page that is written and run.
unsigned char* code_page(Context& context) {
  const std::uint64_t at = code_at + context.slot * 2 * page;
  raw_call(__NR_mmap, at, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0ull, 0);
  return reinterpret_cast<unsigned char*>(at);
}

void jump_to(const unsigned char* code) {
  asm volatile("jmp *%0" : : "r"(code) : "memory");
  __builtin_unreachable();
}

}  // namespace

void run_odd_code(Context& context) {
  unsigned char* place = code_page(context);
  Code code(context, place);
  const std::uint64_t count = 1 + context.random.below(8);
  for (std::uint64_t i = 0; i < count; ++i) code.instruction();
  code.end();
  jump_to(place);
}

void return_from_no_signal(Context& context) {
  const unsigned char* sample = sample_frame();
  if (sample == nullptr) return;
  Random& random = context.random;
  unsigned char* frame = context.scratch + 4096;
  memcpy(frame, sample, sample_bytes);
  const auto put = [&](unsigned at, std::uint64_t value) { memcpy(frame + at, &value, 8); };
  // The frame begins with the return address; the context follows, its registers at 40, the vectors' address behind
  // them.
  const std::uint64_t vectors = reinterpret_cast<std::uint64_t>(frame) + 512;
  put(8 + 40 + 23 * 8, random.one_in(6) ? edge(context) : random.one_in(4) ? 0 : vectors + random.below(3) * 8);
  for (std::uint64_t i = random.below(6); i > 0; --i) put(static_cast<unsigned>(random.below(56)) * 8, edge(context));
  for (std::uint64_t i = random.below(6); i > 0; --i)  // MXCSR, XSTATE_BV and what software keeps in the image
    put(512 + static_cast<unsigned>(random.below(80)) * 8, edge(context));
  if (random.one_in(2)) put(512 + 512 + 8 * static_cast<unsigned>(random.below(3)), random.next() >> random.below(64));
  asm volatile("mov %0, %%rsp; mov $15, %%eax; syscall; ud2" : : "r"(frame + 8) : "rax", "memory");
  __builtin_unreachable();
}

}  // namespace fuzzer
