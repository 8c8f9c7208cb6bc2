// SPDX-License-Identifier: Apache-2.0
// Trees: see tree.h.
#include "storage/ext4/testing/tree.h"

#include "storage/ext4/testing/mounted.h"

namespace ext4::testing {

namespace {

void add(storage::FileSystem& system, Tree& tree, const std::string& path, const storage::Attributes& attributes) {
  TreeFile& file = tree[path];
  file = {.id = attributes.file, .type = attributes.mode & storage::mode::type_mask, .links = attributes.links};
  if (file.type == storage::mode::regular) {
    file.data.resize(attributes.size);
    if (must(system.read(file.id, 0, std::as_writable_bytes(std::span(file.data)))) != file.data.size())
      throw std::runtime_error("a short read of " + path);
  } else if (file.type == storage::mode::symlink) {
    std::string target(storage::max_link_target_bytes, ' ');
    file.data = must(system.read_link(file.id, target));
  } else if (file.type == storage::mode::directory) {
    Names names;
    if (!must(system.read_directory(file.id, 0, names))) throw std::runtime_error("the end of " + path);
    for (const std::string& name : names.names)
      if (name != "." && name != "..") add(system, tree, path + "/" + name, must(system.lookup(attributes.file, name)));
  }
}

}  // namespace

Tree read_tree(storage::FileSystem& system) {
  Tree tree;
  add(system, tree, "", must(system.attributes(system.root())));
  return tree;
}

std::string difference(const Tree& left, const Tree& right, bool with_data) {
  for (const auto& [path, file] : left)
    if (!right.contains(path) && !path.starts_with('#')) return path + " is only in the first";
  for (const auto& [path, file] : right) {
    if (path.starts_with('#')) continue;
    if (!left.contains(path)) return path + " is only in the second";
    const TreeFile& other = left.at(path);
    if (other.id != file.id) return path + " is another file";
    if (other.type != file.type) return "the type of " + path;
    if (other.links != file.links) return "the links of " + path;
    if (other.data.size() != file.data.size()) return "the size of " + path;
    if ((with_data || file.type != storage::mode::regular) && other.data != file.data) return "the bytes of " + path;
  }
  return "";
}

}  // namespace ext4::testing
