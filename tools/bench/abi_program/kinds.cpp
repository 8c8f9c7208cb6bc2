// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/abi_program/benchmark.h"

namespace abi_bench {
namespace {
constexpr Kind all[] = {
    {"null call", null_call},
    {"read a page", read_page},
    {"write a page", write_page},
    {"stat", stat_file},
    {"open+close", open_and_close},
    {"pipe round trip", pipe_round_trip},
    {"unix socket round trip", unix_round_trip},
    {"context switch", context_switch, 8},
    {"fork+exit", fork_and_exit},
    {"fork+exec", fork_and_exec},
    {"mmap+touch+munmap", map_touch_unmap},
    {"signal delivery", signal_delivery},
    {"futex wake", futex_wake, 2},
};
}  // namespace

std::span<const Kind> kinds() { return all; }

}  // namespace abi_bench
