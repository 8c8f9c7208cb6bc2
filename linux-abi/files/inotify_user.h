// SPDX-License-Identifier: Apache-2.0
// What a user has of inotify, for its limits. Lives while the user has an inotify file.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

namespace linux_abi {

struct InotifyUser : boost::intrusive::list_base_hook<> {
  std::uint32_t uid = 0;
  std::uint32_t instances = 0;  // guarded by the lock of the users, in inotify_file.cpp
  std::uint32_t watches = 0;    // guarded by the lock of the watches, in file_watches.cpp
};

}  // namespace linux_abi
