// SPDX-License-Identifier: Apache-2.0
// One `lego run` under test: its standard streams are pipes (or a terminal), and the processes of its rack can be found,
// stopped and killed by name.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/support/fd.h"

namespace harness {

using Words = std::vector<std::string>;

struct Ended {
  int status = -1;  // of the process; 128 + N for signal N
  std::string out;
  std::string error;
};

// Runs a command on this machine and collects what it says.
Ended run_here(const Words& command, const std::string& input = {}, const std::filesystem::path& folder = {});

class RackRun {
 public:
  enum class Streams { Pipes, Terminal };

  // The environment's LEGO_RUN_OPTIONS are added to the options.
  RackRun(const Words& options, const Words& program, Streams streams = Streams::Pipes);
  RackRun(const RackRun&) = delete;
  RackRun& operator=(const RackRun&) = delete;
  ~RackRun();

  void type(const std::string& text);  // to its standard input
  void close_input();
  // Until its standard output, from where the last call stopped looking, contains the text. False: it ended or the
  // seconds passed first.
  bool wait_for(const std::string& text, unsigned seconds = 120);
  // To the end of lego. A run that takes longer is killed; its status is -1.
  Ended wait(unsigned seconds = 300);
  // What came on its standard output so far.
  const std::string& output() const { return out_; }

  pid_t lego() const { return lego_; }
  // "p0", "m0", "s0", "gmm", "switch", "guardian": a process of the rack; 0: there is none (any more).
  pid_t process(const std::string& name) const;
  // All of them that are there now.
  std::map<std::string, pid_t> processes() const;

  const std::filesystem::path& folder() const { return folder_; }
  // The counters; the run had ended by itself.
  nlohmann::json stats() const;

 private:
  bool read_some(int timeout_ms);
  std::filesystem::path folder_;
  pid_t lego_ = -1;
  int status_ = -1;
  support::Fd input_, output_, error_;
  std::string out_, error_text_;
  std::size_t looked_ = 0;
};

// User and system time a process has used.
double processor_seconds(pid_t pid);
bool is_alive(pid_t pid);

}  // namespace harness
