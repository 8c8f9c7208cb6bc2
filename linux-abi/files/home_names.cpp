// SPDX-License-Identifier: Apache-2.0
// Names in directories of a vNode's root file system: see home_node.h.
#include "kernel/base/memory.h"
#include "linux-abi/files/home_node.h"

namespace linux_abi {

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::uint32_t length(std::string_view text) { return static_cast<std::uint32_t>(text.size()); }

Answer<base::Array<std::byte>> joined(std::string_view first, std::string_view second) {
  base::Array<std::byte> bytes;
  TRY(bytes.append(bytes_of(first)));
  TRY(bytes.append(bytes_of(second)));
  return bytes;
}

// Of a directory or a file that has no name any more its home knows nothing: ENOENT, where Linux still has the inode.
template <messages::Body Request>
Answer<typename Request::Reply> ask_of_names(HomeFileSystem& system, const Request& request, Caller& caller,
                                             std::span<const std::byte> names) {
  auto reply = system.ask_for_room(request, caller.sleeper(), names);
  if (!reply && reply.error() == ESTALE) return error(ENOENT);
  return reply;
}

}  // namespace

Answer<NodeReference> HomeNode::look_up(std::string_view name, Caller& caller) {
  if (!is_directory()) return error(ENOTDIR);
  messages::FileLookupRequest request;
  request.directory = id_;
  request.name_bytes = length(name);
  const auto reply = TRY(ask_of_names(file_system_, request, caller, bytes_of(name)));
  return NodeReference(*TRY(file_system_.node(reply.attributes)));
}

Answer<processor::Reference<HomeNode>> HomeNode::create_any(std::string_view name, std::uint32_t mode,
                                                            std::uint64_t device, std::string_view target,
                                                            messages::NewFileHold hold, Caller& caller) {
  if (!is_directory()) return error(ENOTDIR);
  const messages::FileAttributes own = TRY(attributes(caller.sleeper()));
  const Credentials& user = caller.credentials();
  messages::FileCreateRequest request;
  request.directory = id_;
  request.uid = user.file_uid;
  // A set-group directory gives its group to what is made in it, and its bit to directories.
  const bool inherits = (own.mode & file_mode::set_gid) != 0;
  request.gid = inherits ? own.gid.get() : user.file_gid;
  const bool directory = (mode & file_mode::type_mask) == file_mode::directory;
  request.mode = inherits && directory ? mode | file_mode::set_gid : mode;
  // Nor does anybody make a program of a group that is not his this way.
  constexpr std::uint32_t set_gid_program = file_mode::set_gid | 010;
  const bool strange = inherits && !directory && (mode & set_gid_program) == set_gid_program;
  if (strange && !user.may(Capability::FileSetId) && !user.in_group(own.gid)) request.mode = mode & ~file_mode::set_gid;
  request.device = device;
  request.name_bytes = length(name);
  request.target_bytes = length(target);
  request.hold = static_cast<std::uint32_t>(hold);
  const auto tail = TRY(joined(name, target));
  const auto reply = TRY(ask_of_names(file_system_, request, caller, tail.span()));
  if (hold == messages::NewFileHold::None) attributes_changed();
  file_system_.space_changed();
  return file_system_.node(reply.attributes);
}

Answer<NodeReference> HomeNode::create(std::string_view name, std::uint32_t mode, std::uint64_t device,
                                       Caller& caller) {
  return NodeReference(*TRY(create_any(name, mode, device, {}, messages::NewFileHold::None, caller)));
}

Answer<NodeReference> HomeNode::create_unnamed(std::uint32_t mode, bool linkable, Caller& caller) {
  const auto hold = linkable ? messages::NewFileHold::Unnamed : messages::NewFileHold::UnnamedForever;
  const processor::Reference<HomeNode> made = TRY(create_any({}, mode, 0, {}, hold, caller));
  const messages::FileAttributes known = TRY(made->attributes(caller.sleeper()));
  auto data = TRY(processor::open_file(file_system_.family(), known,
                                       {.held = true, .on_disk = !file_system_.in_memory()}, caller.sleeper()));
  const base::SpinGuard guard(made->lock_);
  made->data_ = std::move(data);
  return NodeReference(*made);
}

Answer<> HomeNode::create_link(std::string_view name, std::string_view target, Caller& caller) {
  TRY(create_any(name, file_mode::link | 0777, 0, target, messages::NewFileHold::None, caller));
  return {};
}

Answer<> HomeNode::link(std::string_view name, Node& existing, Caller& caller) {
  messages::FileLinkRequest request;
  auto& file = static_cast<HomeNode&>(existing);  // the same domain, the caller checked
  request.file = file.id();
  request.directory = id_;
  request.name_bytes = length(name);
  const auto reply = TRY(ask_of_names(file_system_, request, caller, bytes_of(name)));
  file.update(reply.attributes);
  attributes_changed();
  return {};
}

Answer<> HomeNode::unlink(std::string_view name, bool directory, Caller& caller) {
  messages::FileUnlinkRequest request;
  request.directory = id_;
  request.name_bytes = length(name);
  request.remove_directory = directory ? 1U : 0U;
  const auto reply = TRY(ask_of_names(file_system_, request, caller, bytes_of(name)));
  attributes_changed();
  file_system_.lost_a_name(reply.attributes);
  return {};
}

Answer<> HomeNode::rename(std::string_view name, Node& new_directory, std::string_view new_name, std::uint32_t flags,
                          Caller& caller) {
  auto& target = static_cast<HomeNode&>(new_directory);
  messages::FileRenameRequest request;
  request.old_directory = id_;
  request.new_directory = target.id();
  request.old_name_bytes = length(name);
  request.new_name_bytes = length(new_name);
  request.flags = flags;
  const auto tail = TRY(joined(name, new_name));
  const auto reply = TRY(ask_of_names(file_system_, request, caller, tail.span()));
  attributes_changed();
  target.attributes_changed();
  if (reply.attributes.file != 0) file_system_.lost_a_name(reply.attributes);
  return {};
}

Answer<base::Array<char>> HomeNode::read_link(Caller& caller) {
  if (!is_link()) return error(EINVAL);
  messages::FileReadLinkRequest request;
  request.file = id_;
  const HomeReply reply = TRY(send_home(file_system_.home(), messages::Operation::FileReadLink,
                                        std::as_bytes(std::span(&request, 1)), {}, WithBulk::No, caller.sleeper()));
  base::Array<char> target;
  const auto tail = reply.tail();
  TRY(target.append({reinterpret_cast<const char*>(tail.data()), tail.size()}));
  return target;
}

}  // namespace linux_abi
