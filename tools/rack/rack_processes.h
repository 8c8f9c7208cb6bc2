// SPDX-License-Identifier: Apache-2.0
// lego's side of the guardian: a private temporary folder and the processes of one rack, which are gone when this
// object is, and also if lego dies before. Everything here reports trouble by throwing support::Failure.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "tools/rack/process_plan.h"
#include "tools/support/fd.h"

namespace rack {

class RackProcesses {
 public:
  // Starts the guardian program, which makes the folder. terminal_fd: its settings are restored should lego be killed.
  RackProcesses(const std::filesystem::path& guardian_program, int terminal_fd);
  RackProcesses(const RackProcesses&) = delete;
  RackProcesses& operator=(const RackProcesses&) = delete;
  ~RackProcesses();

  const std::filesystem::path& folder() const { return folder_; }

  // Returns when all run.
  void start(const ProcessPlan& plan);

  // Readable when a process has ended.
  int event_fd() const { return control_.get(); }
  struct Ended {
    std::string name;  // as in the plan; "guardian" for the guardian itself
    std::string how;   // "was killed by signal 9", "ended with status 1"
  };
  // What has happened, without waiting.
  std::optional<Ended> next_event();

  // Ends all processes in order; the folder stays until the destructor.
  void stop();

 private:
  std::string expect_packet();

  support::Fd control_;
  pid_t guardian_ = -1;
  std::filesystem::path folder_;
};

// Where temporary folders go: $TMPDIR if the paths of sockets fit, or /tmp.
std::filesystem::path temporary_parent();

}  // namespace rack
