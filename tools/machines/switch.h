// SPDX-License-Identifier: Apache-2.0
// The rack's Ethernet switch as a program beside a test, with one socket for each named port.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/machines/process.h"
#include "tools/support/folder.h"

namespace machines {

class Switch {
 public:
  struct Options {
    std::string faults;          // as `lego run --faults`; empty: none
    std::filesystem::path pcap;  // empty: none
  };
  // Returns when all ports listen.
  explicit Switch(const std::vector<std::string>& ports) : Switch(ports, Options()) {}
  Switch(const std::vector<std::string>& ports, const Options& options);

  std::filesystem::path socket(const std::string& port) const { return folder_.path() / (port + ".sock"); }
  // Ends it, so that a capture is complete; its line of counters.
  std::string stop();

 private:
  support::Folder folder_;
  std::optional<Process> process_;
};

}  // namespace machines
