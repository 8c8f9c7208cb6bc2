// SPDX-License-Identifier: Apache-2.0
// Between the file messages and the file system's own types.
#pragma once

#include <string_view>

#include "kernel/base/error.h"
#include "net/messages/file.h"
#include "storage/file_system.h"

namespace storage {

messages::FileAttributes to_message(const Attributes& attributes);
messages::FileAttributesReply attributes_reply(const Attributes& attributes);
AttributeChanges from_message(const messages::FileSetAttributesRequest& request);

// `bytes` of a tail from `offset` on, as text; Malformed if it is shorter.
base::Result<std::string_view> text_of(std::span<const std::byte> tail, std::size_t offset, std::size_t bytes);

// Directory entries as a message has them.
class EntryWriter final : public DirectoryVisitor {
 public:
  explicit EntryWriter(std::span<std::byte> into) : into_(into) {}
  bool entry(std::string_view name, std::uint64_t inode, std::uint8_t type, std::uint64_t cookie) override;
  std::uint32_t bytes() const { return used_; }

 private:
  std::span<std::byte> into_;
  std::uint32_t used_ = 0;
};

}  // namespace storage
