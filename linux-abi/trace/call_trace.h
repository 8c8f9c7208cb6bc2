// SPDX-License-Identifier: Apache-2.0
// --trace syscalls: a line for each call, as strace -f prints it, to the launch's client.
#pragma once

#include "linux-abi/calls/table.h"
#include "linux-abi/console/launch.h"

namespace linux_abi {

class TraceLine {
 public:
  // Takes the arguments down before the call changes registers or memory. Does nothing unless the launch is traced.
  TraceLine(Thread& thread, const CallEntry* entry, std::uint64_t number, const arch::TrapFrame& frame)
      : thread_(thread),
        traced_(thread.process().launch != nullptr && thread.process().launch->traces(TraceKind::Calls)) {
    if (traced_) write_call(entry, number, frame);
  }
  // What the call has put into memory is shown now.
  void finished(const Answer<std::uint64_t>& result) {
    if (traced_) write_result(result);
  }

 private:
  void write_call(const CallEntry* entry, std::uint64_t number, const arch::TrapFrame& frame);
  void write_result(const Answer<std::uint64_t>& result);

  Thread& thread_;
  bool traced_;
  std::string_view kinds_;  // of the arguments that are not shown yet
  std::array<std::uint64_t, 6> values_{};
  std::size_t shown_ = 0;  // arguments
  std::size_t used_ = 0;   // bytes of text_
  std::array<char, 400> text_;
};

}  // namespace linux_abi
