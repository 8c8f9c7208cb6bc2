// SPDX-License-Identifier: Apache-2.0
// Files that are made here, not stored: directories with a fixed list of entries (/proc, /dev), texts that are written
// when they are opened (/proc/meminfo), links (/proc/self), device nodes. Owned by root; some texts can be written.
#pragma once

#include "linux-abi/files/place.h"

namespace linux_abi {

// Grows as it is written; for the contents of synthetic files.
class TextWriter {
 public:
  template <typename... Arguments>
  Answer<> add(std::string_view pattern, const Arguments&... arguments);
  Answer<> add_text(std::string_view text) {
    TRY(bytes_.append(std::span(text)));
    return {};
  }
  base::Array<char>& bytes() { return bytes_; }

 private:
  base::Array<char> bytes_;
};

// Writes the content of a text for this caller. `subject`: the pid whose directory it is in; 0: none.
using WriteText = Answer<> (*)(TextWriter& out, int subject, Caller& caller);
// Takes what was written to it at once; nullptr: nobody can write.
using StoreText = Answer<> (*)(std::string_view written, int subject, Caller& caller);
Answer<NodeReference> make_text(WriteText write, int subject, std::uint32_t permissions = 0444,
                                StoreText store = nullptr);
// One that always is the same file, whoever makes its node.
Answer<NodeReference> make_text_of_inode(WriteText write, std::uint64_t inode);
// The same of something that has a number within its subject (a descriptor of a process).
using WriteNumbered = Answer<> (*)(TextWriter& out, int subject, int number, Caller& caller);
Answer<NodeReference> make_numbered_text(WriteNumbered write, int subject, int number, std::uint32_t permissions);
// A file that is opened in a way of its own.
using OpenOwn = Answer<OpenFileReference> (*)(int flags, PlaceReference place, int subject, Caller& caller);
Answer<NodeReference> make_own_file(OpenOwn open, int subject, std::uint32_t permissions);

// A symbolic link; the target is written when it is read. `lead`: where it leads, if that is not what the text says.
using LeadTo = Answer<PlaceReference> (*)(int subject, int number, Caller& caller);
Answer<NodeReference> make_link(WriteText target, LeadTo lead, int subject);
Answer<NodeReference> make_numbered_link(WriteNumbered target, LeadTo lead, int subject, int number,
                                         std::uint32_t permissions);

// Root's. Changes of its attributes have no effect.
Answer<NodeReference> make_device(std::uint64_t number, std::uint32_t permissions,
                                  std::uint32_t type = file_mode::character);
// One of characters whose owner is known, and can be changed, elsewhere.
struct DeviceOwner {
  std::uint32_t permissions = 0, uid = 0, gid = 0;
};
using TellOwner = Answer<DeviceOwner> (*)(int subject, Caller& caller);
using ChangeOwner = Answer<> (*)(int subject, const AttributeChange& change, Caller& caller);
Answer<NodeReference> make_owned_device(std::uint64_t number, int subject, TellOwner owner, ChangeOwner change);

// A directory whose entries come from two functions: one finds a name (ENOENT), the other lists: the entry after
// `cookie` (0: the first), false at the end.
struct ListedEntry {
  std::array<char, 256> name{};
  std::uint8_t type = 0;  // DT_*
  std::uint64_t cookie = 0;
  // Returns true, as `list` does when there is an entry.
  bool set(std::string_view text, std::uint8_t entry_type, std::uint64_t next_cookie);
};
namespace entry_type {
inline constexpr std::uint8_t character = 2, directory = 4, block = 6, regular = 8, link = 10;  // DT_*
}
// A name that is a decimal number without leading zeros, of nine digits at most; -1: it is none.
int number_of_name(std::string_view name);

// What was written to a text: a decimal number, with a line's end or without. EINVAL.
Answer<std::uint64_t> decimal_in(std::string_view text);

struct DirectorySource {
  Answer<NodeReference> (*find)(std::string_view name, int subject, Caller& caller);
  bool (*list)(std::uint64_t cookie, int subject, Caller& caller, ListedEntry& entry);
  bool stable;                 // names may be remembered
  bool names_process = false;  // it is a process's own: its subject is
};
Answer<NodeReference> make_directory(const DirectorySource& source, int subject, std::uint32_t permissions = 0555);

// Whose it is, asked whenever somebody looks; of nodes that were made here.
struct NodeOwner {
  std::uint32_t uid = 0, gid = 0;
};
using OwnerOf = NodeOwner (*)(int subject, Caller& caller);
Answer<NodeReference> owned(Answer<NodeReference> node, OwnerOf owner);

// The roots of /proc, /sys and /dev.
Answer<NodeReference> make_proc();
Answer<NodeReference> make_sys();
Answer<NodeReference> make_dev();

}  // namespace linux_abi

#include "kernel/base/format.h"

namespace linux_abi {
template <typename... Arguments>
Answer<> TextWriter::add(std::string_view pattern, const Arguments&... arguments) {
  std::array<char, 512> buffer;
  return add_text(base::format(buffer, pattern, arguments...));
}
}  // namespace linux_abi
