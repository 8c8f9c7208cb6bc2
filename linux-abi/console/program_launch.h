// SPDX-License-Identifier: Apache-2.0
// One program that a client started: its console streams, how it ended, and what runs in its first thread before the
// program does. Made by ProgramStart, gone after ProgramRelease.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>

#include "kernel/base/executor.h"
#include "linux-abi/console/launch.h"
#include "linux-abi/console/terminal_device.h"
#include "linux-abi/process/exec.h"
#include "net/messages/program.h"

namespace linux_abi {

// Told, on any thread, that there may be something for ConsoleRead, or room for ConsoleWrite.
class LaunchEvents {
 public:
  virtual void launch_changed() = 0;

 protected:
  ~LaunchEvents() = default;
};

class ProgramLaunch final : public Launch, public boost::intrusive::list_base_hook<> {
 public:
  struct Strings {
    base::Array<char> directory, program;  // each ended by a zero byte
    ProgramStrings arguments;
  };
  static base::Result<base::Own<ProgramLaunch>> create(const messages::ProgramStartRequest& request, Strings strings,
                                                       LaunchEvents& events);
  ProgramLaunch(const messages::ProgramStartRequest& request, Strings strings, LaunchEvents& events);
  ~ProgramLaunch();

  base::LaunchId id() const { return base::LaunchId(request_.launch); }
  const messages::ProgramStartRequest& request() const { return request_; }

  // On a kernel thread that may sleep: mounts the vNode's files if it is new here, makes the first process and starts
  // it. What goes wrong later than that is the program's end (Failed).
  base::Result<int> start(processor::Monitor& monitor, processor::Sleeper& sleeper);
  // Ends what is left of the family and waits until everything is released; unmounts a vNode that nobody uses any more.
  base::Result<> release(processor::Sleeper& sleeper);

  // Of the first thread, in its own context: becomes the program.
  void become_program(Thread& thread, arch::TrapFrame& frame);

  // The client's side; they never wait.
  struct Event {
    messages::ConsoleReadReply reply;
    std::size_t bytes = 0;
  };
  // False: nothing to tell yet.
  bool next_event(std::span<std::byte> to, Event& event);
  std::size_t type(std::span<const std::byte> bytes);
  void end_input();
  void resize(WindowSize size);
  void signal(int number);

  // Launch
  void process_ended(Process& process) override;
  void trace(std::string_view line) override;

 private:
  class OutputWatch final : public Watch {
   public:
    explicit OutputWatch(LaunchEvents& events) : events_(events) {}
    void notified(std::uint32_t) override { events_.launch_changed(); }

   private:
    LaunchEvents& events_;
  };
  enum class Phase : std::uint8_t { Running, Ended };

  Answer<> make_streams();
  Answer<processor::Reference<VNode>> find_or_mount(processor::Family& family, processor::Sleeper& sleeper);
  Answer<int> make_first_process(processor::Reference<processor::Family> family, processor::Reference<VNode> vnode,
                                 processor::Sleeper& sleeper);
  Answer<> install_descriptors(Process& process);
  Answer<> prepare_caller(Thread& thread);
  void fail(Errno reason, std::string_view what);
  bool is_terminal(unsigned descriptor) const { return (request_.terminals >> descriptor & 1) != 0; }

  messages::ProgramStartRequest request_;
  Strings strings_;
  LaunchEvents& events_;
  processor::Reference<processor::Family> family_;
  processor::Reference<VNode> vnode_;

  // The far ends of what is 0, 1 and 2 in the vNode: writes to stdin, reads of stdout and stderr.
  OpenFileReference input_;
  std::array<OpenFileReference, 2> outputs_;
  OpenFileReference near_input_;
  std::array<OpenFileReference, 2> near_outputs_;
  OutputWatch watch_, second_watch_, input_watch_;
  bool watched_ = false;
  processor::Reference<TerminalDevice> terminal_;
  PipeBuffer trace_;

  base::SpinLock lock_{base::LockRank::Process};  // guards all below
  Phase phase_ = Phase::Running;
  std::uint64_t first_process_ = 0;  // its serial
  WaitStatus status_;
  ProcessTimes times_;
  std::uint64_t start_ns_ = 0, end_ns_ = 0;
  int failed_code_ = 0;  // 126 or 127
  std::array<char, 200> failure_{};
  std::size_t failure_bytes_ = 0;
  bool failure_told_ = false;
  unsigned next_stream_ = 0;
};

}  // namespace linux_abi
