// SPDX-License-Identifier: Apache-2.0
// An unmodified program of the guest, started with its output going to a file; it is killed if it outlives its owner.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace verbs_peer {

class ChildProgram {
 public:
  explicit ChildProgram(std::vector<std::string> arguments);
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;
  ~ChildProgram();

  bool running();
  // Its exit status, 128 + N for signal N; nothing: it still runs.
  std::optional<int> wait(std::chrono::seconds patience);
  std::string output() const;

 private:
  pid_t pid_;
  std::optional<int> status_;
  std::string log_;
};

}  // namespace verbs_peer
