// SPDX-License-Identifier: Apache-2.0
// A QEMU under test: started with the image, its console read line by line, ended with its owner.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tools/support/fd.h"

namespace harness {

class Qemu {
 public:
  Qemu(const std::string& image, const std::vector<std::string>& options);
  Qemu(const Qemu&) = delete;
  Qemu& operator=(const Qemu&) = delete;
  ~Qemu();

  // Reads the console until a line contains `text`; false: QEMU ended or `seconds` passed first. Looks at what has been
  // read already, too.
  bool wait_for(const std::string& text, unsigned seconds = 60);
  bool said(const std::string& text) const { return console_.find(text) != std::string::npos; }
  const std::string& console() const { return console_; }

  double cpu_seconds() const;

 private:
  bool read_some(int timeout_ms);
  pid_t pid_ = -1;
  support::Fd output_;
  std::string console_;
};

}  // namespace harness
