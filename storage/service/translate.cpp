// SPDX-License-Identifier: Apache-2.0
// Messages and the file system's types: see translate.h.
#include "storage/service/translate.h"

#include <cstring>

namespace storage {

messages::FileAttributes to_message(const Attributes& attributes) {
  messages::FileAttributes message;
  message.file = attributes.file.value();
  message.inode = attributes.inode;
  message.size = attributes.size;
  message.blocks = attributes.blocks;
  message.access_time_ns = static_cast<std::uint64_t>(attributes.access_time);
  message.modify_time_ns = static_cast<std::uint64_t>(attributes.modify_time);
  message.change_time_ns = static_cast<std::uint64_t>(attributes.change_time);
  message.mode = attributes.mode;
  message.links = attributes.links;
  message.uid = attributes.uid;
  message.gid = attributes.gid;
  message.device = attributes.device;
  return message;
}

messages::FileAttributesReply attributes_reply(const Attributes& attributes) { return {to_message(attributes)}; }

AttributeChanges from_message(const messages::FileSetAttributesRequest& request) {
  const std::uint32_t mask = request.mask;
  const auto has = [mask](messages::SetAttributes bit) { return (mask & static_cast<std::uint32_t>(bit)) != 0; };
  AttributeChanges changes;
  changes.set_mode = has(messages::SetAttributes::Mode);
  changes.set_uid = has(messages::SetAttributes::Uid);
  changes.set_gid = has(messages::SetAttributes::Gid);
  changes.set_size = has(messages::SetAttributes::Size);
  changes.grow_only = has(messages::SetAttributes::GrowOnly);
  changes.set_access_time = has(messages::SetAttributes::AccessTime);
  changes.set_modify_time = has(messages::SetAttributes::ModifyTime);
  changes.set_change_time = has(messages::SetAttributes::ChangeTime);
  changes.mode = request.mode;
  changes.uid = request.uid;
  changes.gid = request.gid;
  changes.size = request.size;
  changes.access_time = static_cast<Time>(request.access_time_ns.get());
  changes.modify_time = static_cast<Time>(request.modify_time_ns.get());
  changes.change_time = static_cast<Time>(request.change_time_ns.get());
  return changes;
}

base::Result<std::string_view> text_of(std::span<const std::byte> tail, std::size_t offset, std::size_t bytes) {
  if (offset > tail.size() || bytes > tail.size() - offset) return base::fail(base::Error::Malformed);
  return std::string_view(reinterpret_cast<const char*>(tail.data()) + offset, bytes);
}

bool EntryWriter::entry(std::string_view name, std::uint64_t inode, std::uint8_t type, std::uint64_t cookie) {
  const std::size_t needed = (sizeof(messages::DirectoryEntry) + name.size() + 7) & ~std::size_t{7};
  if (needed > into_.size() - used_) return false;
  messages::DirectoryEntry header;
  header.inode = inode;
  header.cookie = cookie;
  header.entry_bytes = static_cast<std::uint16_t>(needed);
  header.type = type;
  header.name_bytes = static_cast<std::uint8_t>(name.size());
  std::byte* at = into_.data() + used_;
  std::memset(at, 0, needed);
  std::memcpy(at, &header, sizeof(header));
  std::memcpy(at + sizeof(header), name.data(), name.size());
  used_ += static_cast<std::uint32_t>(needed);
  return true;
}

}  // namespace storage
