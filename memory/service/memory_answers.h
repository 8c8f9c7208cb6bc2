// SPDX-License-Identifier: Apache-2.0
// What a file system in memory answers to the requests that go to the sComponent for others: the same types, and no
// waiting.
#pragma once

#include <span>

#include "memory/tmpfs/tree.h"

namespace memory {

template <typename Request>
using Answered = base::Result<typename Request::Reply>;
using Tail = std::span<const std::byte>;

Answered<messages::FileLookupRequest> answer(MemoryTree& tree, const messages::FileLookupRequest& request, Tail tail,
                                             std::uint64_t now_ns);
Answered<messages::FileCreateRequest> answer(MemoryTree& tree, const messages::FileCreateRequest& request, Tail tail,
                                             std::uint64_t now_ns);
Answered<messages::FileUnlinkRequest> answer(MemoryTree& tree, const messages::FileUnlinkRequest& request, Tail tail,
                                             std::uint64_t now_ns);
Answered<messages::FileLinkRequest> answer(MemoryTree& tree, const messages::FileLinkRequest& request, Tail tail,
                                           std::uint64_t now_ns);
Answered<messages::FileGetAttributesRequest> answer(MemoryTree& tree, const messages::FileGetAttributesRequest& request,
                                                    Tail tail, std::uint64_t now_ns);
Answered<messages::FileSetAttributesRequest> answer(MemoryTree& tree, const messages::FileSetAttributesRequest& request,
                                                    Tail tail, std::uint64_t now_ns);
Answered<messages::FileSetXattrRequest> answer(MemoryTree& tree, const messages::FileSetXattrRequest& request,
                                               Tail tail, std::uint64_t now_ns);
Answered<messages::FileHoldRequest> answer(MemoryTree& tree, const messages::FileHoldRequest& request, Tail tail,
                                           std::uint64_t now_ns);
Answered<messages::FileReleaseRequest> answer(MemoryTree& tree, const messages::FileReleaseRequest& request, Tail tail,
                                              std::uint64_t now_ns);

// Bytes of a tail as text.
inline std::string_view text_of(Tail tail) { return {reinterpret_cast<const char*>(tail.data()), tail.size()}; }

}  // namespace memory
