// SPDX-License-Identifier: Apache-2.0
// Kernel and initramfs of the Linux guest: made by guest/make_image.sh out of the distribution's packages, once, and
// kept beside the build.
#pragma once

#include <filesystem>

namespace machines {

// Makes them unless they are there and up to date; downloads some 40 MB the first time. Throws support::Failure if that
// cannot be done.
void make_guest_image();

// Both throw std::runtime_error if nobody has made them.
std::filesystem::path guest_kernel();
std::filesystem::path guest_initramfs();

}  // namespace machines
