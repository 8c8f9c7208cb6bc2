// SPDX-License-Identifier: Apache-2.0
// POSIX message queues (mq_open(2) and its siblings): see ipc/posix_queues.h.
#include <linux/fcntl.h>

#include <cstring>

#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/calls_ipc.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/files/queue_file.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/sockets/netlink/netlink_socket.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi::calls {
namespace {

using arch::UserIn;
using arch::UserOut;

constexpr int code_message = -3;  // SI_MESGQ

// struct mq_attr
struct UserAttributes {
  std::int64_t flags, most_messages, message_bytes, messages, reserved[4];
};
static_assert(sizeof(UserAttributes) == 64);

// struct sigevent, as far as it is looked at.
struct UserNotice {
  std::uint64_t value;
  std::int32_t signal, kind;
};
constexpr int notice_signal = 0, notice_none = 1, notice_thread = 2;

ipc::PosixQueues& queues_of(Call& call) { return call.process().vnode().ipc.posix_queues; }

class QueueName {
 public:
  Answer<std::string_view> read(std::uint64_t address) {
    const auto length = arch::copy_string_from_user(text_, base::UserVa(address));
    if (!length) return error(length.error() == base::Error::NameTooLong ? ENAMETOOLONG : EFAULT);
    return std::string_view(text_.data(), *length);
  }

 private:
  std::array<char, 512> text_;  // a name has 255 characters at most
};

// EBADF. The file lives as long as the reference.
Answer<QueueFile*> queue_of(const OpenFileReference& file) {
  QueueFile* queue = file->queue_file();
  return queue == nullptr ? error(EBADF) : Answer<QueueFile*>(queue);
}

// A time on the real clock; none: never.
Answer<std::uint64_t> deadline_at(std::uint64_t address) {
  if (address == 0) return base::never_ns;
  const UserTimespec time = TRY(UserIn<UserTimespec>(address).read());
  if (!is_valid(time)) return error(EINVAL);
  const std::uint64_t at = to_ns(time), offset = wall_clock_offset_ns();
  return at > offset ? at - offset : 0;
}

// SIGEV_THREAD: the C library has a thread that reads a netlink socket, where it gets its 32 bytes back, the last of
// which says what happened.
class SocketListener final : public ipc::PosixListener {
 public:
  using Cookie = std::array<std::byte, 32>;
  SocketListener(OpenFileReference socket, const Cookie& cookie) : socket_(std::move(socket)), cookie_(cookie) {}
  void message_came() override { send(1); }
  void forgotten() override { send(2); }

 private:
  void send(int what) {
    Cookie sent = cookie_;
    sent.back() = static_cast<std::byte>(what);
    socket_->socket()->netlink_socket()->tell(sent);
  }
  const OpenFileReference socket_;
  const Cookie cookie_;
};

// EFAULT, EBADF, ENOTSOCK, EINVAL: no netlink socket.
Answer<processor::Reference<ipc::PosixListener>> listener_of(Call& call, const UserNotice& given) {
  SocketListener::Cookie cookie{};
  TRY(call.thread.copy_in(cookie, given.value));
  OpenFileReference file = TRY(call.thread.descriptors().get(given.signal));
  if (file->socket() == nullptr) return error(ENOTSOCK);
  if (file->socket()->netlink_socket() == nullptr) return error(EINVAL);
  auto made = base::make<SocketListener>(std::move(file), cookie);
  if (!made) return error(ENOMEM);
  return processor::Reference<ipc::PosixListener>(*made.release());
}

void tell(Call& call, const ipc::PosixNotice& notice) {
  if (notice.listener) notice.listener->message_came();
  if (notice.process == 0 || notice.signal == 0) return;
  const base::SpinGuard guard(tasks_lock);
  const PidEntry* entry = call.process().vnode().pids.find(notice.pid);
  if (entry == nullptr || entry->process == nullptr || entry->process->serial() != notice.process) return;
  (void)send_to_process_locked(*entry->process, {.signal = notice.signal,
                                                 .code = code_message,
                                                 .pid = call.process().pid(),
                                                 .uid = call.thread.user.uid,
                                                 .value = notice.value});
}

}  // namespace

Answer<std::uint64_t> mq_open(Call& call) {
  QueueName name;
  const int flags = Call::as_int(call.b());
  ipc::PosixQueues::Request request{
      .name = {},
      .flags = flags,
      .mode = static_cast<std::uint32_t>(call.c()) & 0777 & ~call.thread.file_context().umask(),
      .size = {},
      .byte_limit = call.thread.limit(static_cast<int>(Resource::MessageQueue))};
  if ((flags & O_CREAT) != 0 && call.d() != 0) {
    const UserAttributes given = TRY(UserIn<UserAttributes>(call.d()).read());
    if (given.most_messages <= 0 || given.message_bytes <= 0) return error(EINVAL);
    request.size = ipc::PosixQueueSize{static_cast<std::uint64_t>(given.most_messages),
                                       static_cast<std::uint64_t>(given.message_bytes)};
  }
  request.name = TRY(name.read(call.a()));
  if ((flags & O_ACCMODE) == O_ACCMODE) return error(EINVAL);
  const auto opened = TRY(queues_of(call).open(request, call.thread));
  auto file = QueueFile::create(opened.queue, call.process().share_vnode(), flags & (O_ACCMODE | O_NONBLOCK));
  const auto descriptor = file ? install(call, std::move(*file), true) : std::unexpected(file.error());
  // Nobody is left with a queue that there was no descriptor for.
  if (!descriptor && opened.made) (void)queues_of(call).unlink(request.name, call.thread.user);
  return descriptor;
}

Answer<std::uint64_t> mq_unlink(Call& call) {
  QueueName name;
  const std::string_view text = TRY(name.read(call.a()));
  TRY(queues_of(call).unlink(text, call.thread.user));
  return std::uint64_t{0};
}

Answer<std::uint64_t> mq_timedsend(Call& call) {
  if (call.d() >= ipc::posix_priorities) return error(EINVAL);
  const std::uint64_t deadline_ns = TRY(deadline_at(call.e()));
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  QueueFile* opened = TRY(queue_of(file));
  if (!opened->writable()) return error(EBADF);
  if (call.c() > opened->queue().status().most.message_bytes) return error(EMSGSIZE);
  auto message = base::make<ipc::PosixMessage>();
  if (!message) return error(ENOMEM);
  message->priority = static_cast<std::uint32_t>(call.d());
  TRY(message->text.resize(call.c()));
  TRY(call.thread.copy_in(message->text.span(), call.b()));
  const bool wait = !opened->non_blocking();
  tell(call, TRY(opened->queue().send(std::move(message), wait, deadline_ns, call.thread)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> mq_timedreceive(Call& call) {
  const std::uint64_t deadline_ns = TRY(deadline_at(call.e()));
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  QueueFile* opened = TRY(queue_of(file));
  if (!opened->readable()) return error(EBADF);
  const auto message = TRY(opened->queue().receive(call.c(), !opened->non_blocking(), deadline_ns, call.thread));
  if (call.d() != 0) TRY(UserOut<std::uint32_t>(call.d()).write(message->priority));
  TRY(call.thread.copy_out(call.b(), message->text.span()));
  return std::uint64_t{message->text.size()};
}

Answer<std::uint64_t> mq_notify(Call& call) {
  ipc::PosixNotice notice;
  if (call.b() != 0) {
    const UserNotice given = TRY(UserIn<UserNotice>(call.b()).read());
    if (given.kind < notice_signal || given.kind > notice_thread) return error(EINVAL);
    if (given.kind == notice_signal && (given.signal < 0 || given.signal > max_signal)) return error(EINVAL);
    notice = {.process = call.thread.process_id(),
              .pid = call.process().pid(),
              .signal = given.kind == notice_signal ? given.signal : 0,
              .value = given.value};
    if (given.kind == notice_thread) notice.listener = TRY(listener_of(call, given));
  }
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  QueueFile* opened = TRY(queue_of(file));
  if (call.b() == 0)
    opened->queue().forget_notice(call.thread.process_id());
  else
    TRY(opened->queue().ask_for_notice(notice));
  return std::uint64_t{0};
}

Answer<std::uint64_t> mq_getsetattr(Call& call) {
  UserAttributes fresh{};
  if (call.b() != 0) {
    fresh = TRY(UserIn<UserAttributes>(call.b()).read());
    if ((fresh.flags & ~std::int64_t{O_NONBLOCK}) != 0) return error(EINVAL);
  }
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  QueueFile* opened = TRY(queue_of(file));
  const ipc::PosixQueueStatus status = opened->queue().status();
  const UserAttributes old{.flags = opened->flags() & O_NONBLOCK,
                           .most_messages = static_cast<std::int64_t>(status.most.messages),
                           .message_bytes = static_cast<std::int64_t>(status.most.message_bytes),
                           .messages = static_cast<std::int64_t>(status.messages),
                           .reserved = {}};
  if (call.b() != 0) opened->set_flags((opened->flags() & ~O_NONBLOCK) | static_cast<int>(fresh.flags));
  if (call.c() != 0) TRY(UserOut<UserAttributes>(call.c()).write(old));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
