// SPDX-License-Identifier: Apache-2.0
// A Debian 12 root for vNodes, made from the distribution's own archive by mmdebstrap: packages unpacked, their
// maintainer scripts run, owners and modes as Debian has them. Needs no root where the host lets a user make
// namespaces. Trouble is thrown as support::Failure.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rootfs {

// Debian's essential packages and apt, and `packages` with what they depend on, as an ext4 image; its path in `cache`,
// where the same packages are found again. What takes minutes is told on stderr.
std::filesystem::path debian_image(const std::filesystem::path& cache, const std::vector<std::string>& packages);

}  // namespace rootfs
