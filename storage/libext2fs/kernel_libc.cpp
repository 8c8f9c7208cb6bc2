// SPDX-License-Identifier: Apache-2.0
// The C library that libext2fs sees in the image (kernel_names.h gives its calls these names): memory from the
// platform, a handful of string functions, no environment, and no clock, for times come with each request.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernel/base/platform.h"

namespace {

// In front of every allocation: its size, for realloc. 16 bytes keep the alignment.
struct alignas(16) Header {
  std::size_t bytes;
};

Header* header_of(void* memory) { return static_cast<Header*>(memory) - 1; }

}  // namespace

extern "C" {

void* libext2fs_malloc(std::size_t bytes) {
  if (bytes > SIZE_MAX - sizeof(Header)) return nullptr;
  auto* header = static_cast<Header*>(base::platform::allocate(sizeof(Header) + bytes));
  if (header == nullptr) return nullptr;
  header->bytes = bytes;
  return header + 1;
}

void libext2fs_free(void* memory) {
  if (memory != nullptr) base::platform::deallocate(header_of(memory));
}

void* libext2fs_calloc(std::size_t count, std::size_t bytes) {
  if (bytes != 0 && count > SIZE_MAX / bytes) return nullptr;
  void* memory = libext2fs_malloc(count * bytes);
  if (memory != nullptr) std::memset(memory, 0, count * bytes);
  return memory;
}

void* libext2fs_realloc(void* memory, std::size_t bytes) {
  if (memory == nullptr) return libext2fs_malloc(bytes);
  void* larger = libext2fs_malloc(bytes);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, std::min(bytes, header_of(memory)->bytes));
  libext2fs_free(memory);
  return larger;
}

// Only for I/O channels that ask for alignment, which ours does not.
void* libext2fs_memalign(std::size_t alignment, std::size_t bytes) {
  return alignment <= alignof(Header) ? libext2fs_malloc(bytes) : nullptr;
}

char* libext2fs_strcpy(char* to, const char* from) {
  std::memcpy(to, from, std::strlen(from) + 1);
  return to;
}

char* libext2fs_strcat(char* to, const char* from) {
  libext2fs_strcpy(to + std::strlen(to), from);
  return to;
}

char* libext2fs_strchr(const char* text, int wanted) {
  for (;; ++text) {
    if (*text == static_cast<char>(wanted)) return const_cast<char*>(text);
    if (*text == 0) return nullptr;
  }
}

int libext2fs_strncmp(const char* left, const char* right, std::size_t limit) {
  for (std::size_t i = 0; i < limit; ++i) {
    const auto a = static_cast<unsigned char>(left[i]), b = static_cast<unsigned char>(right[i]);
    if (a != b) return a < b ? -1 : 1;
    if (a == 0) return 0;
  }
  return 0;
}

int libext2fs_strcmp(const char* left, const char* right) { return libext2fs_strncmp(left, right, SIZE_MAX); }

char* libext2fs_getenv(const char*) { return nullptr; }

int* libext2fs_errno_location() {
  static int value;  // written by the library, read by nobody
  return &value;
}

// Only reached for values of the environment.
unsigned long libext2fs_strtoul(const char*, char**, int) { return 0; }

long libext2fs_time(long* result) {
  if (result != nullptr) *result = 0;
  return 0;
}

}  // extern "C"
