// SPDX-License-Identifier: Apache-2.0
// Whether a terminal's output stands still: by a key (^S, until ^Q) or by a program (tcflow(3), until it says so).
#pragma once

#include <utility>

namespace linux_abi {

class OutputFlow {
 public:
  bool stopped() const { return stopped_; }

  void stop() { stopped_ = true; }
  // What a program has stopped no key starts.
  void start() { stopped_ = suspended_; }
  void suspend() { stopped_ = suspended_ = true; }
  // Nothing unless a program has stopped it.
  void resume() {
    if (std::exchange(suspended_, false)) stopped_ = false;
  }

 private:
  bool stopped_ = false;
  bool suspended_ = false;  // by a program
};

}  // namespace linux_abi
