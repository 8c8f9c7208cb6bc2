// SPDX-License-Identifier: Apache-2.0
// A terminal: that of a launch whose client has one (keys come from ConsoleWrite, what is shown goes out as console
// output), or the slave of a pseudo-terminal (keys come from the master's writes, what is shown is for its reads). Its
// controlling session, foreground group and window are Linux's. Lives while it is open or is some session's.
#pragma once

#include "linux-abi/console/terminal.h"
#include "linux-abi/files/pipe_buffer.h"
#include "linux-abi/terminal/line_discipline.h"

namespace linux_abi {

class TerminalDevice final : public Terminal, public processor::Counted {
 public:
  // Output goes into `output`, which outlives the terminal.
  static Answer<processor::Reference<TerminalDevice>> create(PipeBuffer& output);
  explicit TerminalDevice(PipeBuffer& output) : output_(output) {}  // for create()
  // With an output of its own, which the master reads. number: of /dev/pts/N.
  static Answer<processor::Reference<TerminalDevice>> create_slave(int number);
  TerminalDevice(base::Own<PipeBuffer> output, int number);  // for create_slave()

  // The client's side; any context without locks. Takes all; what finds no room is lost, as at any terminal.
  std::size_t keys(std::span<const std::byte> bytes);
  void no_more_keys();
  void resize(WindowSize size);
  // To the foreground group.
  void signal(int number);
  // The master is gone: reads end, writes are EIO, and the session loses its terminal with SIGHUP.
  void hang_up();
  PipeBuffer& output() { return output_; }
  // N of /dev/pts/N; -1: the console.
  int number() const { return number_; }
  void become_controlling(Caller& caller);  // open(2) without O_NOCTTY by a session's leader that has none
  // The program's session gets it.
  void make_controlling_locked(Process& leader);

  // Terminal
  std::uint64_t device() const override;
  int foreground_locked() const override { return foreground_; }
  void session_ended_locked(Process& leader) override;
  Answer<OpenFileReference> open(int flags, PlaceReference place) override;

  // For open files.
  Answer<std::size_t> read(std::span<std::byte> to, bool non_blocking, Caller& caller);
  Answer<std::size_t> write(std::span<const std::byte> from, bool non_blocking, Caller& caller);
  // Through the master everybody may ask whose terminal it is.
  enum class Side : std::uint8_t { Slave, Master };
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller, Side side = Side::Slave);
  void file_closed();
  std::uint32_t events();
  PollSource& source() { return source_; }

  void last_reference_gone();

 private:
  Answer<> check_foreground(Caller& caller, int signal);
  void show(std::span<const char> text);
  void detach_locked();

  const base::Own<PipeBuffer> own_output_;
  PipeBuffer& output_;
  const int number_ = -1;
  bool opened_ = false;                           // a slave once was; before that its writer stands for it
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
