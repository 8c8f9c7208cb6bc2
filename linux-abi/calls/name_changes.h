// SPDX-License-Identifier: Apache-2.0
// What making, removing and renaming names share: the checks that Linux makes before, and keeping the remembered names
// right after.
#pragma once

#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/name_cache.h"

namespace linux_abi::calls {

constexpr std::uint32_t write_and_search = 2 | 1;

NameCache& names_of(Call& call);

// The directory and name of something that exists not yet: EEXIST, EACCES... directory: a trailing slash is welcome.
enum class NewKind : std::uint8_t { Directory, Other };
Answer<ParentWalk> walk_to_new_name(Call& call, int directory, std::string_view path, NewKind kind);
// The same but for a name of which nothing is known here: that it exists is left to the home to say when the name is
// made, for one message instead of two. Before any other error the caller asks check_is_new(), as EEXIST comes first.
Answer<ParentWalk> walk_to_probably_new_name(Call& call, int directory, std::string_view path, NewKind kind);
Answer<> check_is_new(Call& call, const ParentWalk& parent);
// The place that a parent's walk ends at; ENOENT. Checks the search permission of the directory.
Answer<PlaceReference> find_last(Call& call, const ParentWalk& parent);
// Whether a name may be taken away from the directory: write permission, stickiness, being of the right kind.
Answer<> check_removal(Call& call, Node& directory, Node& entry, bool as_directory);
// Something is mounted here, or it is a root.
bool is_mount_point(const PlaceReference& directory, const PlaceReference& place);

// The name is gone, and so is `place`, which it led to.
void name_removed(Call& call, const ParentWalk& parent, Place& place);
// A node was made. changes: names_of(call).changes() before.
void name_made(Call& call, const ParentWalk& parent, NodeReference node, std::uint64_t changes);

}  // namespace linux_abi::calls
