// SPDX-License-Identifier: Apache-2.0
// Damaged programs: see damaged_programs.h.
#include "damaged_programs.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "random.h"

namespace fuzzer {
namespace {

constexpr std::uint64_t load_at = 0x400000;
constexpr unsigned file_bytes = 3 * 4096 + 100;

struct Image {
  alignas(16) unsigned char bytes[file_bytes] = {};
  unsigned length = file_bytes;
  Elf64_Ehdr& header() { return *reinterpret_cast<Elf64_Ehdr*>(bytes); }
  Elf64_Phdr& segment(unsigned n) { return reinterpret_cast<Elf64_Phdr*>(bytes + sizeof(Elf64_Ehdr))[n]; }
};

std::uint64_t odd_number(Random& random) {
  static constexpr std::uint64_t odd[] = {0,
                                          1,
                                          8,
                                          63,
                                          64,
                                          4095,
                                          4096,
                                          4097,
                                          12288,
                                          12388,
                                          12389,
                                          0x400000,
                                          0x401000,
                                          0x7fff0000,
                                          0xffffffff,
                                          0x100000000,
                                          0x7fffffffe000,
                                          0x7ffffffff000,
                                          0x800000000000,
                                          1ull << 63,
                                          ~0ull,
                                          ~0xfffull,
                                          1ull << 40,
                                          1ull << 46,
                                          0xffff800000000000};
  return random.one_in(4) ? random.next() >> random.below(64) : random.of(odd);
}

// exit_group(0), a loader's name, and a few segments that fit together.
void make_sound(Image& image, Random& random) {
  static constexpr unsigned char code[] = {0xb8, 0xe7, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05};
  memcpy(image.bytes + 4096, code, sizeof code);
  strcpy(reinterpret_cast<char*>(image.bytes) + 1024, random.one_in(2) ? "/bin/busybox" : "a");
  Elf64_Ehdr& header = image.header();
  memcpy(header.e_ident, ELFMAG "\2\1\1", 7);
  header.e_type = random.one_in(2) ? ET_EXEC : ET_DYN;
  header.e_machine = EM_X86_64;
  header.e_version = 1;
  header.e_entry = load_at + 4096;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<std::uint16_t>(1 + random.below(6));
  static constexpr unsigned kinds[] = {PT_LOAD, PT_LOAD, PT_INTERP,  PT_TLS,         PT_GNU_STACK,
                                       PT_NOTE, PT_PHDR, PT_DYNAMIC, PT_GNU_PROPERTY};
  image.segment(0) = {PT_LOAD, PF_R | PF_X, 0, load_at, load_at, 8192, 8192, 4096};
  for (unsigned i = 1; i < 6; ++i) {
    const unsigned kind = random.of(kinds);
    const std::uint64_t at = load_at + 0x10000 * i;
    image.segment(i) = {kind, static_cast<unsigned>(random.below(8)), 8192, at, at,
                        4196, random.one_in(2) ? 4196u : 0x20000,     4096};
    if (kind == PT_INTERP)
      image.segment(i).p_offset = 1024,
      image.segment(i).p_filesz = 1 + strlen(reinterpret_cast<char*>(image.bytes) + 1024);
  }
}

void damage(Image& image, Random& random) {
  constexpr unsigned words = (sizeof(Elf64_Ehdr) + 6 * sizeof(Elf64_Phdr)) / 8;
  for (std::uint64_t i = random.below(5); i > 0; --i) {
    const std::uint64_t value = odd_number(random);
    // The magic number stays, mostly: what comes behind it is of interest.
    const unsigned at = 8 * static_cast<unsigned>(random.one_in(20) ? 0 : 2 + random.below(words - 2));
    memcpy(image.bytes + at + (random.one_in(4) ? 4 : 0), &value, random.one_in(2) ? 8 : 2);
  }
  if (random.one_in(8)) image.bytes[random.below(file_bytes)] ^= static_cast<unsigned char>(1 + random.below(255));
  if (random.one_in(8)) image.length = static_cast<unsigned>(random.below(file_bytes));
}

void make_script(Image& image, Random& random) {
  static constexpr const char* lines[] = {"#!",
                                          "#! \n",
                                          "#!a\n",
                                          "#!/bin/busybox true",
                                          "#!/bin/busybox\ttrue \n",
                                          "#!/proc/self/exe\n",
                                          "#!/nonexistent x\n",
                                          "#!.\n",
                                          "#!/etc/passwd\n",
                                          "#!\n\n",
                                          "#!//////bin/busybox echo a b c\n"};
  memset(image.bytes, random.one_in(2) ? 'y' : 0, file_bytes);
  const char* line = random.of(lines);
  memcpy(image.bytes, line, strlen(line));
  if (random.one_in(4)) memset(image.bytes + 2, static_cast<int>(random.next()), 300);
  image.length = static_cast<unsigned>(2 + random.below(600));
}

}  // namespace

void write_damaged_program(const char* path, std::uint64_t seed) {
  Random random(seed);
  Image image;
  if (random.one_in(6)) {
    make_script(image, random);
  } else {
    make_sound(image, random);
    damage(image, random);
  }
  unlink(path);
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0777);
  write(file, image.bytes, image.length);
  close(file);
}

void run_damaged_program(const char* path) {
  char* const words[] = {const_cast<char*>(path), nullptr};
  execve(path, words, words + 1);
  _exit(42);
}

}  // namespace fuzzer
