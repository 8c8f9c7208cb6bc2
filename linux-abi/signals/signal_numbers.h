// SPDX-License-Identifier: Apache-2.0
// Linux's numbers of signals, codes and flags (signal(7)), under names that do not clash with a C library's macros.
// signal_numbers.cpp checks each against Linux's own headers.
#pragma once

#include <cstdint>

namespace linux_abi::sig {

inline constexpr int hup = 1;
inline constexpr int intr = 2;
inline constexpr int quit = 3;
inline constexpr int ill = 4;
inline constexpr int trap = 5;
inline constexpr int abrt = 6;
inline constexpr int bus = 7;
inline constexpr int fpe = 8;
inline constexpr int kill = 9;
inline constexpr int usr1 = 10;
inline constexpr int segv = 11;
inline constexpr int usr2 = 12;
inline constexpr int pipe = 13;
inline constexpr int alrm = 14;
inline constexpr int term = 15;
inline constexpr int stkflt = 16;
inline constexpr int chld = 17;
inline constexpr int cont = 18;
inline constexpr int stop = 19;
inline constexpr int tstp = 20;
inline constexpr int ttin = 21;
inline constexpr int ttou = 22;
inline constexpr int urg = 23;
inline constexpr int xcpu = 24;
inline constexpr int xfsz = 25;
inline constexpr int vtalrm = 26;
inline constexpr int prof = 27;
inline constexpr int winch = 28;
inline constexpr int io = 29;
inline constexpr int pwr = 30;
inline constexpr int sys = 31;

// si_code
namespace code {
inline constexpr int user = 0;
inline constexpr int kernel = 128;
inline constexpr int queue = -1;
inline constexpr int timer = -2;
inline constexpr int tkill = -6;
inline constexpr int ill_illopn = 2;
inline constexpr int fpe_intdiv = 1;
inline constexpr int fpe_intovf = 2;
inline constexpr int fpe_fltdiv = 3;
inline constexpr int fpe_fltovf = 4;
inline constexpr int fpe_fltund = 5;
inline constexpr int fpe_fltres = 6;
inline constexpr int fpe_fltinv = 7;
inline constexpr int segv_maperr = 1;
inline constexpr int segv_accerr = 2;
inline constexpr int bus_adraln = 1;
inline constexpr int bus_adrerr = 2;
inline constexpr int trap_brkpt = 1;
inline constexpr int trap_trace = 2;
inline constexpr int cld_exited = 1;
inline constexpr int cld_killed = 2;
inline constexpr int cld_dumped = 3;
inline constexpr int cld_trapped = 4;
inline constexpr int cld_stopped = 5;
inline constexpr int cld_continued = 6;
}  // namespace code

// sa_flags
namespace flag {
inline constexpr std::uint64_t no_child_stop = 0x1;
inline constexpr std::uint64_t no_child_wait = 0x2;
inline constexpr std::uint64_t siginfo = 0x4;
inline constexpr std::uint64_t restorer = 0x4000000;
inline constexpr std::uint64_t on_stack = 0x8000000;
inline constexpr std::uint64_t restart = 0x10000000;
inline constexpr std::uint64_t no_defer = 0x40000000;
inline constexpr std::uint64_t reset_hand = 0x80000000;
}  // namespace flag

}  // namespace linux_abi::sig
