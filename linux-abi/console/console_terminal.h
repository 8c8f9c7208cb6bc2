// SPDX-License-Identifier: Apache-2.0
// The terminal of a launch whose client has one: keys come from ConsoleWrite, what is shown goes out as console output.
// Its controlling session, foreground group and window are Linux's. Lives while it is open or is some session's.
#pragma once

#include "linux-abi/console/terminal.h"
#include "linux-abi/files/pipe_buffer.h"
#include "linux-abi/terminal/line_discipline.h"

namespace linux_abi {

class ConsoleTerminal final : public Terminal, public processor::Counted {
 public:
  // Output goes into `output`, which outlives the terminal.
  static Answer<processor::Reference<ConsoleTerminal>> create(PipeBuffer& output);
  explicit ConsoleTerminal(PipeBuffer& output) : output_(output) {}  // for create()

  // The client's side; any context without locks. Takes all; what finds no room is lost, as at any terminal.
  std::size_t keys(std::span<const std::byte> bytes);
  void no_more_keys();
  void resize(WindowSize size);
  // To the foreground group.
  void signal(int number);
  // The program's session gets it.
  void make_controlling_locked(Process& leader);

  // Terminal
  void session_ended_locked(Process& leader) override;
  Answer<OpenFileReference> open(int flags, PlaceReference place) override;

  // For open files.
  Answer<std::size_t> read(std::span<std::byte> to, bool non_blocking, Caller& caller);
  Answer<std::size_t> write(std::span<const std::byte> from, bool non_blocking, Caller& caller);
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller);
  std::uint32_t events();
  PollSource& source() { return source_; }

  void last_reference_gone();

 private:
  Answer<> check_foreground(Caller& caller, int signal);
  void show(std::span<const char> text);

  PipeBuffer& output_;
  base::SpinLock lock_{base::LockRank::Process};  // guards all below up to source_
  LineDiscipline line_;
  WindowSize window_;
  base::WaitQueue readable_;
  PollSource source_;
  // Guarded by tasks_lock.
  VNode* vnode_ = nullptr;
  int session_ = 0;
  int foreground_ = 0;
};

}  // namespace linux_abi
