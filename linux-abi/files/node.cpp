// SPDX-License-Identifier: Apache-2.0
// What a kind of node that cannot do something answers: see node.h.
#include "linux-abi/files/node.h"

#include "linux-abi/files/place.h"

namespace linux_abi {

Answer<> Node::change(const AttributeChange&, Caller&) { return error(EPERM); }
Answer<> Node::truncate(std::uint64_t, Caller&) { return error(is_directory() ? EISDIR : EINVAL); }
Answer<NodeReference> Node::look_up(std::string_view, Caller&) { return error(ENOTDIR); }
Answer<NodeReference> Node::create(std::string_view, std::uint32_t, std::uint64_t, Caller&) {
  return error(is_directory() ? EPERM : ENOTDIR);
}
Answer<NodeReference> Node::create_unnamed(std::uint32_t, bool, Caller&) {
  return error(is_directory() ? EOPNOTSUPP : ENOTDIR);
}
Answer<> Node::create_link(std::string_view, std::string_view, Caller&) {
  return error(is_directory() ? EPERM : ENOTDIR);
}
Answer<> Node::link(std::string_view, Node&, Caller&) { return error(is_directory() ? EPERM : ENOTDIR); }
Answer<> Node::unlink(std::string_view, bool, Caller&) { return error(is_directory() ? EPERM : ENOTDIR); }
Answer<> Node::rename(std::string_view, Node&, std::string_view, std::uint32_t, Caller&) {
  return error(is_directory() ? EPERM : ENOTDIR);
}
Answer<base::Array<std::byte>> Node::xattrs(Caller&) { return error(EOPNOTSUPP); }
Answer<> Node::set_xattr(std::string_view, std::span<const std::byte>, messages::XattrChange, Caller&) {
  return error(EOPNOTSUPP);
}
Answer<base::Array<char>> Node::read_link(Caller&) { return error(EINVAL); }
Answer<PlaceReference> Node::follow(Caller&) { return PlaceReference(); }

}  // namespace linux_abi
