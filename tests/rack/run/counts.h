// SPDX-License-Identifier: Apache-2.0
// What is left of a program on all components after it ended: frames, ids, files, threads, and complaints in the logs.
// Two runs that differ in how much was done, not in what, must leave the same.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace harness {

// From RackRun::stats(): "m0.files" and so on. Frames of the kernel are not exact (a slab that is empty is kept).
using Counts = std::map<std::string, std::int64_t>;
Counts what_is_left(const nlohmann::json& stats);
// Frames in use by the kernel of a component ("p0", "m0", "s0").
std::int64_t kernel_frames(const nlohmann::json& stats, const std::string& component);
// Lines of the components' logs (of RackRun::folder()) that tell of a mistake of ours: errors, panics, assertions.
std::string complaints(const std::filesystem::path& folder);

}  // namespace harness
