// SPDX-License-Identifier: Apache-2.0
// Root file systems for vNodes, as sparse ext4 images made by mke2fs. Trouble is thrown as support::Failure.
#pragma once

#include <cstdint>
#include <filesystem>

namespace rootfs {

// An image of a folder with `room_bytes` left for what programs write. Every file belongs to 0:0, unless this runs
// under fakeroot, whose owners are kept.
void make_image(const std::filesystem::path& folder, const std::filesystem::path& image, std::uint64_t room_bytes);

// The minimal root: busybox with all its applets and the few files that a Linux program may expect. Made once and kept
// in `cache`; returns its path there.
std::filesystem::path default_image(const std::filesystem::path& cache);

// Copies a sparse file, sharing its blocks where the file system can.
void copy_sparse(const std::filesystem::path& from, const std::filesystem::path& to);

inline constexpr std::uint64_t default_room_bytes = std::uint64_t{1} << 30;

}  // namespace rootfs
