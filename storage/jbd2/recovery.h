// SPDX-License-Identifier: Apache-2.0
// After a crash: what the journal's committed transactions say goes to its place, the latest contents of each block
// once. A transaction counts if all of it is there; the first that is not ends the log. Damage inside of it, in front
// of transactions that are whole, is an error, for what they changed may have reached its place already.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "storage/jbd2/log_file.h"

namespace jbd2 {

struct Recovered {
  std::uint64_t transactions = 0;
  std::uint64_t blocks = 0;   // written to their places
  std::uint64_t revokes = 0;  // blocks that were not
};

// The log has been loaded. On return it is empty and everything is on the disk; on an error it is as before and can be
// replayed again. `disk_blocks`: of the file system. Errors: Malformed (a hostile log), IoError, NoMemory.
base::Result<Recovered> recover(LogFile& log, std::uint64_t disk_blocks);

}  // namespace jbd2
