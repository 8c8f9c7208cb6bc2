// SPDX-License-Identifier: Apache-2.0
// Calls of simulated programs on files: see process.h.
#include <cstring>

#include "tests/sim/process.h"
#include "tests/sim/report.h"

namespace sim {

using base::Error;
using processor::ThreadSleeper;
using threads::Interruptible;

void Thread::write_file(Shared& file, std::uint64_t page, std::size_t word) {
  if (file.writing) return;
  file.writing = true;
  const std::uint64_t value = ++program().last_value;
  trace("%u writes page %llu word %zu of a file: %llu", process().number, static_cast<unsigned long long>(page), word,
        static_cast<unsigned long long>(value));
  ThreadSleeper sleeper(Interruptible::KillOnly);
  const auto written = processor::write_object(*file.object, page * base::page_bytes + word_offsets[word],
                                               std::as_bytes(std::span(&value, 1)), sleeper);
  if (done(error_of(written), "write")) {
    require(*written == sizeof value, "a short write");
    file.pages[page][word].possible = {value};
  }
  file.writing = false;
}

void Thread::read_file(Shared& file, std::uint64_t page, std::size_t word) {
  std::uint64_t value = 0;
  ThreadSleeper sleeper(Interruptible::KillOnly);
  const auto got = processor::read_object(*file.object, page * base::page_bytes + word_offsets[word],
                                          std::as_writable_bytes(std::span(&value, 1)), sleeper);
  if (!done(error_of(got), "read")) return;
  trace("%u reads page %llu word %zu of a file: %llu", process().number, static_cast<unsigned long long>(page), word,
        static_cast<unsigned long long>(value));
  require(*got == sizeof value, "a short read");
  check_word(file.pages[page], word, value, "file", page);
}

void Thread::flush_file(Shared& file) {
  trace("%u flushes a file", process().number);
  ThreadSleeper sleeper(Interruptible::KillOnly);
  (void)done(error_of(processor::flush_object(*file.object, sleeper)), "flush");
}

}  // namespace sim
