// SPDX-License-Identifier: Apache-2.0
// Copy-on-write while the ExCache thrashes: fork_copies MEGABYTES ROUNDS. A parent and its children each write their
// own copies of the same pages, share others, unmap and map the same addresses again, and give pages back (DONTNEED);
// each read must find what that process wrote last.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr int children = 3;
constexpr std::size_t page_bytes = 4096;

struct Region {
  unsigned char* bytes;
  std::size_t pages;
  std::uint64_t& word(std::size_t page, std::size_t index = 0) const {
    return reinterpret_cast<std::uint64_t*>(bytes + page * page_bytes)[index];
  }
};

std::uint64_t value_of(std::uint64_t who, std::uint64_t round, std::size_t page) {
  return who << 56 | round << 32 | page | 1ull << 63;
}

int wrong = 0;
void expect(const char* what, std::size_t page, std::uint64_t found, std::uint64_t wanted) {
  if (found == wanted || wrong++ > 4) return;
  printf("%s, page %zu: %016lx, not %016lx\n", what, page, found, wanted);
}

void own_copies(const Region& region, std::uint64_t who, std::uint64_t round) {
  for (std::size_t page = 0; page < region.pages; ++page)
    if (page % (children + 1) == who || page % 7 == 0) region.word(page) = value_of(who, round, page);
  for (std::size_t page = 0; page < region.pages; ++page) {
    const bool mine = page % (children + 1) == who || page % 7 == 0;
    expect("own copy", page, region.word(page), mine ? value_of(who, round, page) : value_of(0xf, round, page));
    expect("old part", page, region.word(page, 511), value_of(0xe, round, page));
  }
}

void map_again(std::uint64_t who, std::uint64_t round, std::size_t pages) {
  void* at = mmap(nullptr, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int turn = 0; turn < 3; ++turn) {
    Region region{static_cast<unsigned char*>(at), pages};
    for (std::size_t page = 0; page < pages; ++page) {
      expect("mapped again", page, region.word(page), 0);
      region.word(page) = value_of(who, round, page);
    }
    madvise(at, pages / 2 * page_bytes, MADV_DONTNEED);
    for (std::size_t page = 0; page < pages; ++page)
      expect("after DONTNEED", page, region.word(page), page < pages / 2 ? 0 : value_of(who, round, page));
    munmap(at, pages * page_bytes);
    void* again = mmap(at, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (again != at) printf("not at the same place\n");
  }
  munmap(at, pages * page_bytes);
}

}  // namespace

int main(int count, char** arguments) {
  const std::size_t pages = ((count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 4) << 20) / page_bytes;
  const std::uint64_t rounds = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 3;
  const auto map = [&](int flags) {
    void* at = mmap(nullptr, pages * page_bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) perror("mmap"), exit(1);
    return Region{static_cast<unsigned char*>(at), pages};
  };
  const Region own = map(MAP_PRIVATE), shared = map(MAP_SHARED);
  int failures = 0;
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    for (std::size_t page = 0; page < pages; ++page) {
      own.word(page) = value_of(0xf, round, page);
      own.word(page, 511) = value_of(0xe, round, page);
      for (int child = 0; child <= children; ++child) shared.word(page, child) = 0;
    }
    pid_t pids[children];
    for (int child = 0; child < children; ++child) {
      pids[child] = fork();
      if (pids[child] == 0) {
        own_copies(own, static_cast<std::uint64_t>(child) + 1, round);
        for (std::size_t page = 0; page < pages; ++page)
          std::atomic_ref(shared.word(page, 0)).fetch_add(1),
              shared.word(page, child + 1) = value_of(child, round, page);
        map_again(child, round, pages / 4 + 1);
        _exit(wrong == 0 ? 0 : 1);
      }
    }
    own_copies(own, 0, round);
    for (const pid_t pid : pids) {
      int status = 0;
      waitpid(pid, &status, 0);
      if (status != 0) printf("a child ended with %x\n", status), ++failures;
    }
    for (std::size_t page = 0; page < pages; ++page) {
      expect("shared sum", page, shared.word(page, 0), children);
      for (int child = 0; child < children; ++child)
        expect("shared word", page, shared.word(page, child + 1), value_of(child, round, page));
    }
    own_copies(own, 0, round);
    printf("round %lu: %s\n", round, wrong == 0 && failures == 0 ? "each has its own" : "WRONG");
    fflush(stdout);
  }
  return wrong == 0 && failures == 0 ? 0 : 1;
}
