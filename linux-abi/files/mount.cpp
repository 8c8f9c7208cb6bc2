// SPDX-License-Identifier: Apache-2.0
// Mounted file systems: see mount.h.
#include "linux-abi/files/mount.h"

#include "linux-abi/files/home_file_system.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

MountedSystem::MountedSystem(std::string_view system_type, std::uint64_t system_device)
    : type(system_type), device(system_device) {}
MountedSystem::~MountedSystem() = default;

Answer<> check_writable(const Place& place) {
  const Mount* mount = place.mount();
  return mount != nullptr && mount->is_read_only() ? error(EROFS) : Answer<>();
}

Answer<> check_content_writable(const Place& place) {
  const Node& node = place.node();
  if (node.type() != file_mode::regular && !node.is_directory() && !node.is_link()) return {};
  return check_writable(place);
}

}  // namespace linux_abi
