// SPDX-License-Identifier: Apache-2.0
// What the code that runs twice asks of its surroundings, resolved at link time: the images get it from kernel/,
// Linux programs from platform_hosted.cpp. Everything else comes through interfaces that are passed in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace base::platform {

// Memory for objects, aligned to 16 bytes; nullptr when there is none. Never called on the fault path.
void* allocate(std::size_t bytes);
void deallocate(void* memory);

// One finished log line without a newline. May be called with interrupts disabled.
void write_log_line(std::string_view line);

// Our own mistake: print, show a backtrace, stop the component.
[[noreturn]] void panic(std::string_view what);

// Nanoseconds since boot, for log lines only; code that acts on time takes a Clock.
std::uint64_t log_time_ns();

// Interrupts of this core (nothing in a Linux program). disable returns what restore takes. These four are inline in the
// images: each lock is several of them.
std::uint64_t disable_interrupts();
void restore_interrupts(std::uint64_t state);
// The core that runs this, from 0 (a Linux program: 0).
std::uint32_t current_core();
void relax();  // the pause instruction of a spinning loop

}  // namespace base::platform

#ifndef LEGO_HOSTED
#include "kernel/base/platform_core.h"
#endif
