// SPDX-License-Identifier: Apache-2.0
// A file system as maps and strings, and random operations that are made on it and on a real one alike: the answers
// must agree, and so must everything that is there afterwards.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernel/base/random.h"
#include "storage/ext4/testing/mounted.h"
#include "storage/ext4/testing/tree.h"

namespace ext4::testing {

struct ModelFile {
  std::uint32_t type = 0;
  std::string data;                             // or the target of a symbolic link
  std::map<std::string, base::FileId> entries;  // of a directory
  base::FileId parent;                          // of a directory
  std::uint32_t links = 0;
  std::uint32_t holds = 0;
};

struct ModelOptions {
  std::uint64_t seed = 1;
  std::size_t names = 12;  // different ones in a directory
  std::size_t largest_write = 60'000;
  std::size_t largest_file = 1'000'000;
  // More blocks of metadata come and go: targets of symbolic links, directories; what is removed mostly is there.
  bool lively = false;
  bool allow_no_space = false;
  bool allow_io_errors = false;
};

class Model {
 public:
  Model(Mounted& mounted, ModelOptions options);

  // One random operation on both; throws with a description if they differ.
  void step();
  // Compares everything.
  void compare();
  // Everything that has a name, and under '#' what is held without one.
  Tree tree() const;
  // The file system has been mounted anew: ids are still good, holds are gone.
  void forget_holds();

  std::size_t succeeded() const { return succeeded_; }
  std::size_t refused() const { return refused_; }

 private:
  using Id = base::FileId;

  Id any_directory();
  Id any_file();
  std::string any_name();
  std::string name_to_remove(Id parent);
  std::string some_bytes(std::size_t count);
  bool tolerated(base::Error error) const;
  template <typename T>
  bool agree(const char* what, const base::Result<T>& result, base::Error expected);
  void drop_link(Id id);
  void erase_if_gone(Id id);
  bool lies_below(Id id, Id ancestor) const;
  base::Error expected_of_rename(Id from, const std::string& old_name, Id to, const std::string& new_name,
                                 storage::RenameMode mode) const;

  void create();
  void link();
  void unlink();
  void rename();
  void write();
  void truncate();
  void punch();
  void failed_in_part(Id id, ModelFile& file);
  void read();
  void reserve();
  void lookup();
  void hold_or_release();
  void attributes();

  void compare_directory(Id id);
  void add_to(Tree& tree, const std::string& path, Id id) const;

  Mounted& mounted_;
  const ModelOptions options_;
  base::Random random_;
  std::map<Id, ModelFile> files_;
  std::size_t succeeded_ = 0;
  std::size_t refused_ = 0;
};

}  // namespace ext4::testing
