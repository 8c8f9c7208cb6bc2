// SPDX-License-Identifier: Apache-2.0
// The command lines of a rack: the switch, gmmd and a QEMU for each component. A pure function of what is asked for and
// where the files are.
#pragma once

#include <filesystem>
#include <vector>

#include "tools/rack/process_plan.h"
#include "tools/rack/rack_config.h"

namespace rack {

// How QEMU keeps an image's writes: those to a copy for one run need not survive a crash of the host.
enum class DiskUse { Copy, Own };

struct RackFiles {
  std::filesystem::path build;               // build/gcc
  std::filesystem::path folder;              // the private temporary folder: sockets and the key
  std::filesystem::path logs;                // serial consoles and messages, NAME.log each
  std::filesystem::path key;                 // the rack key: 32 random bytes
  std::vector<std::filesystem::path> disks;  // of s0, s1...
  DiskUse root_use = DiskUse::Copy;          // of the first
};

// accelerator: Tcg or Kvm.
ProcessPlan make_plan(const RackConfig& config, Accelerator accelerator, const RackFiles& files);

std::filesystem::path socket_of(const RackFiles& files, const Component& component);
std::filesystem::path gdb_socket_of(const RackFiles& files, const Component& component);
std::filesystem::path image_of(const std::filesystem::path& build, Kind kind);

// The part of QEMU's command line that says which machine it is.
std::vector<std::string> machine_arguments(Accelerator accelerator);

}  // namespace rack
