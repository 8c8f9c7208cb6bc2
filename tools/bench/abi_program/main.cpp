// SPDX-License-Identifier: Apache-2.0
// abi_bench NAME MILLISECONDS: does what NAME says for about so long, in short batches, after some that warm up, and
// prints a line of JSON: nanoseconds of one time (the least and the median of the batches), how many there were,
// and messages of one time where they can be counted. `abi_bench` alone prints the names.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "tools/bench/abi_program/benchmark.h"
#include "tools/bench/abi_program/message_count.h"

namespace abi_bench {

void give_up(const char* what) {
  fprintf(stderr, "abi_bench: %s: %s\n", what, strerror(errno));
  exit(1);
}

namespace {

// Short, so that most of them lie between two interruptions of a busy machine.
constexpr std::uint64_t batch_ns = 200'000;
constexpr std::uint64_t least_batches = 10;

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t time_of(Benchmark& benchmark, std::uint64_t times) {
  const std::uint64_t begin = now_ns();
  benchmark.perform(times);
  return now_ns() - begin;
}

// So many that they take a batch's time. The least of several tries: the first ones warm up, and the machine may do
// something else during one.
std::uint64_t times_for(Benchmark& benchmark, std::uint64_t granule) {
  std::uint64_t times = granule;
  while (true) {
    std::uint64_t took = time_of(benchmark, times);
    for (int tries = 0; tries < 4; ++tries) took = std::min(took, time_of(benchmark, times));
    if (took >= batch_ns / 2) return times;
    times *= 2;
  }
}

void measure(const Kind& kind, std::uint64_t milliseconds) {
  const auto benchmark = kind.make();
  const std::uint64_t times = times_for(*benchmark, kind.granule);
  const auto before = messages_so_far();
  std::vector<double> each;
  for (const std::uint64_t end = now_ns() + milliseconds * 1'000'000; each.size() < least_batches || now_ns() < end;) {
    each.push_back(static_cast<double>(time_of(*benchmark, times)) / static_cast<double>(times));
  }
  const auto after = messages_so_far();
  const std::uint64_t all = times * each.size();
  std::sort(each.begin(), each.end());
  printf("{\"name\": \"%s\", \"least_ns\": %.1f, \"median_ns\": %.1f, \"times\": %llu", kind.name, each.front(),
         each[each.size() / 2], static_cast<unsigned long long>(all));
  if (before && after) {
    printf(", \"messages\": %.4f", static_cast<double>(*after - *before) / static_cast<double>(all));
  }
  printf("}\n");
}

int run(int count, char** words) {
  if (count == 2 && std::string_view(words[1]) == end_at_once) return 0;
  if (count != 3) {
    for (const Kind& kind : kinds()) printf("%s\n", kind.name);
    return count == 1 ? 0 : 2;
  }
  for (const Kind& kind : kinds()) {
    if (std::string_view(words[1]) != kind.name) continue;
    measure(kind, std::max(1ull, strtoull(words[2], nullptr, 10)));
    return 0;
  }
  fprintf(stderr, "abi_bench: there is no '%s'\n", words[1]);
  return 2;
}

}  // namespace
}  // namespace abi_bench

int main(int count, char** words) { return abi_bench::run(count, words); }
