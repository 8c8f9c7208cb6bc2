// SPDX-License-Identifier: Apache-2.0
// What a user of a rack does with it: waits until its components have joined, makes a vNode, runs a program in it and
// carries its console, reads counters. The implementation speaks net/rpc (roce_client.h); tests have a fake. All calls
// and answers are on the thread of the loop; a Task ends with an error if the rack cannot do it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kernel/base/task.h"
#include "tools/console/console_session.h"

namespace rack_client {

struct ProgramSpec {
  std::string hostname;
  std::string root;  // the sComponent with the root file system, a name; empty: any
  std::string working_directory;
  std::vector<std::string> arguments;  // the program is the first
  std::vector<std::string> environment;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t terminals = 0;  // bit n: descriptor n is a terminal
  console::WindowSize window;
  std::uint32_t trace = 0;
  std::uint32_t kept = 0;  // see messages::ProgramStartRequest
};

class RackClient {
 public:
  virtual ~RackClient() = default;

  // Until these components are members, or the time is over; gives the names of those that are not.
  virtual base::Task<std::vector<std::string>> wait_for_members(std::vector<std::string> names,
                                                                std::uint64_t deadline_ns) = 0;
  // Makes a vNode and starts the program in it. TooBig: the arguments do not fit in a message.
  virtual base::Task<> start_program(ProgramSpec spec) = 0;

  // The console of the started program; its answers go to the session that is attached. `lost` tells that the console
  // cannot be carried on.
  virtual console::ConsoleLink& console() = 0;
  virtual void attach(console::ConsoleSession& session, std::function<void(base::Error)> lost) = 0;

  // Returns when everything that the program had is released on all components.
  virtual base::Task<> release_program() = 0;
  // JSON texts by component, the managers ("gmm") too.
  virtual base::Task<std::map<std::string, std::string>> read_stats() = 0;
  // Everything that was written is on the disk of the sComponent then.
  virtual base::Task<> destroy_vnode() = 0;
  // Leaves the rack in order. Not after an error: then the client is left as it is.
  virtual base::Task<> leave() = 0;
};

}  // namespace rack_client
