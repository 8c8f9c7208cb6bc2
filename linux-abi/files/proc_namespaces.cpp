// SPDX-License-Identifier: Apache-2.0
// /proc/PID/ns (namespaces(7)): one namespace of each kind, that everybody is in, with the numbers of Linux's first
// ones. They can be told apart and opened, and not entered.
#include <array>

#include "linux-abi/files/file_context.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/process/inspection.h"

namespace linux_abi {
namespace {

struct Namespace {
  std::string_view name, kind;
  std::uint32_t number;
};
constexpr std::array<Namespace, 10> namespaces{{{"cgroup", "cgroup", 4026531835},
                                                {"ipc", "ipc", 4026531839},
                                                {"mnt", "mnt", 4026531841},
                                                {"net", "net", 4026531840},
                                                {"pid", "pid", 4026531836},
                                                {"pid_for_children", "pid", 4026531836},
                                                {"time", "time", 4026531834},
                                                {"time_for_children", "time", 4026531834},
                                                {"user", "user", 4026531837},
                                                {"uts", "uts", 4026531838}}};

// EACCES of a process that is not to be looked into.
Answer<const Namespace*> asked(int pid, int place, Caller& caller) {
  (void)TRY(inspect_for_text(pid, caller));
  return &namespaces[static_cast<std::size_t>(place)];
}

Answer<> write_target(TextWriter& out, int pid, int place, Caller& caller) {
  const Namespace* named = TRY(asked(pid, place, caller));
  return out.add("{}:[{}]", named->kind, named->number);
}

Answer<> nothing(TextWriter&, int, Caller&) { return {}; }

Answer<PlaceReference> lead_to(int pid, int place, Caller& caller) {
  const Namespace* named = TRY(asked(pid, place, caller));
  std::array<char, 32> name;
  NodeReference node = TRY(make_text_of_inode(nothing, named->number));
  return Place::create(std::move(node), caller.file_context().root(),
                       base::format(name, "{}:[{}]", named->kind, named->number));
}

Answer<NodeReference> find(std::string_view name, int pid, Caller&) {
  for (std::size_t i = 0; i < namespaces.size(); ++i)
    if (namespaces[i].name == name)
      return owned(make_numbered_link(write_target, lead_to, pid, static_cast<int>(i), 0777), owner_of_process);
  return error(ENOENT);
}

bool list(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
  return cookie < namespaces.size() && entry.set(namespaces[cookie].name, entry_type::link, cookie + 1);
}

constexpr DirectorySource of_process{find, list, false};

}  // namespace

Answer<NodeReference> make_namespaces(int pid) { return make_directory(of_process, pid, 0511); }

}  // namespace linux_abi
