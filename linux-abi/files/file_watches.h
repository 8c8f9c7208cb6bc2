// SPDX-License-Identifier: Apache-2.0
// Who is to be told of changes to files (inotify). A vNode's files are changed by the calls made here alone, so the
// calls tell. While nobody watches anything it costs them one look at a counter. What happens to a file is told to who
// watches the file, and with its name to who watches the directory that it was found in.
#pragma once

#include <atomic>
#include <string_view>

#include "linux-abi/files/inotify_queue.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

class InotifyFile;
class OpenFile;

inline std::atomic<std::uint32_t> file_watches{0};  // relaxed: a hint
inline bool anybody_watches() { return file_watches.load(std::memory_order_relaxed) != 0; }

namespace watches {
// The slow ways, when somebody watches something.
void tell_place(Place& place, std::uint32_t event);
void tell_node(Node& node, std::uint32_t event);
void tell_name(Node& directory, std::string_view name, std::uint32_t event, std::uint32_t cookie);
void tell_gone(Node& node);
void tell_closed(OpenFile& file);
}  // namespace watches

// To the file and to its directory.
inline void tell_place(Place& place, std::uint32_t event) {
  if (anybody_watches()) watches::tell_place(place, event);
}
// To the file itself only.
inline void tell_node(Node& node, std::uint32_t event) {
  if (anybody_watches()) watches::tell_node(node, event);
}
// To the directory: of what happened to a name in it.
inline void tell_name(Node& directory, std::string_view name, std::uint32_t event, std::uint32_t cookie = 0) {
  if (anybody_watches()) watches::tell_name(directory, name, event, cookie);
}
// Through an open file; one without a place is nobody's.
void tell_file_slowly(OpenFile& file, std::uint32_t event);
inline void tell_file(OpenFile& file, std::uint32_t event) {
  if (anybody_watches()) tell_file_slowly(file, event);
}
// For file_event: an event of this node, with the mark of directories.
inline std::uint32_t of_kind(const Node& node, std::uint32_t event) {
  return node.is_directory() ? event | file_event::directory : event;
}
// Links two events of a rename.
std::uint32_t next_cookie();
// The file has no name any more: it is gone now, or when the last that have it open close it.
void tell_nameless(Node& node);

// --- for inotify's calls: watches of a file

struct WatchChange {
  enum class Mode : std::uint8_t { Replace, Add, Create };
  std::uint32_t mask = 0;  // events, IN_ONESHOT and IN_EXCL_UNLINK
  Mode mode = Mode::Replace;
};
// The number of the watch. EEXIST (Create), ENOSPC: the user has too many.
Answer<int> watch_node(InotifyFile& file, NodeReference node, const WatchChange& change);
Answer<> forget_watch(InotifyFile& file, int number);  // EINVAL
void forget_watches(InotifyFile& file);
struct ShownWatch {
  int number;
  std::uint32_t mask;
  NodeReference node;
};
Answer<base::Array<ShownWatch>> watches_of(InotifyFile& file);  // the newest first

}  // namespace linux_abi
