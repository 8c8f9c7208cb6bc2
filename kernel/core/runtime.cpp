// SPDX-License-Identifier: Apache-2.0
// What the compiler and the headers of libstdc++ expect to find when they are linked without it.
#include <cstddef>
#include <cstdint>
#include <new>

#include "kernel/base/platform.h"

extern "C" {

void* __dso_handle = nullptr;
// Objects with static storage live as long as the component.
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
[[noreturn]] void __cxa_pure_virtual() { base::platform::panic("a pure virtual function was called"); }
// std::popcount: not every x86-64 processor has the instruction.
int __popcountdi2(std::uint64_t value) {
  int count = 0;
  for (; value != 0; value &= value - 1) ++count;
  return count;
}
[[noreturn]] void abort() { base::platform::panic("abort"); }

}  // extern "C"

// Deleting destructors name it; objects are made by base::make() and freed by Own.
void operator delete(void* memory) noexcept { base::platform::deallocate(memory); }
void operator delete(void* memory, std::size_t) noexcept { base::platform::deallocate(memory); }

namespace std {
// Checks inside the headers that throw where there are exceptions. Spelled as there: to clang [[noreturn]] is another
// attribute than the one of an earlier declaration.
__attribute__((__noreturn__)) void __throw_out_of_range_fmt(const char* what, ...) { base::platform::panic(what); }
__attribute__((__noreturn__)) void __throw_length_error(const char* what) { base::platform::panic(what); }
__attribute__((__noreturn__)) void __throw_logic_error(const char* what) { base::platform::panic(what); }
__attribute__((__noreturn__)) void __throw_bad_optional_access() { base::platform::panic("bad optional access"); }
__attribute__((__noreturn__)) void __throw_bad_function_call() { base::platform::panic("bad function call"); }
}  // namespace std
