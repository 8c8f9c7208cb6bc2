// SPDX-License-Identifier: Apache-2.0
// Watches of files, all of this pComponent in one table: see file_watches.h. A watch keeps its node, so that the node's
// address is its name.
#include "linux-abi/files/file_watches.h"

#include <linux/inotify.h>

#include <algorithm>
#include <array>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstring>

#include "linux-abi/files/directory_notices.h"
#include "linux-abi/files/inotify_file.h"
#include "linux-abi/files/inotify_user.h"

namespace linux_abi {
namespace {

struct NodeWatch : boost::intrusive::set_base_hook<>, boost::intrusive::list_base_hook<> {
  NodeReference node;
  InotifyFile* file = nullptr;  // whose end takes its watches away
  int number = 0;
  std::uint32_t mask = 0;

  struct NodeOf {
    using type = const Node*;
    type operator()(const NodeWatch& watch) const { return watch.node.get(); }
  };
};

using Watches = boost::intrusive::multiset<NodeWatch, boost::intrusive::key_of_value<NodeWatch::NodeOf>,
                                           boost::intrusive::base_hook<boost::intrusive::set_base_hook<>>>;
// Watches on their way out: their nodes are let go of without the lock.
using Removed = boost::intrusive::list<NodeWatch, boost::intrusive::base_hook<boost::intrusive::list_base_hook<>>>;

// Rank Tasks: below it events are queued (Process), and their readers woken.
base::SpinLock watches_lock{base::LockRank::Tasks};
Watches all_watches;                    // guarded by watches_lock
std::atomic<std::uint32_t> cookies{0};  // relaxed: only different ones are wanted

void remove_locked(NodeWatch& watch, Removed& removed) {
  all_watches.erase(all_watches.iterator_to(watch));
  removed.push_back(watch);
  --watch.file->user().watches;
  watch.file->queue().add(watch.number, file_event::ignored, 0, {});
  file_watches.fetch_sub(1, std::memory_order_relaxed);
}

void destroy(Removed& removed) {
  while (!removed.empty()) {
    NodeWatch& watch = removed.front();
    removed.pop_front();
    base::Own<NodeWatch>(&watch).reset();
  }
}

enum class Named : std::uint8_t { Reachable, Unlinked };

void tell_locked(const Node& node, std::uint32_t event, std::uint32_t cookie, std::string_view name, Named named,
                 Removed& removed) {
  // IN_ISDIR was never told with these two.
  const std::uint32_t shown =
      (event & (file_event::deleted_self | file_event::moved_self)) != 0 ? event & ~file_event::directory : event;
  for (auto [at, end] = all_watches.equal_range(&node); at != end;) {
    NodeWatch& watch = *at++;
    if ((watch.mask & event & file_event::all) == 0) continue;
    if (named == Named::Unlinked && (watch.mask & IN_EXCL_UNLINK) != 0) continue;
    watch.file->queue().add(watch.number, shown, cookie, name);
    if ((watch.mask & IN_ONESHOT) != 0) remove_locked(watch, removed);
  }
}

// DN_* of what is told of a directory or of a name in it.
std::uint32_t notices_of(std::uint32_t event) {
  const auto when = [event](std::uint32_t events, std::uint32_t what) { return (event & events) != 0 ? what : 0; };
  return when(file_event::access, notice::accessed) | when(file_event::modify, notice::modified) |
         when(file_event::attributes, notice::attributes) |
         when(file_event::created | file_event::moved_to, notice::created) |
         when(file_event::deleted | file_event::moved_from, notice::removed);
}

void tell(const Node& node, std::uint32_t event, std::uint32_t cookie, std::string_view name, Named named) {
  Removed removed;
  {
    const base::SpinGuard guard(watches_lock);
    tell_locked(node, event, cookie, name, named, removed);
  }
  destroy(removed);
  if (node.is_directory()) send_notices(node, notices_of(event));
}

}  // namespace

namespace watches {

void tell_node(Node& node, std::uint32_t event) { tell(node, of_kind(node, event), 0, {}, Named::Reachable); }

void tell_name(Node& directory, std::string_view name, std::uint32_t event, std::uint32_t cookie) {
  tell(directory, event, cookie, name, Named::Reachable);
}

void tell_place(Place& place, std::uint32_t event) {
  const std::uint32_t whole = of_kind(place.node(), event);
  if (const PlaceReference parent = place.parent()) {
    if (const auto name = place.name())
      tell(parent->node(), whole, 0, {name->data(), name->size()},
           place.removed() ? Named::Unlinked : Named::Reachable);
  }
  tell(place.node(), whole, 0, {}, Named::Reachable);
}

void tell_gone(Node& node) {
  Removed removed;
  {
    const base::SpinGuard guard(watches_lock);
    tell_locked(node, of_kind(node, file_event::deleted_self), 0, {}, Named::Reachable, removed);
    for (auto [at, end] = all_watches.equal_range(&node); at != end;) remove_locked(*at++, removed);
  }
  destroy(removed);
}

void tell_closed(OpenFile& file) {
  watches::tell_place(*file.place(), file.writable() ? file_event::close_written : file_event::close_unwritten);
}

}  // namespace watches

void tell_file_slowly(OpenFile& file, std::uint32_t event) {
  if (Place* place = file.place(); place != nullptr && file.was_opened()) watches::tell_place(*place, event);
}

std::uint32_t next_cookie() { return cookies.fetch_add(1, std::memory_order_relaxed) + 1; }

void tell_nameless(Node& node) {
  node.set_nameless();
  if (!node.is_open() && anybody_watches()) watches::tell_gone(node);
}

Answer<int> watch_node(InotifyFile& file, NodeReference node, const WatchChange& change) {
  auto fresh = base::make<NodeWatch>();
  if (!fresh) return error(ENOMEM);
  const base::SpinGuard guard(watches_lock);
  for (auto [at, end] = all_watches.equal_range(node.get()); at != end; ++at) {
    if (at->file != &file) continue;
    if (change.mode == WatchChange::Mode::Create) return error(EEXIST);
    at->mask = change.mode == WatchChange::Mode::Add ? at->mask | change.mask : change.mask;
    return at->number;
  }
  if (file.user().watches >= inotify_max_watches.load(std::memory_order_relaxed)) return error(ENOSPC);
  ++file.user().watches;
  fresh->node = std::move(node);
  fresh->file = &file;
  fresh->number = file.next_number();
  fresh->mask = change.mask;
  file_watches.fetch_add(1, std::memory_order_relaxed);
  const int number = fresh->number;
  all_watches.insert(*fresh.release());
  return number;
}

Answer<> forget_watch(InotifyFile& file, int number) {
  Removed removed;
  {
    const base::SpinGuard guard(watches_lock);
    const auto found = std::find_if(all_watches.begin(), all_watches.end(), [&](const NodeWatch& watch) {
      return watch.file == &file && watch.number == number;
    });
    if (found == all_watches.end()) return error(EINVAL);
    remove_locked(*found, removed);
  }
  destroy(removed);
  return {};
}

Answer<base::Array<ShownWatch>> watches_of(InotifyFile& file) {
  base::Array<ShownWatch> shown;
  {
    const base::SpinGuard guard(watches_lock);
    for (const NodeWatch& watch : all_watches)
      if (watch.file == &file) TRY(shown.push_back(ShownWatch{watch.number, watch.mask, watch.node}));
  }
  const auto all = shown.span();
  std::sort(all.begin(), all.end(), [](const ShownWatch& a, const ShownWatch& b) { return a.number > b.number; });
  return shown;
}

void forget_watches(InotifyFile& file) {
  Removed removed;
  {
    const base::SpinGuard guard(watches_lock);
    for (auto at = all_watches.begin(); at != all_watches.end();) {
      NodeWatch& watch = *at++;
      if (watch.file == &file) remove_locked(watch, removed);
    }
  }
  destroy(removed);
}

}  // namespace linux_abi
