// SPDX-License-Identifier: Apache-2.0
// The files of one run: the rack key, the disks, the logs, the counters. All but what the user named lies in the rack's
// temporary folder. Trouble is thrown as support::Failure.
#pragma once

#include <map>
#include <string>

#include "tools/command/run_options.h"
#include "tools/command/run_session.h"
#include "tools/rack/rack_plan.h"
#include "tools/support/fd.h"

namespace command {

// A new random key in this file.
void write_rack_key(const std::filesystem::path& file);

// The root of s0 with the user's files in it, and empty disks for the other sComponents.
struct Disks {
  std::vector<std::filesystem::path> paths;
  rack::DiskUse root_use = rack::DiskUse::Copy;
  support::Fd lock;  // of a user's image, so that no second run uses it
};
Disks prepare_disks(const RunOptions& options, const std::filesystem::path& folder, const std::filesystem::path& cache);

// Which of /tmp and /run are to be on the disk, as messages::ProgramStartRequest says it: those that something is copied
// out of, and in a user's image, where changes persist, those that its /etc/fstab does not give to tmpfs.
std::uint32_t kept_on_disk(const RunOptions& options);
void copy_out(const RunOptions& options, const std::filesystem::path& root_image);

// Says early that a file which is to be written at the end cannot be.
void check_writable(const std::string& path);
void write_stats(const std::string& path, const RunOutcome& outcome);

// Keeps the logs of a rack that failed: copies them to a new folder in `kept` and returns it; old ones go.
std::filesystem::path keep_logs(const std::filesystem::path& logs, const std::filesystem::path& kept);

}  // namespace command
