// SPDX-License-Identifier: Apache-2.0
// Two Linux guests with soft-RoCE on the switch, measured by perftest. Throws support::Failure with what went wrong.
#pragma once

#include <filesystem>
#include <string>

#include "tools/bench/measurement.h"
#include "tools/machines/linux_peer.h"

namespace bench {

class RxePair final : public Subject {
 public:
  RxePair(const std::filesystem::path& server_socket, const std::filesystem::path& client_socket);

  void boot();
  void wait_until_ready();
  Measured measure(const Cell& cell, const Effort& effort) override;
  // "Linux 6.1.0-18-amd64", "6.06": for the record.
  std::string kernel();
  std::string perftest_version();

 private:
  machines::LinuxPeer server_;
  machines::LinuxPeer client_;
};

}  // namespace bench
