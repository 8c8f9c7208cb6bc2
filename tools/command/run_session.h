// SPDX-License-Identifier: Apache-2.0
// One run on a rack whose processes have been started: waits for the components, runs the program with its console, and
// releases everything. It watches over all of it meanwhile: a process of the rack that ends, signals, the time-out.
// Single-threaded, on one PollLoop.
#pragma once

#include <optional>
#include <string>

#include "net/poll_loop/poll_loop.h"
#include "tools/command/run_options.h"
#include "tools/console/console_session.h"
#include "tools/console/signals.h"
#include "tools/rack/rack_processes.h"
#include "tools/rack_client/rack_client.h"

namespace command {

// How a run ended. `failed`, if there, names what of the rack (or of lego) failed; the status is 125 then.
struct RunOutcome {
  int status = 0;
  std::optional<console::ProgramEnd> program;
  std::string failed;
  std::map<std::string, std::string> stats;  // JSON by component, if they were asked for
  bool clean = false;                        // the vNode was destroyed in order: its disk is complete
};

class RunSession {
 public:
  // logs: where the components' logs are, for messages. deadline_ns: of --timeout, or base::never_ns.
  RunSession(const RunOptions& options, poll_loop::PollLoop& loop, console::SignalSource& signals,
             rack::RackProcesses& processes, console::Descriptors descriptors, std::string logs,
             std::uint64_t deadline_ns);
  RunSession(const RunSession&) = delete;
  RunSession& operator=(const RunSession&) = delete;

  RunOutcome run(rack_client::RackClient& client);

  // Something that the rack cannot do without is gone; the first one is what the outcome names.
  void fail(const std::string& what);

 private:
  struct Alarm final : base::Timer {
    explicit Alarm(RunSession& owner) : session(owner) {}
    void expired() override { session.timed_out(); }
    RunSession& session;
  };
  enum class Phase { Starting, Running, Ending };

  base::Task<> steps();
  base::Task<> start_program();
  base::Task<> finish();
  base::Task<> step(base::Task<> task, std::string what);
  void process_ended();
  void signal_arrived();
  void handle_signal(int signal);
  void timed_out();
  void end(int status);
  void name_the_culprit();
  void check_console();

  const RunOptions& options_;
  poll_loop::PollLoop& loop_;
  console::SignalSource& signals_;
  rack::RackProcesses& processes_;
  console::Descriptors descriptors_;
  std::string logs_;
  std::uint64_t deadline_ns_;
  rack_client::RackClient* client_ = nullptr;
  Phase phase_ = Phase::Starting;
  console::InterruptPolicy interrupts_;
  std::unique_ptr<console::ConsoleSession> console_;
  base::Completion<> program_ended_;
  Alarm alarm_;
  RunOutcome outcome_;
  bool done_ = false;
};

}  // namespace command
