// SPDX-License-Identifier: Apache-2.0
#include "tools/machines/switch.h"

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>

#include "tools/support/fd.h"

namespace machines {

Switch::Switch(const std::vector<std::string>& ports, const Options& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const support::Fd ready(ends[0]);
  support::Fd written(ends[1]);
  std::vector<std::string> arguments = {ETHER_SWITCH, "--ready-fd", std::to_string(written.get())};
  for (const std::string& port : ports) {
    arguments.insert(arguments.end(), {"--port", port + "=" + socket(port).string()});
  }
  if (!options.faults.empty()) arguments.insert(arguments.end(), {"--faults", options.faults});
  if (!options.pcap.empty()) arguments.insert(arguments.end(), {"--pcap", options.pcap});
  process_.emplace(arguments, folder_.path() / "switch.log", std::vector<int>{written.get()});
  written.reset();
  char byte;
  if (read(ready.get(), &byte, 1) != 1) throw std::runtime_error("no switch: " + process_->last_words());
}

std::string Switch::stop() {
  process_->stop();
  return process_->last_words();
}

}  // namespace machines
