// SPDX-License-Identifier: Apache-2.0
// A program's console at lego's end: carries stdin there and stdout and stderr back, byte for byte, with a bounded
// number of bytes in between, and turns the program's end into lego's exit status. The rack's side is a ConsoleLink:
// net/rpc in `lego run`, a fake in tests. Everything runs on the thread of the PollLoop.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "net/poll_loop/poll_loop.h"
#include "tools/console/output_pump.h"
#include "tools/console/terminal.h"

namespace console {

struct ProgramEnd {
  enum class Kind { Exited, Signaled, NotStarted };
  Kind kind = Kind::Exited;
  int code = 0;     // exit status, signal, or 126 or 127
  std::string why;  // NotStarted: one line for the user
  std::uint64_t wall_ns = 0;
  std::uint64_t user_ns = 0;
  std::uint64_t system_ns = 0;
};
// As a shell says it.
int exit_status(const ProgramEnd& end);

class ConsoleLink {
 public:
  // Input for the program; the session's input_taken() says when more may come. No bytes: stdin has ended.
  virtual void send_input(std::span<const std::byte> bytes) = 0;
  // Asks for what comes next; the answer is one call of the session's output() or ended().
  virtual void request_event() = 0;
  virtual void resize(WindowSize size) = 0;
  virtual void send_signal(int signal) = 0;  // to the program's foreground process group

 protected:
  ~ConsoleLink() = default;
};

struct Descriptors {
  int in = 0;
  int out = 1;
  int error = 2;
};

class ConsoleSession {
 public:
  ConsoleSession(poll_loop::PollLoop& loop, ConsoleLink& link, Descriptors descriptors);
  ConsoleSession(const ConsoleSession&) = delete;
  ConsoleSession& operator=(const ConsoleSession&) = delete;

  // The program runs: begin to carry. A terminal at stdin becomes raw.
  void start();

  // What the link answers.
  void input_taken();
  void input_refused();                                       // nobody will read stdin any more
  void output(int stream, std::span<const std::byte> bytes);  // stream 1 or 2
  void ended(ProgramEnd end);

  // Signals that lego got.
  void window_changed();
  void stopping();   // before lego stops: the terminal is as it was
  void continued();  // after it

  // The program's end, once all its output is written.
  const ProgramEnd* finished() const;

 private:
  void read_input();
  void pump_wrote(OutputPump& pump);
  OutputPump& pump_of(int stream) { return stream == 2 && error_ ? *error_ : *out_; }
  std::size_t waiting_bytes() const;
  void request_more();

  ConsoleLink& link_;
  Descriptors descriptors_;
  std::optional<RawTerminal> terminal_;
  WindowSize size_;
  std::unique_ptr<OutputPump> out_;
  std::unique_ptr<OutputPump> error_;  // none if stdout and stderr are the same file: order matters then
  poll_loop::PollLoop::Watch in_watch_;
  poll_loop::PollLoop::Watch out_watch_;
  poll_loop::PollLoop::Watch error_watch_;
  poll_loop::PollLoop& loop_;
  bool requested_ = false;
  bool started_ = false;
  std::optional<ProgramEnd> end_;
};

}  // namespace console
