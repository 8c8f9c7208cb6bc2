// SPDX-License-Identifier: Apache-2.0
// Control messages of sendmsg and recvmsg: descriptors and credentials; see socket_arguments.h.
#include <asm/socket.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/socket_arguments.h"
#include "linux-abi/sockets/unix_socket.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

constexpr int rights = 1, credentials = 2;  // SCM_RIGHTS, SCM_CREDENTIALS
constexpr std::size_t max_rights = 253;

// struct cmsghdr
struct ControlHeader {
  std::uint64_t bytes;
  std::int32_t level, type;
};
static_assert(sizeof(ControlHeader) == 16);

constexpr std::uint64_t aligned(std::uint64_t bytes) { return (bytes + 7) & ~std::uint64_t{7}; }

Answer<> read_rights(Call& call, std::uint64_t address, std::size_t count, base::Array<OpenFileReference>& files) {
  if (files.size() + count > max_rights) return error(EINVAL);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t descriptor = TRY(UserIn<std::int32_t>(address + i * sizeof(std::int32_t)).read());
    OpenFileReference file = TRY(call.thread.descriptors().get(descriptor));
    TRY(files.push_back(std::move(file)));
  }
  // Of a vNode together; Linux counts for each user.
  constexpr int open_files = 7;  // RLIMIT_NOFILE
  const std::size_t in_flight = call.process().vnode().unix_sockets->files_in_flight();
  if (in_flight > call.thread.limit(open_files) && !call.thread.user.is_root()) return error(ETOOMANYREFS);
  return {};
}

Answer<SocketCredentials> read_credentials(Call& call, std::uint64_t address, std::size_t bytes) {
  if (bytes != sizeof(SocketCredentials)) return error(EINVAL);
  const auto given = TRY(UserIn<SocketCredentials>(address).read());
  const Credentials& user = call.thread.user;
  const bool own = given.pid == call.process().pid() &&
                   (given.uid == user.uid || given.uid == user.effective_uid || given.uid == user.saved_uid) &&
                   (given.gid == user.gid || given.gid == user.effective_gid || given.gid == user.saved_gid);
  if (!own && !user.is_root()) return error(EPERM);
  return given;
}

// Where the next control message goes; what does not fit is dropped and said to be.
class ControlWriter {
 public:
  explicit ControlWriter(UserMessage& message) : message_(message), left_(message.control_bytes) {}

  std::size_t room() const { return left_ < sizeof(ControlHeader) ? 0 : left_ - sizeof(ControlHeader); }
  std::uint64_t data() const { return message_.control + used_ + sizeof(ControlHeader); }
  Answer<> put(int level, int type, std::size_t data_bytes) {
    const std::uint64_t bytes = sizeof(ControlHeader) + data_bytes;
    TRY(UserOut<ControlHeader>(message_.control + used_).write({bytes, level, type}));
    const std::uint64_t space = std::min(aligned(bytes), left_);
    used_ += space;
    left_ -= space;
    return {};
  }
  void truncated() { message_.flags |= message_flag::control_truncated; }
  void finish() { message_.control_bytes = used_; }

 private:
  UserMessage& message_;
  std::uint64_t used_ = 0, left_;
};

// As much of it as there is room for.
Answer<> write_note(Call& call, ControlWriter& writer, const ControlNotes::Note& note) {
  const std::size_t bytes = std::min<std::size_t>(note.size, writer.room());
  if (bytes < note.size) writer.truncated();
  if (bytes == 0) return {};
  TRY(call.thread.copy_out(writer.data(), std::span(note.bytes).first(bytes)));
  return writer.put(note.level, note.type, bytes);
}

Answer<> write_rights(Call& call, ControlWriter& writer, base::Array<OpenFileReference>& files, bool close_on_exec) {
  const std::size_t room = std::min(files.size(), writer.room() / sizeof(std::int32_t));
  std::size_t installed = 0;
  for (; installed < room; ++installed) {
    const auto descriptor = install(call, std::move(files[installed]), close_on_exec);
    if (!descriptor) break;
    TRY(UserOut<std::int32_t>(writer.data() + installed * sizeof(std::int32_t))
            .write(static_cast<std::int32_t>(*descriptor)));
  }
  if (installed < files.size()) writer.truncated();
  if (installed == 0) return {};
  return writer.put(SOL_SOCKET, rights, installed * sizeof(std::int32_t));
}

}  // namespace

namespace {

Answer<> read_one(Call& call, int type, std::uint64_t data, std::size_t bytes, Control& control) {
  if (type == rights) return read_rights(call, data, bytes / sizeof(std::int32_t), control.files);
  if (type != credentials) return error(EINVAL);
  control.credentials = TRY(read_credentials(call, data, bytes));
  return {};
}

}  // namespace

Answer<Control> read_control(Call& call, const Socket& socket, const UserMessage& message) {
  constexpr std::uint64_t most = 65536;
  Control control;
  if (message.control_bytes > most) return error(ENOBUFS);
  const bool local = socket.family() == address_family::local;
  for (std::uint64_t at = 0; at + sizeof(ControlHeader) <= message.control_bytes;) {
    const std::uint64_t address = message.control + at;
    const auto header = TRY(UserIn<ControlHeader>(address).read());
    if (header.bytes < sizeof header || header.bytes > message.control_bytes - at) return error(EINVAL);
    if (header.level == SOL_SOCKET && local)
      TRY(read_one(call, header.type, address + sizeof header, header.bytes - sizeof header, control));
    at += aligned(header.bytes);
  }
  return control;
}

Answer<> write_control(Call& call, const Socket& socket, Received& received, UserMessage& message, bool close_on_exec) {
  ControlWriter writer(message);
  ControlNotes notes;
  socket.note(received, notes);
  // Of a stream's end they are nobody's; the end of messages is none.
  const bool from_somebody = socket.is_stream() || received.is_message();
  if (from_somebody && socket.options().is_on(SO_PASSCRED)) notes.add(SOL_SOCKET, credentials, received.credentials);
  for (const ControlNotes::Note& note : notes.all()) TRY(write_note(call, writer, note));
  if (received.attachment)
    TRY(write_rights(call, writer, static_cast<AttachedFiles&>(*received.attachment).files, close_on_exec));
  writer.finish();
  return {};
}

}  // namespace linux_abi::calls
