// SPDX-License-Identifier: Apache-2.0
// A program that is spoken to line by line: a line on its stdin, a line back on its stdout. Its stderr goes to a file.
// It ends with its owner, however that ends. Throws Failure with the end of its stderr when it does not answer.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "tools/support/child.h"
#include "tools/support/fd.h"

namespace support {

class Conversation {
 public:
  Conversation(const Arguments& arguments, std::filesystem::path errors);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation();  // ends it

  void say(const std::string& line);
  std::string hear(unsigned seconds);
  std::string ask(const std::string& line, unsigned seconds) {
    say(line);
    return hear(seconds);
  }
  // Closes its stdin and waits for its end; its status as a shell says it.
  int end();

 private:
  [[noreturn]] void fail(const std::string& what);

  std::string name_;
  std::filesystem::path errors_;
  Fd to_, from_;
  pid_t pid_ = -1;
  std::string heard_;
};

}  // namespace support
