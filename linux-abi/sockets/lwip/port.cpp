// SPDX-License-Identifier: Apache-2.0
// What lwIP stands on: memory from the platform, numbers that need only differ, and no clock: its timers are run by who
// uses it (linux-abi/sockets/inet_space.cpp).
#include <cstdint>
#include <cstring>

#include "arch/cc.h"
#include "kernel/base/platform.h"

extern "C" {

void lego_lwip_failed(const char* text) { base::platform::panic(text); }

// Initial sequence and port numbers of connections within this machine, which nobody outside can guess at.
unsigned int lego_lwip_random() {
  static std::uint32_t state = 0x9e3779b9;  // guarded by the lock of lwIP
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

void (*lego_lwip_starved)() = nullptr;

void* lego_lwip_allocate(std::size_t bytes) {
  void* memory = base::platform::allocate(bytes);
  if (memory == nullptr && lego_lwip_starved != nullptr) lego_lwip_starved();
  return memory;
}

void* lego_lwip_allocate_zeroed(std::size_t count, std::size_t bytes) {
  if (bytes != 0 && count > SIZE_MAX / bytes) return nullptr;
  void* memory = lego_lwip_allocate(count * bytes);
  if (memory != nullptr) std::memset(memory, 0, count * bytes);
  return memory;
}

void lego_lwip_free(void* memory) { base::platform::deallocate(memory); }

void tcp_timer_needed() {}

}  // extern "C"
