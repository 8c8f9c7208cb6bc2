// SPDX-License-Identifier: Apache-2.0
// Open texts: see text_file.h.
#include "linux-abi/files/text_file.h"

#include <algorithm>
#include <cstring>

namespace linux_abi {

Answer<std::size_t> TextFile::write(std::span<const std::byte> from, Caller& caller) {
  if (store_ == nullptr) return error(EINVAL);
  TRY(store_({reinterpret_cast<const char*>(from.data()), from.size()}, subject_, caller));
  return from.size();
}

Answer<std::size_t> TextFile::read_at(std::uint64_t offset, std::span<std::byte> to, Caller& caller) {
  TextWriter fresh;
  // Who reads may be another than who was let to open it: if he may not see it, it stays what it was.
  const bool again =
      offset == 0 && old_.load(std::memory_order_relaxed) && write_ != nullptr && write_(fresh, subject_, caller);
  threads::MutexGuard guard(text_lock_);
  if (again) std::swap(text_, fresh.bytes());
  grow_old();
  if (offset >= text_.size()) return std::size_t{0};
  const std::size_t bytes = std::min<std::size_t>(to.size(), text_.size() - offset);
  std::memcpy(to.data(), text_.data() + offset, bytes);
  return bytes;
}

}  // namespace linux_abi
