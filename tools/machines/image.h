// SPDX-License-Identifier: Apache-2.0
// One of our images on a port of the rack's switch, by itself: it looks for managers in vain, and does what its command
// line says besides. Waiting for a line of its console throws std::runtime_error with the console's end if it does not
// come.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tools/machines/process.h"
#include "tools/support/folder.h"

namespace machines {

struct ImageConfig {
  std::filesystem::path file;
  std::filesystem::path switch_socket;
  std::string ip = "10.77.8.100/16";  // beside the addresses of a rack and of Linux peers
  std::string mac = "52:54:4c:47:08:64";
  std::string options;  // more words of its command line
  unsigned memory_mb = 128;
  unsigned mtu = 4200;
};

class Image {
 public:
  explicit Image(ImageConfig config) : config_(std::move(config)) {}

  void start();
  void wait_for_line(const std::string& text, unsigned seconds = 60);
  bool running() { return process_ && process_->running(); }
  std::string ip() const { return config_.ip.substr(0, config_.ip.find('/')); }
  std::string console() const;  // all of it

 private:
  ImageConfig config_;
  support::Folder folder_;
  std::optional<Process> process_;
};

}  // namespace machines
