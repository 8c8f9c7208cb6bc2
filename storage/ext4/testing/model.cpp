// SPDX-License-Identifier: Apache-2.0
// Random operations against a model: see model.h.
#include "storage/ext4/testing/model.h"

#include <algorithm>

namespace ext4::testing {

using base::Error;
using storage::RenameMode;

namespace {

[[noreturn]] void differ(const std::string& what) { throw std::runtime_error("file system and model differ: " + what); }

constexpr std::uint32_t regular = storage::mode::regular, directory = storage::mode::directory,
                        symlink = storage::mode::symlink;

}  // namespace

Model::Model(Mounted& mounted, ModelOptions options) : mounted_(mounted), options_(options), random_(options.seed) {
  ModelFile root{.type = directory, .parent = mounted.root(), .links = 2};
  Names names;
  must(mounted->read_directory(mounted.root(), 0, names));
  for (const std::string& name : names.names) {
    if (name == "." || name == "..") continue;
    const auto child = must(mounted->lookup(mounted.root(), name));
    if ((child.mode & storage::mode::type_mask) != directory) differ("only empty images can be taken over");
    root.entries[name] = child.file;
    ++root.links;
    files_[child.file] = {.type = directory, .parent = mounted.root(), .links = 2};
  }
  files_[mounted.root()] = root;
}

Model::Id Model::any_directory() {
  for (;;) {
    const Id id = any_file();
    if (files_[id].type == directory || random_.chance(20'000)) return id;
  }
}

Model::Id Model::any_file() {
  auto at = files_.begin();
  std::advance(at, static_cast<long>(random_.below(files_.size())));
  return at->first;
}

std::string Model::any_name() {
  const std::uint64_t number = random_.below(options_.names);
  std::string name = "name" + std::to_string(number);
  if (number % 3 == 0) name += std::string(number * 37 % 200, static_cast<char>('a' + number % 26));
  return name;
}

std::string Model::some_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_.next());
  return bytes;
}

bool Model::tolerated(Error error) const {
  return (options_.allow_no_space && error == Error::NoSpace) || (options_.allow_io_errors && error == Error::IoError);
}

// True: it happened, in the model too. A tolerated error must have changed nothing, which compare() will see.
template <typename T>
bool Model::agree(const char* what, const base::Result<T>& result, Error expected) {
  const Error got = error_of(result);
  got == Error::None ? ++succeeded_ : ++refused_;
  if (got != expected && !(got != Error::None && tolerated(got)))
    differ(std::string(what) + ": " + base::error_name(got) + " instead of " + base::error_name(expected));
  return got == Error::None;
}

void Model::erase_if_gone(Id id) {
  const ModelFile& file = files_.at(id);
  if (file.links == 0 && file.holds == 0) files_.erase(id);
}

void Model::drop_link(Id id) {
  ModelFile& file = files_.at(id);
  file.links = file.type == directory ? 0 : file.links - 1;
  erase_if_gone(id);
}

bool Model::lies_below(Id id, Id ancestor) const {
  for (;; id = files_.at(id).parent) {
    if (id == ancestor) return true;
    if (id == mounted_.root()) return false;
  }
}

void Model::create() {
  const Id parent = any_directory();
  const std::string name = any_name();
  constexpr std::uint32_t types[] = {regular, regular, regular, directory, directory, symlink, storage::mode::fifo};
  const bool link = options_.lively && random_.chance(400'000);
  const std::uint32_t type = link ? symlink : types[random_.below(std::size(types))];
  const std::string target = type == symlink ? std::string(1 + random_.below(300), 't') : "";
  const ModelFile& directory_file = files_.at(parent);
  const Error expected = directory_file.type != directory        ? Error::NotDirectory
                         : directory_file.links == 0             ? Error::NotFound
                         : directory_file.entries.contains(name) ? Error::Exists
                                                                 : Error::None;
  const auto result = mounted_->create(parent, name, {.mode = type | 0640, .target = target}, mounted_.request);
  if (!agree("create", result, expected)) return;
  if (files_.contains(result->file)) differ("an id came back");
  files_[result->file] = {.type = type, .data = target, .parent = parent, .links = type == directory ? 2u : 1u};
  files_.at(parent).entries[name] = result->file;
  if (type == directory) ++files_.at(parent).links;
}

void Model::link() {
  const Id file = any_file(), parent = any_directory();
  const std::string name = any_name();
  const ModelFile& to = files_.at(parent);
  const Error expected = to.type != directory                          ? Error::NotDirectory
                         : files_.at(file).type == directory           ? Error::NotPermitted
                         : files_.at(file).links == 0 || to.links == 0 ? Error::NotFound
                         : to.entries.contains(name)                   ? Error::Exists
                                                                       : Error::None;
  if (!agree("link", mounted_->link(file, parent, name, mounted_.request), expected)) return;
  files_.at(parent).entries[name] = file;
  ++files_.at(file).links;
}

std::string Model::name_to_remove(Id parent) {
  const auto& entries = files_.at(parent).entries;
  if (!options_.lively || entries.empty()) return any_name();
  const std::string name = std::next(entries.begin(), static_cast<long>(random_.below(entries.size())))->first;
  return name == "lost+found" ? any_name() : name;  // e2fsck would miss it
}

void Model::unlink() {
  const Id parent = any_directory();
  const std::string name = name_to_remove(parent);
  const ModelFile& from = files_.at(parent);
  const auto found = from.entries.find(name);
  bool removes_directory = random_.chance(300'000);
  if (options_.lively && found != from.entries.end()) removes_directory = files_.at(found->second).type == directory;
  Error expected = Error::None;
  if (from.type != directory)
    expected = Error::NotDirectory;
  else if (from.links == 0 || found == from.entries.end())
    expected = Error::NotFound;
  else if (removes_directory != (files_.at(found->second).type == directory))
    expected = removes_directory ? Error::NotDirectory : Error::IsDirectory;
  else if (removes_directory && !files_.at(found->second).entries.empty())
    expected = Error::NotEmpty;
  const auto result = removes_directory ? mounted_->remove_directory(parent, name, mounted_.request)
                                        : mounted_->unlink(parent, name, mounted_.request);
  if (!agree("unlink", result, expected)) return;
  const Id id = found->second;
  files_.at(parent).entries.erase(name);
  if (removes_directory) --files_.at(parent).links;
  drop_link(id);
}

Error Model::expected_of_rename(Id from, const std::string& old_name, Id to, const std::string& new_name,
                                RenameMode mode) const {
  const ModelFile &source = files_.at(from), &target = files_.at(to);
  if (source.type != directory || target.type != directory) return Error::NotDirectory;
  if (source.links == 0 || target.links == 0) return Error::NotFound;
  const auto moved = source.entries.find(old_name), there = target.entries.find(new_name);
  if (moved == source.entries.end()) return Error::NotFound;
  const ModelFile& file = files_.at(moved->second);
  const bool exists = there != target.entries.end();
  if (file.type == directory && from != to && lies_below(to, moved->second)) return Error::InvalidArgument;
  if (mode == RenameMode::NoReplace) return exists ? Error::Exists : Error::None;
  if (!exists) return mode == RenameMode::Exchange ? Error::NotFound : Error::None;
  const ModelFile& other = files_.at(there->second);
  const bool above = other.type == directory && from != to && lies_below(from, there->second);
  if (mode == RenameMode::Exchange) return above ? Error::InvalidArgument : Error::None;
  if (above) return Error::NotEmpty;
  if (moved->second == there->second) return Error::None;
  if (file.type == directory && other.type != directory) return Error::NotDirectory;
  if (file.type != directory && other.type == directory) return Error::IsDirectory;
  return other.entries.empty() ? Error::None : Error::NotEmpty;
}

void Model::rename() {
  const Id from = any_directory(), to = random_.chance(500'000) ? from : any_directory();
  const std::string old_name = any_name(), new_name = any_name();
  const auto mode = static_cast<RenameMode>(random_.below(3));
  const Error expected = expected_of_rename(from, old_name, to, new_name, mode);
  if (!agree("rename", mounted_->rename(from, old_name, to, new_name, mode, mounted_.request), expected)) return;
  ModelFile &source = files_.at(from), &target = files_.at(to);
  const Id moved = source.entries.at(old_name);
  const auto there = target.entries.find(new_name);
  const Id replaced = there != target.entries.end() ? there->second : Id();
  if (moved == replaced) return;
  const bool is_directory = files_.at(moved).type == directory;
  target.entries[new_name] = moved;
  if (is_directory) {
    files_.at(moved).parent = to;
    --source.links;
    ++target.links;
  }
  if (mode == RenameMode::Exchange) {
    source.entries[old_name] = replaced;
    if (files_.at(replaced).type == directory) {
      files_.at(replaced).parent = from;
      --target.links;
      ++source.links;
    }
    return;
  }
  source.entries.erase(old_name);
  if (!replaced) return;
  if (files_.at(replaced).type == directory) --target.links;
  drop_link(replaced);
}

// Bytes that were there may have been replaced by then; what else may not have changed is compared later.
void Model::failed_in_part(Id id, ModelFile& file) {
  if (file.type != regular || !options_.allow_io_errors) return;
  const auto fails = std::exchange(mounted_.store.fails, nullptr);
  const std::string now = mounted_.read(id);
  mounted_.store.fails = fails;
  if (now.size() != file.data.size()) differ("the size after a failed change of data");
  file.data = now;
}

void Model::write() {
  const Id id = any_file();
  ModelFile& file = files_.at(id);
  const std::uint64_t offset =
      random_.below(random_.chance(200'000) ? options_.largest_file : file.data.size() + 5'000);
  std::string bytes = some_bytes(1 + random_.below(random_.chance(500'000) ? 5'000 : options_.largest_write));
  if (random_.chance(300'000)) bytes.resize((bytes.size() + 4095) / 4096 * 4096);
  const Error expected = file.type == directory ? Error::IsDirectory
                         : file.type != regular ? Error::InvalidArgument
                                                : Error::None;
  const auto result = mounted_->write(id, offset, std::as_bytes(std::span(bytes)), mounted_.request);
  if (!agree("write", result, expected)) {
    if (error_of(result) == Error::IoError) failed_in_part(id, file);
    return;
  }
  if (file.data.size() < offset + bytes.size()) file.data.resize(offset + bytes.size());
  file.data.replace(offset, bytes.size(), bytes);
}

void Model::truncate() {
  const Id id = any_file();
  ModelFile& file = files_.at(id);
  const std::uint64_t size = random_.below(random_.chance(100'000) ? options_.largest_file : file.data.size() + 3'000);
  const Error expected = file.type == directory ? Error::IsDirectory
                         : file.type != regular ? Error::InvalidArgument
                                                : Error::None;
  const auto result = mounted_->set_attributes(id, {.set_size = true, .size = size}, mounted_.request);
  if (agree("truncate", result, expected)) file.data.resize(size);
}

void Model::punch() {
  const Id id = any_file();
  ModelFile& file = files_.at(id);
  const std::uint64_t offset = random_.below(file.data.size() + 5'000), bytes = 1 + random_.below(20'000);
  const Error expected = file.type == directory ? Error::IsDirectory
                         : file.type != regular ? Error::InvalidArgument
                                                : Error::None;
  const auto result = mounted_->punch(id, offset, bytes, mounted_.request);
  if (!agree("punch", result, expected)) {
    if (error_of(result) == Error::IoError) failed_in_part(id, file);
    return;
  }
  if (offset >= file.data.size()) return;
  const std::uint64_t count = std::min(bytes, file.data.size() - offset);
  file.data.replace(offset, count, count, '\0');
}

void Model::read() {
  const Id id = any_file();
  const ModelFile& file = files_.at(id);
  const std::uint64_t offset = random_.below(file.data.size() + 1'000);
  std::string bytes(random_.below(50'000), '?');
  const Error expected = file.type == directory ? Error::IsDirectory
                         : file.type != regular ? Error::InvalidArgument
                                                : Error::None;
  const auto result = mounted_->read(id, offset, std::as_writable_bytes(std::span(bytes)));
  if (!agree("read", result, expected)) return;
  const std::string expected_bytes = offset < file.data.size() ? file.data.substr(offset, bytes.size()) : std::string();
  bytes.resize(*result);
  if (bytes != expected_bytes) differ("bytes read");
}

void Model::reserve() {
  const Id id = any_file();
  const ModelFile& file = files_.at(id);
  const Error expected = file.type == directory ? Error::IsDirectory
                         : file.type != regular ? Error::InvalidArgument
                                                : Error::None;
  agree("reserve",
        mounted_->reserve(id, random_.below(options_.largest_file), random_.below(100'000), mounted_.request),
        expected);
}

void Model::lookup() {
  const Id parent = any_directory();
  const std::string name = any_name();
  const ModelFile& file = files_.at(parent);
  const auto found = file.entries.find(name);
  const Error expected = file.type != directory                           ? Error::NotDirectory
                         : file.links == 0 || found == file.entries.end() ? Error::NotFound
                                                                          : Error::None;
  const auto result = mounted_->lookup(parent, name);
  if (agree("lookup", result, expected) && result->file != found->second) differ("what a name leads to");
}

void Model::hold_or_release() {
  const Id id = any_file();
  if (id == mounted_.root()) return;
  if (random_.chance(500'000)) {
    if (agree("hold", mounted_->hold(id), Error::None)) ++files_.at(id).holds;
    return;
  }
  ModelFile& file = files_.at(id);
  const auto count = static_cast<std::uint32_t>(1 + random_.below(2));
  const Error expected = file.holds >= count ? Error::None : Error::InvalidArgument;
  const auto result = mounted_->release(id, count, mounted_.request);
  // A failure to free the file does not bring the hold back.
  const bool released = error_of(result) == Error::None || (expected == Error::None && tolerated(error_of(result)));
  agree("release", result, expected);
  if (!released) return;
  file.holds -= count;
  erase_if_gone(id);
}

void Model::attributes() {
  const Id id = any_file();
  const ModelFile& file = files_.at(id);
  const auto result = mounted_->attributes(id);
  if (!agree("attributes", result, Error::None)) return;
  if (result->links != file.links) differ("links");
  if ((result->mode & storage::mode::type_mask) != file.type) differ("type");
  if (file.type == regular && result->size != file.data.size()) differ("size");
}

void Model::step() {
  constexpr void (Model::*operations[])() = {
      &Model::create,  &Model::create, &Model::link,       &Model::unlink,         &Model::unlink, &Model::rename,
      &Model::write,   &Model::write,  &Model::write,      &Model::truncate,       &Model::punch,  &Model::read,
      &Model::reserve, &Model::lookup, &Model::attributes, &Model::hold_or_release};
  (this->*operations[random_.below(std::size(operations))])();
}

void Model::compare_directory(Id id) {
  const ModelFile& file = files_.at(id);
  if (file.links == 0) return;
  Names names;
  if (!must(mounted_->read_directory(id, 0, names))) differ("the end of a directory");
  if (names.names.size() != file.entries.size() + 2) differ("the number of entries");
  for (const auto& [name, child] : file.entries)
    if (must(mounted_->lookup(id, name)).file != child) differ("the entry " + name);
  if (must(mounted_->lookup(id, "..")).file != file.parent) differ("the parent of a directory");
}

void Model::compare() {
  std::vector<char> target(storage::max_link_target_bytes);
  for (const auto& [id, file] : files_) {
    const auto attributes = must(mounted_->attributes(id));
    if (attributes.links != file.links) differ("links");
    if (file.type == directory) compare_directory(id);
    if (file.type == symlink && must(mounted_->read_link(id, target)) != file.data) differ("a symbolic link");
    if (file.type != regular) continue;
    if (attributes.size != file.data.size()) differ("a size");
    if (mounted_.read(id, 0, file.data.size() + 1) != file.data) differ("a file's bytes");
  }
}

void Model::add_to(Tree& tree, const std::string& path, Id id) const {
  const ModelFile& file = files_.at(id);
  tree[path] = {.id = id, .type = file.type, .links = file.links, .data = file.data};
  for (const auto& [name, child] : file.entries) add_to(tree, path + "/" + name, child);
}

Tree Model::tree() const {
  Tree tree;
  add_to(tree, "", mounted_.root());
  for (const auto& [id, file] : files_)
    if (file.links == 0 && file.type != directory) add_to(tree, "#" + std::to_string(id.value()), id);
  return tree;
}

void Model::forget_holds() {
  for (auto at = files_.begin(); at != files_.end();) {
    at->second.holds = 0;
    if (at->second.links == 0)
      at = files_.erase(at);
    else
      ++at;
  }
}

}  // namespace ext4::testing
