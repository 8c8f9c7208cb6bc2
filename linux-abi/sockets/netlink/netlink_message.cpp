// SPDX-License-Identifier: Apache-2.0
// Parsing and writing: see netlink_message.h.
#include "linux-abi/sockets/netlink/netlink_message.h"

#include <algorithm>

namespace linux_abi {

std::optional<NetlinkMessage> next_message(std::span<const std::byte>& datagram) {
  NetlinkMessage message;
  if (datagram.size() < sizeof message.header) return std::nullopt;
  std::memcpy(&message.header, datagram.data(), sizeof message.header);
  const std::size_t bytes = message.header.nlmsg_len;
  if (bytes < sizeof message.header || bytes > datagram.size()) return std::nullopt;
  message.bytes = datagram.first(bytes);
  datagram = datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(bytes), datagram.size()));
  return message;
}

std::optional<std::span<const std::byte>> find_attribute(std::span<const std::byte> attributes, std::uint16_t type) {
  nlattr head{};
  while (attributes.size() >= sizeof head) {
    std::memcpy(&head, attributes.data(), sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > attributes.size()) return std::nullopt;
    if ((head.nla_type & NLA_TYPE_MASK) == type) return attributes.first(head.nla_len).subspan(sizeof head);
    attributes = attributes.subspan(std::min<std::size_t>(NLA_ALIGN(head.nla_len), attributes.size()));
  }
  return std::nullopt;
}

std::optional<std::string_view> attribute_text(std::span<const std::byte> attributes, std::uint16_t type) {
  const auto found = find_attribute(attributes, type);
  if (!found) return std::nullopt;
  const std::string_view text(reinterpret_cast<const char*>(found->data()), found->size());
  return text.substr(0, text.find('\0'));
}

Answer<> NetlinkWriter::append(const void* bytes, std::size_t size) {
  TRY(bytes_.append(std::span(static_cast<const std::byte*>(bytes), size)));
  TRY(bytes_.resize(NLMSG_ALIGN(bytes_.size())));
  return {};
}

Answer<> NetlinkWriter::begin_message(std::uint16_t type, std::uint16_t flags) {
  begun_ = bytes_.size();
  const nlmsghdr header{
      .nlmsg_len = 0, .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = request_.nlmsg_seq, .nlmsg_pid = port_};
  return append(&header, sizeof header);
}

void NetlinkWriter::end() {
  const auto bytes = static_cast<std::uint32_t>(bytes_.size() - begun_);
  std::memcpy(bytes_.data() + begun_ + offsetof(nlmsghdr, nlmsg_len), &bytes, sizeof bytes);
}

Answer<> NetlinkWriter::add_attribute(std::uint16_t type, const void* value, std::size_t size) {
  const nlattr head{.nla_len = static_cast<std::uint16_t>(sizeof head + size), .nla_type = type};
  TRY(append(&head, sizeof head));
  return append(value, size);
}

Answer<> NetlinkWriter::add_text(std::uint16_t type, std::string_view text) {
  std::array<char, 64> ended{};
  const std::size_t used = text.copy(ended.data(), ended.size() - 1);
  return add_attribute(type, ended.data(), used + 1);
}

Answer<> NetlinkWriter::acknowledge(const NetlinkMessage& request, int failure, bool capped) {
  const bool whole = failure != 0 && !capped;
  TRY(begin(NLMSG_ERROR, whole ? 0 : NLM_F_CAPPED, nlmsgerr{.error = -failure, .msg = request.header}));
  if (whole) TRY(append(request.payload().data(), request.payload().size()));
  end();
  return {};
}

Answer<> NetlinkWriter::finish_dump(bool filtered, int failure) {
  TRY(begin(NLMSG_DONE, NLM_F_MULTI | (filtered ? NLM_F_DUMP_FILTERED : 0), std::int32_t{-failure}));
  end();
  return {};
}

}  // namespace linux_abi
