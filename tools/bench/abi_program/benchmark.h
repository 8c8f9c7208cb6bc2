// SPDX-License-Identifier: Apache-2.0
// Something of a Linux kernel's that can be done many times over, for the clock. The program runs unchanged natively
// and in a vNode; it knows nothing of this project but the name of a counter (message_count.cpp). What a benchmark
// needs (files, partners) is made by its constructor and gone with its destructor. Whatever fails ends the program.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace abi_bench {

class Benchmark {
 public:
  virtual ~Benchmark() = default;
  virtual void perform(std::uint64_t times) = 0;
};

struct Kind {
  const char* name;
  std::unique_ptr<Benchmark> (*make)();
  std::uint64_t granule = 1;  // what perform() is asked for is a multiple of this
};
// kinds.cpp: all of them, in the order of the table.
std::span<const Kind> kinds();

std::unique_ptr<Benchmark> null_call();
std::unique_ptr<Benchmark> read_page();
std::unique_ptr<Benchmark> write_page();
std::unique_ptr<Benchmark> stat_file();
std::unique_ptr<Benchmark> open_and_close();
std::unique_ptr<Benchmark> pipe_round_trip();
std::unique_ptr<Benchmark> unix_round_trip();
std::unique_ptr<Benchmark> context_switch();
std::unique_ptr<Benchmark> fork_and_exit();
std::unique_ptr<Benchmark> fork_and_exec();
std::unique_ptr<Benchmark> map_touch_unmap();
std::unique_ptr<Benchmark> signal_delivery();
std::unique_ptr<Benchmark> futex_wake();

// What the program does when fork_and_exec executes it: nothing.
inline constexpr const char* end_at_once = "--end-at-once";

// Ends the program with errno's text.
[[noreturn]] void give_up(const char* what);
inline void check(bool good, const char* what) {
  if (!good) give_up(what);
}

}  // namespace abi_bench
