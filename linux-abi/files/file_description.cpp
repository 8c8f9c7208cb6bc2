// SPDX-License-Identifier: Apache-2.0
// Small things that open files share: see file_description.h.
#include "linux-abi/files/file_description.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "kernel/base/format.h"
#include "linux-abi/files/file_context.h"

namespace linux_abi {

std::size_t describe_place(Place& place, std::span<char> to, Caller& caller) {
  const PlaceReference root = caller.file_context().root();
  const auto path = place.path(*root, true);
  if (!path) return 0;
  const std::size_t bytes = std::min(path->size(), to.size());
  std::memcpy(to.data(), path->data(), bytes);
  return bytes;
}

std::size_t describe_numbered(std::string_view kind, std::uint64_t number, std::span<char> to) {
  return base::format(to, "{}:[{}]", kind, number).size();
}

std::uint64_t next_anonymous_inode() {
  static std::atomic<std::uint64_t> last{0};  // relaxed: only the numbers must differ
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace linux_abi
