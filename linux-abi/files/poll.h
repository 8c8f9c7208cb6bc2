// SPDX-License-Identifier: Apache-2.0
// Waiting for one of several files to be ready: what poll and select have in common.
#pragma once

#include <span>

#include "linux-abi/files/open_file.h"

namespace linux_abi {

struct PolledFile {
  OpenFileReference file;    // empty: never ready, unless `ready` says so from the start (POLLNVAL)
  std::uint32_t wanted = 0;  // POLL*; what is told without asking (POLLERR, POLLHUP) included
  std::uint32_t ready = 0;
};

// How many are ready, each with its events; 0: none was until the deadline (0: do not wait). A signal:
// restart_no_handler.
Answer<std::size_t> poll_files(Caller& caller, std::span<PolledFile> files, std::uint64_t deadline_ns);

}  // namespace linux_abi
