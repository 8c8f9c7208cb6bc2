// SPDX-License-Identifier: Apache-2.0
// Whether QEMU can use KVM here. /dev/kvm may be there and not serve (some hosts emulate only what ordinary kernels
// do), so an image is booted to find out; the answer is kept until the host is booted again.
#pragma once

#include <filesystem>

#include "tools/rack/rack_config.h"

namespace rack {

// Auto becomes Tcg or Kvm. scratch: a folder for the console of the attempt; cache: where answers are kept.
Accelerator choose_accelerator(Accelerator wanted, const std::filesystem::path& image,
                               const std::filesystem::path& scratch, const std::filesystem::path& cache);

// Boots the image under KVM and waits until it says that it runs.
bool kvm_boots(const std::filesystem::path& image, const std::filesystem::path& scratch);

}  // namespace rack
