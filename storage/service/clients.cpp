// SPDX-License-Identifier: Apache-2.0
// Mounts and holds by client: see clients.h.
#include "storage/service/clients.h"

#include <algorithm>
#include <tuple>

namespace storage {

base::Result<> Clients::add_mount(base::BootId client) { return mounts_.push_back(client); }

bool Clients::has_mount(base::BootId client) const {
  return std::find(mounts_.begin(), mounts_.end(), client) != mounts_.end();
}

bool Clients::remove_mount(base::BootId client) {
  const auto found = std::find(mounts_.begin(), mounts_.end(), client);
  if (found == mounts_.end()) return false;
  mounts_.erase(static_cast<std::size_t>(found - mounts_.begin()));
  return true;
}

// Where the hold is, or would be.
std::size_t Clients::find(base::BootId client, base::FileId file) const {
  const auto at =
      std::lower_bound(holds_.begin(), holds_.end(), std::tuple(client, file),
                       [](const Hold& hold, const auto& key) { return std::tuple(hold.client, hold.file) < key; });
  return static_cast<std::size_t>(at - holds_.begin());
}

base::Result<> Clients::add_hold(base::BootId client, base::FileId file) {
  const std::size_t at = find(client, file);
  if (at == holds_.size() || holds_[at].client != client || holds_[at].file != file)
    return holds_.insert(at, {client, file, 1});
  ++holds_[at].count;
  return {};
}

bool Clients::remove_holds(base::BootId client, base::FileId file, std::uint64_t count) {
  const std::size_t at = find(client, file);
  if (at == holds_.size() || holds_[at].client != client || holds_[at].file != file || holds_[at].count < count)
    return false;
  holds_[at].count -= count;
  if (holds_[at].count == 0) holds_.erase(at);
  return true;
}

bool Clients::forget_mounts(base::BootId client) {
  bool had = false;
  while (remove_mount(client)) had = true;
  return had;
}

bool Clients::take_hold(base::BootId client, Hold& hold) {
  const std::size_t at = find(client, base::FileId(0));
  if (at == holds_.size() || holds_[at].client != client) return false;
  hold = holds_[at];
  holds_.erase(at);
  return true;
}

void Clients::clear() {
  mounts_.clear();
  holds_.clear();
}

}  // namespace storage
