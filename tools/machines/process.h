// SPDX-License-Identifier: Apache-2.0
// A program that a test starts beside itself: its output goes to a file, and it ends with its owner, however the test
// ends.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace machines {

class Process {
 public:
  // inherited: descriptors that the program keeps, under the same numbers.
  Process(std::vector<std::string> arguments, std::filesystem::path log, const std::vector<int>& inherited = {});
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // kills it if it runs

  bool running();
  // Asks it to end, and insists after some seconds. Returns its status as a shell says it.
  int stop();
  pid_t pid() const { return pid_; }
  const std::filesystem::path& log() const { return log_; }
  // The end of what it said.
  std::string last_words() const;

 private:
  bool wait(unsigned seconds);

  std::filesystem::path log_;
  pid_t pid_ = -1;
  int status_ = -1;  // once it ended
};

}  // namespace machines
