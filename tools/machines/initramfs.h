// SPDX-License-Identifier: Apache-2.0
// More files for a guest: an initramfs may consist of several cpio archives one after the other.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace machines {

// Host path, path in the guest.
using GuestFiles = std::vector<std::pair<std::filesystem::path, std::string>>;

// Writes `image` with the files added (mode kept, owner root, folders made) to `target`. Throws std::runtime_error.
void add_files(const std::filesystem::path& image, const GuestFiles& files, const std::filesystem::path& target);

}  // namespace machines
