// SPDX-License-Identifier: Apache-2.0
// The table of system calls, made of rows.h and the handlers: see table.h.
#include "linux-abi/calls/calls_aio.h"
#include "linux-abi/calls/calls_file_handles.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/calls_identity.h"
#include "linux-abi/calls/calls_ipc.h"
#include "linux-abi/calls/calls_memory.h"
#include "linux-abi/calls/calls_mount_contexts.h"
#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/calls_poll.h"
#include "linux-abi/calls/calls_process.h"
#include "linux-abi/calls/calls_signals.h"
#include "linux-abi/calls/calls_sockets.h"
#include "linux-abi/calls/calls_system.h"
#include "linux-abi/calls/calls_time.h"
#include "linux-abi/calls/rows.h"
#include "linux-abi/calls/table.h"

namespace linux_abi {
namespace {

#define ROW(name, arguments, ...) CallEntry{__NR_##name, #name, arguments, &calls::name},
constexpr CallEntry rows[] = {LINUX_CALLS(ROW)};
#undef ROW

constexpr bool rows_are_sorted() {
  for (std::size_t i = 1; i < std::size(rows); ++i)
    if (rows[i - 1].number >= rows[i].number) return false;
  return true;
}
static_assert(rows_are_sorted());
static_assert(std::size(rows) < call_numbers && rows[std::size(rows) - 1].number < call_numbers);

// By number: the row, counted from 1; 0: there is none.
constexpr auto index = [] {
  std::array<std::uint16_t, call_numbers> by_number{};
  for (std::size_t i = 0; i < std::size(rows); ++i) by_number[rows[i].number] = static_cast<std::uint16_t>(i + 1);
  return by_number;
}();

}  // namespace

const CallEntry* find_call(std::uint64_t number) {
  if (number >= call_numbers || index[number] == 0) return nullptr;
  return &rows[index[number] - 1];
}

}  // namespace linux_abi
