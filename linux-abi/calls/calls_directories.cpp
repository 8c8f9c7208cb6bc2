// SPDX-License-Identifier: Apache-2.0
// Listing directories, in both layouts: see calls_files.h.
#include <algorithm>
#include <cstring>

#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/file_watches.h"

namespace linux_abi::calls {

namespace {

constexpr std::size_t most_bytes = 32768;  // of one answer

// linux_dirent64 becomes linux_dirent in its place: both are 20 bytes and the name, rounded up to 8; the type stands in
// the last byte instead of before the name.
void to_old_layout(std::span<std::byte> entries) {
  constexpr std::size_t length_at = 16, type_at = 18, name_at = 19;
  while (!entries.empty()) {
    std::uint16_t length = 0;
    std::memcpy(&length, entries.data() + length_at, sizeof length);
    const std::byte type = entries[type_at];
    std::memmove(entries.data() + type_at, entries.data() + name_at, length - name_at);
    entries[length - 1U] = type;
    entries = entries.subspan(length);
  }
}

enum class Layout : std::uint8_t { Old, New };

Answer<std::uint64_t> list(Call& call, Layout layout) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  base::Array<std::byte> entries;
  TRY(entries.resize(std::min<std::uint64_t>(static_cast<std::uint32_t>(call.c()), most_bytes)));
  const std::size_t bytes = TRY(file->read_directory(entries.span(), call.thread));
  tell_file(*file, file_event::access);
  if (layout == Layout::Old) to_old_layout(entries.span().first(bytes));
  TRY(call.thread.copy_out(call.b(), entries.span().first(bytes)));
  return bytes;
}

}  // namespace

Answer<std::uint64_t> getdents(Call& call) { return list(call, Layout::Old); }
Answer<std::uint64_t> getdents64(Call& call) { return list(call, Layout::New); }

}  // namespace linux_abi::calls
