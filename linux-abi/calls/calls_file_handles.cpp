// SPDX-License-Identifier: Apache-2.0
// name_to_handle_at and open_by_handle_at: see files/file_handles.h.
#include "linux-abi/calls/calls_file_handles.h"

#include <linux/fcntl.h>

#include <cstring>
#include <utility>

#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_ptr.h"
#include "kernel/core/entropy.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/file_handles.h"
#include "linux-abi/files/home_node.h"
#include "linux-abi/files/open_path.h"
#include "linux-abi/files/tree.h"

namespace linux_abi::calls {
namespace {

using arch::UserIn;
using arch::UserOut;

constexpr std::uint32_t most_handle_bytes = 128;  // MAX_HANDLE_SZ

// struct file_handle, before the handle.
struct UserHandle {
  std::uint32_t bytes;
  std::int32_t type;
};

// Made when it is asked for the first time.
HandleKey handle_key() {
  static base::SpinLock lock{base::LockRank::Process};
  static HandleKey key;
  static bool made = false;
  HandleKey fresh;
  kernel::fill_random(std::as_writable_bytes(std::span(fresh)));
  const base::SpinGuard guard(lock);
  if (!std::exchange(made, true)) key = fresh;
  return key;
}

// The file system at a home that the place is in; nullptr: it is in another kind.
HomeFileSystem* home_system_at(Call& call, Place& place) {
  HomeFileSystem* own = place.mount() == nullptr ? nullptr : place.mount()->system().home.get();
  HomeFileSystem* system = own != nullptr ? own : &home_system_of(call.thread.file_context().tree());
  return place.node().domain() == system ? system : nullptr;
}

Answer<PlaceReference> place_of(Call& call, int descriptor) {
  if (descriptor == at_current_directory) return call.thread.file_context().working_directory();
  const OpenFileReference file = TRY(call.thread.descriptors().get(descriptor));
  return file->place() == nullptr ? error(ESTALE) : Answer<PlaceReference>(PlaceReference(*file->place()));
}

// ESTALE: there is no such file, or it is a handle of something else.
Answer<PlaceReference> find_by_handle(Call& call, Place& within, const FileHandle& handle) {
  HomeFileSystem* system = home_system_at(call, within);
  if (system == nullptr || handle.mark != handle_mark(handle_key(), handle.file, system->device()))
    return error(ESTALE);
  processor::Reference<HomeNode> node = system->known_node(handle.file);
  if (!node) {
    messages::FileGetAttributesRequest request;
    request.file = handle.file;
    const auto reply = ask(system->home(), request, call.thread.sleeper());
    if (!reply) return error(ESTALE);
    node = TRY(system->node(reply->attributes));
  }
  const FileStatus status = TRY(node->status(call.thread));
  if (status.links == 0) return error(ESTALE);
  return Place::create(NodeReference(*node), {}, "/", MountReference(*within.mount()));
}

}  // namespace

Answer<std::uint64_t> name_to_handle_at(Call& call) {
  const auto flags = static_cast<std::uint32_t>(call.e());
  if ((flags & ~std::uint32_t{AT_SYMLINK_FOLLOW | AT_EMPTY_PATH}) != 0) return error(EINVAL);
  const EmptyPath empty = (flags & AT_EMPTY_PATH) != 0 ? EmptyPath::NamesDescriptor : EmptyPath::Refused;
  const LastLink last = (flags & AT_SYMLINK_FOLLOW) != 0 ? LastLink::Follow : LastLink::Keep;
  const Named named = TRY(find_named(call, Call::as_int(call.a()), call.b(), last, empty));
  HomeFileSystem* system = named.place ? home_system_at(call, *named.place) : nullptr;
  if (system == nullptr || named.place->mount() == nullptr) return error(EOPNOTSUPP);
  UserHandle header = TRY(UserIn<UserHandle>(call.c()).read());
  if (header.bytes > most_handle_bytes) return error(EINVAL);
  const bool fits = header.bytes >= sizeof(FileHandle);
  header = {sizeof(FileHandle), file_handle_type};
  const std::uint64_t file = static_cast<HomeNode&>(named.place->node()).id();
  TRY(UserOut<UserHandle>(call.c()).write(header));
  if (fits)
    TRY(UserOut<FileHandle>(call.c() + sizeof header).write({file, handle_mark(handle_key(), file, system->device())}));
  TRY(UserOut<std::int32_t>(call.d()).write(static_cast<std::int32_t>(named.place->mount()->id())));
  return fits ? Answer<std::uint64_t>(std::uint64_t{0}) : error(EOVERFLOW);
}

Answer<std::uint64_t> open_by_handle_at(Call& call) {
  const int flags = Call::as_int(call.c());
  if (!call.thread.user.may(Capability::DacReadSearch)) return error(EPERM);
  const UserHandle header = TRY(UserIn<UserHandle>(call.b()).read());
  if (header.bytes > most_handle_bytes || header.bytes == 0) return error(EINVAL);
  std::array<std::byte, most_handle_bytes> given{};
  TRY(call.thread.copy_in(std::span(given).first(header.bytes), call.b() + sizeof header));
  const PlaceReference within = TRY(place_of(call, Call::as_int(call.a())));
  if (header.bytes != sizeof(FileHandle) || header.type != file_handle_type) return error(ESTALE);
  FileHandle handle;
  std::memcpy(&handle, given.data(), sizeof handle);
  PlaceReference place = TRY(find_by_handle(call, *within, handle));
  return install(call, TRY(open_found(call.thread, std::move(place), flags)), (flags & O_CLOEXEC) != 0);
}

}  // namespace linux_abi::calls
