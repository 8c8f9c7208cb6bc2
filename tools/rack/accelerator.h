// SPDX-License-Identifier: Apache-2.0
// Whether QEMU can use KVM here. /dev/kvm may be there and not serve (some hosts emulate only what ordinary kernels
// do), so an image is booted to find out; the answer is kept until the host is booted again.
#pragma once

#include <filesystem>

#include "tools/rack/rack_config.h"

namespace rack {

// Auto becomes Tcg or Kvm; Kvm that does not serve is a support::Failure. scratch: a folder for the console of the
// attempt; cache: where answers are kept.
Accelerator choose_accelerator(Accelerator wanted, const std::filesystem::path& image,
                               const std::filesystem::path& scratch, const std::filesystem::path& cache);

// Boots a pComponent's image and waits, for some seconds at most, until it says that it runs.
bool boots(Accelerator accelerator, const std::filesystem::path& image, const std::filesystem::path& scratch);

}  // namespace rack
