// SPDX-License-Identifier: Apache-2.0
// Requests to a file system in memory: see memory_answers.h.
#include "memory/service/memory_answers.h"

namespace memory {

using base::Result;

namespace {
Result<messages::FileAttributesReply> reply(const Result<messages::FileAttributes>& attributes) {
  if (!attributes) return base::fail(attributes.error());
  return messages::FileAttributesReply{*attributes};
}
}  // namespace

Answered<messages::FileLookupRequest> answer(MemoryTree& tree, const messages::FileLookupRequest& request, Tail tail,
                                             std::uint64_t) {
  return reply(tree.look_up(request.directory, text_of(tail)));
}

Answered<messages::FileCreateRequest> answer(MemoryTree& tree, const messages::FileCreateRequest& request, Tail tail,
                                             std::uint64_t now_ns) {
  const std::string_view text = text_of(tail);
  return reply(tree.create_file(request, text.substr(0, request.name_bytes), text.substr(request.name_bytes), now_ns));
}

Answered<messages::FileUnlinkRequest> answer(MemoryTree& tree, const messages::FileUnlinkRequest& request, Tail tail,
                                             std::uint64_t now_ns) {
  return reply(tree.unlink(request.directory, text_of(tail), request.remove_directory != 0, now_ns));
}

Answered<messages::FileLinkRequest> answer(MemoryTree& tree, const messages::FileLinkRequest& request, Tail tail,
                                           std::uint64_t now_ns) {
  return reply(tree.link(request.file, request.directory, text_of(tail), now_ns));
}

Answered<messages::FileGetAttributesRequest> answer(MemoryTree& tree, const messages::FileGetAttributesRequest& request,
                                                    Tail, std::uint64_t) {
  return reply(tree.attributes(request.file));
}

Answered<messages::FileSetAttributesRequest> answer(MemoryTree& tree, const messages::FileSetAttributesRequest& request,
                                                    Tail, std::uint64_t now_ns) {
  return reply(tree.set_attributes(request, now_ns));
}

Answered<messages::FileSetXattrRequest> answer(MemoryTree& tree, const messages::FileSetXattrRequest& request,
                                               Tail tail, std::uint64_t now_ns) {
  const std::string_view name = text_of(tail.first(request.name_bytes));
  return reply(tree.set_xattr(request, name, tail.subspan(request.name_bytes), now_ns));
}

Answered<messages::FileHoldRequest> answer(MemoryTree& tree, const messages::FileHoldRequest& request, Tail,
                                           std::uint64_t) {
  return reply(tree.hold(request.file));
}

Answered<messages::FileReleaseRequest> answer(MemoryTree& tree, const messages::FileReleaseRequest& request, Tail,
                                              std::uint64_t) {
  TRY(tree.release(request.file));
  return messages::EmptyReply{};
}

}  // namespace memory
