// SPDX-License-Identifier: Apache-2.0
// Walks over much more memory than fits in an ExCache: memory_walk MEGABYTES [ROUNDS]. Each page holds words that only
// its place and the round decide, so that a lost, stale or mixed-up page is noticed and named.
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

namespace {

constexpr std::size_t page_words = 512;

std::uint64_t mixed(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdu;
  value ^= value >> 29;
  return value;
}

struct Walk {
  std::uint64_t* words;
  std::size_t pages;
  std::uint64_t bad = 0;

  std::uint64_t expected(std::size_t page, std::size_t word, std::uint64_t round) const {
    return mixed(page * page_words + word + (round << 40));
  }
  void check(std::size_t page, std::size_t word, std::uint64_t round) {
    const std::uint64_t found = words[page * page_words + word];
    if (found != expected(page, word, round) && bad++ < 5)
      printf("page %zu word %zu: %016lx is not of round %lu\n", page, word, found, round);
  }
  void write(std::size_t page, std::uint64_t round) {
    for (std::size_t word : {page % page_words, std::size_t{0}, page_words - 1})
      words[page * page_words + word] = expected(page, word, round);
  }
  void read(std::size_t page, std::uint64_t round) {
    for (std::size_t word : {page % page_words, std::size_t{0}, page_words - 1}) check(page, word, round);
  }
};

}  // namespace

int main(int count, char** arguments) {
  const std::size_t bytes = (count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 8) << 20;
  const std::uint64_t rounds = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 3;
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return perror("mmap"), 1;
  Walk walk{static_cast<std::uint64_t*>(at), bytes / 4096};
  for (std::size_t i = 0; i < bytes / 8; i += page_words / 2)
    if (walk.words[i] != 0) printf("word %zu is not zero at first\n", i);
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    for (std::size_t page = 0; page < walk.pages; ++page) walk.write(page, round);
    for (std::size_t page = 0; page < walk.pages; ++page) walk.read(page, round);
    // Backwards, and in an order that is good for nobody.
    for (std::size_t page = walk.pages; page-- > 0;) walk.read(page, round);
    for (std::size_t i = 0, page = 0; i < walk.pages / 4; ++i, page = (page + 7919) % walk.pages)
      walk.read(page, round);
    printf("round %lu: %s\n", round, walk.bad == 0 ? "all as written" : "WRONG");
  }
  if (munmap(at, bytes) != 0) perror("munmap");
  return walk.bad == 0 ? 0 : 1;
}
