// SPDX-License-Identifier: Apache-2.0
// What each client has of the file system: mounts, and holds of files. When a client dies, this is what it leaves.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace storage {

class Clients {
 public:
  struct Hold {
    base::BootId client;
    base::FileId file;
    std::uint64_t count = 0;
  };

  base::Result<> add_mount(base::BootId client);
  // False: it has none.
  bool remove_mount(base::BootId client);
  bool has_mount(base::BootId client) const;
  std::uint64_t mounts() const { return mounts_.size(); }

  base::Result<> add_hold(base::BootId client, base::FileId file);
  // False: it does not have that many.
  bool remove_holds(base::BootId client, base::FileId file, std::uint64_t count);

  // Forgets a client's mounts; its holds come one by one until there are none.
  bool forget_mounts(base::BootId client);
  bool take_hold(base::BootId client, Hold& hold);
  // Forgets everything.
  void clear();

 private:
  std::size_t find(base::BootId client, base::FileId file) const;

  base::Array<base::BootId> mounts_;
  base::Array<Hold> holds_;  // by client and file
};

}  // namespace storage
