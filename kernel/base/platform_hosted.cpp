// SPDX-License-Identifier: Apache-2.0
// The platform of Linux programs and tests.
#include "kernel/base/platform_hosted.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "kernel/base/platform.h"

namespace base::platform {
namespace {
std::FILE* log_stream = nullptr;  // null: stderr
}  // namespace

void set_log_stream(std::FILE* stream) { log_stream = stream; }

void* allocate(std::size_t bytes) { return std::malloc(bytes); }
void deallocate(void* memory) { std::free(memory); }

void write_log_line(std::string_view line) {
  std::FILE* stream = log_stream == nullptr ? stderr : log_stream;
  std::fprintf(stream, "%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stream);
}

void panic(std::string_view what) {
  std::fprintf(stderr, "panic: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

std::uint64_t log_time_ns() {
  static const auto start = std::chrono::steady_clock::now();
  const auto since = std::chrono::steady_clock::now() - start;
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

std::uint64_t disable_interrupts() { return 0; }
void restore_interrupts(std::uint64_t) {}
std::uint32_t current_core() { return 0; }
void relax() { __builtin_ia32_pause(); }

}  // namespace base::platform
