// SPDX-License-Identifier: Apache-2.0
// The parent of a rack's processes, in a session of its own, so that nothing that ends lego (kill -9, a closed
// terminal, a killed process group) leaves anything behind: it notices by the end of its control socket, kills every
// child, gives the terminal its settings back and removes the temporary folder. Should the guardian itself be killed,
// the kernel kills its children (PR_SET_PDEATHSIG), and lego removes the folder. Single-threaded.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tools/rack/process_plan.h"
#include "tools/support/fd.h"

namespace rack {

class Guardian {
 public:
  // control: a SOCK_SEQPACKET end (control.h). terminal: lego's terminal, or none. parent: where the folder is made.
  Guardian(support::Fd control, support::Fd terminal, const std::filesystem::path& parent);
  ~Guardian();

  // Serves until lego is gone or has closed its end. The caller blocked SIGCHLD, SIGTERM, SIGINT and SIGHUP.
  void run();

 private:
  bool handle_packet();  // false: lego's end is closed
  void start_processes();
  pid_t start(const PlannedProcess& process, int ready_fd);
  void wait_until_ready(const PlannedProcess& process, const support::Fd& ready);
  bool take_signals();  // false: someone asks it to end
  void reap();
  void report_ended();
  void stop_processes();
  void kill_leftovers();
  void restore_terminal();

  support::Fd control_;
  support::Fd terminal_;
  termios terminal_settings_{};
  support::Fd signals_;
  std::filesystem::path folder_;
  struct Child {
    std::string name;
    std::size_t order = 0;  // in which it was started
  };
  struct EndedChild {
    Child child;
    int status = 0;
  };
  std::map<pid_t, Child> running_;
  std::vector<EndedChild> ended_;  // not yet reported
  std::size_t started_ = 0;
  bool stopping_ = false;
};

}  // namespace rack
