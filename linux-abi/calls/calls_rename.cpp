// SPDX-License-Identifier: Apache-2.0
// rename(2) with Linux's checks in Linux's order: see calls_paths.h.
#include <linux/fs.h>

#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/name_changes.h"
#include "linux-abi/files/directory_notices.h"
#include "linux-abi/files/file_watches.h"

namespace linux_abi::calls {

namespace {

constexpr std::uint32_t no_replace = RENAME_NOREPLACE, exchange = RENAME_EXCHANGE;

struct Renaming {
  ParentWalk from, to;
  PlaceReference moved;
  PlaceReference replaced;  // empty: there is nothing of that name
  std::uint32_t flags = 0;
  bool exchanges() const { return (flags & exchange) != 0; }
};

// Trailing slashes, and directories that would end up inside themselves.
Answer<> check_shape(const Renaming& renaming) {
  const Place& moved = *renaming.moved;
  if (renaming.exchanges() && renaming.to.must_be_directory && !renaming.replaced->node().is_directory())
    return error(ENOTDIR);
  if (!moved.node().is_directory()) {
    if (renaming.from.must_be_directory) return error(ENOTDIR);
    if (!renaming.exchanges() && renaming.to.must_be_directory) return error(ENOTDIR);
  }
  if (renaming.to.directory->is_below(moved)) return error(EINVAL);
  if (renaming.replaced && renaming.from.directory->is_below(*renaming.replaced))
    return error(renaming.exchanges() ? EINVAL : ENOTEMPTY);
  return {};
}

Answer<> check_permissions(Call& call, const Renaming& renaming) {
  Node& from = renaming.from.directory->node();
  Node& to = renaming.to.directory->node();
  Node& moved = renaming.moved->node();
  const bool directory = moved.is_directory(), same_parent = &from == &to;
  TRY(check_removal(call, from, moved, directory));
  if (!renaming.replaced) {
    if (renaming.to.directory->removed()) return error(ENOENT);
    TRY(check_access(call.thread, to, write_and_search));
  } else {
    Node& replaced = renaming.replaced->node();
    TRY(check_removal(call, to, replaced, renaming.exchanges() ? replaced.is_directory() : directory));
  }
  // A directory that gets another parent is written to: its "..".
  if (directory && !same_parent) TRY(check_access(call.thread, moved, 2));
  if (renaming.exchanges() && !same_parent && renaming.replaced->node().is_directory())
    TRY(check_access(call.thread, renaming.replaced->node(), 2));
  if (is_mount_point(renaming.from.directory, renaming.moved)) return error(EBUSY);
  if (renaming.replaced && is_mount_point(renaming.to.directory, renaming.replaced)) return error(EBUSY);
  return {};
}

Answer<base::Array<char>> copy_of(std::string_view name) {
  base::Array<char> copy;
  TRY(copy.append(std::span(name)));
  return copy;
}

// It happened: the places move, and so do the names that are remembered. changes: from before.
void follow_up(Call& call, const Renaming& renaming, base::Array<char> new_name, base::Array<char> old_name,
               std::uint64_t changes) {
  NameCache& names = names_of(call);
  const ParentWalk &from = renaming.from, &to = renaming.to;
  renaming.moved->renamed(to.directory, std::move(new_name));
  renaming.moved->node().attributes_changed();
  names.changed(*to.directory, to.name(), renaming.moved, changes);
  if (renaming.exchanges()) {
    renaming.replaced->node().attributes_changed();
    renaming.replaced->renamed(from.directory, std::move(old_name));
    names.changed(*from.directory, from.name(), renaming.replaced, changes + 1);
  } else {
    if (renaming.replaced) renaming.replaced->set_removed();
    names.forget(*from.directory, from.name());
  }
}

// What Linux tells of one name that moved.
void tell_moved(const ParentWalk& from, const ParentWalk& to, Node& moved) {
  const std::uint32_t cookie = next_cookie();
  tell_name(from.directory->node(), from.name(), of_kind(moved, file_event::moved_from), cookie);
  tell_name(to.directory->node(), to.name(), of_kind(moved, file_event::moved_to), cookie);
  if (&from.directory->node() == &to.directory->node()) send_notices(from.directory->node(), notice::renamed);
}

void tell_renamed(const Renaming& renaming, bool replaced_is_gone) {
  Node& moved = renaming.moved->node();
  Node* replaced = renaming.replaced ? &renaming.replaced->node() : nullptr;
  tell_moved(renaming.from, renaming.to, moved);
  if (replaced != nullptr && !renaming.exchanges()) tell_node(*replaced, file_event::attributes);
  tell_node(moved, file_event::moved_self);
  if (replaced != nullptr && renaming.exchanges()) {
    tell_moved(renaming.to, renaming.from, *replaced);
    tell_node(*replaced, file_event::moved_self);
  }
  if (replaced_is_gone) tell_nameless(*replaced);
}

// Whether this is the last name of what will be replaced; asked only when somebody would be told.
bool replaces_last_name(Call& call, const Renaming& renaming) {
  if (!anybody_watches() || !renaming.replaced || renaming.exchanges()) return false;
  Node& replaced = renaming.replaced->node();
  const auto status = replaced.status(call.thread);
  return replaced.is_directory() || (status && status->links == 1);
}

Answer<std::uint64_t> rename_at(Call& call, int old_directory, std::uint64_t old_path, int new_directory,
                                std::uint64_t new_path, std::uint32_t flags) {
  if ((flags & ~(no_replace | exchange)) != 0) return error(EINVAL);
  if (flags == (no_replace | exchange)) return error(EINVAL);
  const UserPath old_text = TRY(UserPath::read(old_path)), new_text = TRY(UserPath::read(new_path));
  Renaming renaming;
  renaming.flags = flags;
  renaming.from = TRY(walk_to_parent(call.thread, old_directory, old_text.text()));
  renaming.to = TRY(walk_to_parent(call.thread, new_directory, new_text.text()));
  Node& from = renaming.from.directory->node();
  Node& to = renaming.to.directory->node();
  TRY(check_access(call.thread, from, 1));
  TRY(check_access(call.thread, to, 1));
  if (renaming.from.directory->mount() != renaming.to.directory->mount() || from.domain() != to.domain())
    return error(EXDEV);
  if (renaming.from.is_special()) return error(EBUSY);
  if (renaming.to.is_special()) return error((flags & no_replace) != 0 ? EEXIST : EBUSY);
  TRY(check_writable(*renaming.from.directory));
  renaming.moved = TRY(find_last(call, renaming.from));
  auto replaced = find_last(call, renaming.to);
  if (replaced)
    renaming.replaced = std::move(*replaced);
  else if (replaced.error() != ENOENT || renaming.exchanges())
    return std::unexpected(replaced.error());
  if (renaming.replaced && (flags & no_replace) != 0) return error(EEXIST);
  TRY(check_shape(renaming));
  // Two names of one file: nothing happens, as POSIX wants it.
  if (renaming.replaced && &renaming.replaced->node() == &renaming.moved->node()) return std::uint64_t{0};
  TRY(check_permissions(call, renaming));
  // Memory is taken before, so that what happened at the home is always followed up here.
  base::Array<char> new_name = TRY(copy_of(renaming.to.name())), old_name = TRY(copy_of(renaming.from.name()));
  const bool replaced_is_gone = replaces_last_name(call, renaming);
  const std::uint64_t changes = names_of(call).changes();
  TRY(from.rename(renaming.from.name(), to, renaming.to.name(), flags, call.thread));
  follow_up(call, renaming, std::move(new_name), std::move(old_name), changes);
  if (anybody_watches()) tell_renamed(renaming, replaced_is_gone);
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> rename(Call& call) {
  return rename_at(call, at_current_directory, call.a(), at_current_directory, call.b(), 0);
}
Answer<std::uint64_t> renameat(Call& call) {
  return rename_at(call, Call::as_int(call.a()), call.b(), Call::as_int(call.c()), call.d(), 0);
}
Answer<std::uint64_t> renameat2(Call& call) {
  return rename_at(call, Call::as_int(call.a()), call.b(), Call::as_int(call.c()), call.d(),
                   static_cast<std::uint32_t>(call.e()));
}

}  // namespace linux_abi::calls
