// SPDX-License-Identifier: Apache-2.0
// How a vNode is called, and how it finds that name: files of /etc that no package brings.
#pragma once

#include <filesystem>

namespace rootfs {

// hosts, hostname and an empty resolv.conf (there is no name server to be reached) into the folder. They are those of
// a vNode with its usual name, `lego`.
void write_machine_names(const std::filesystem::path& etc);

}  // namespace rootfs
