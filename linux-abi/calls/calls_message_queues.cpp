// SPDX-License-Identifier: Apache-2.0
// System V message queues: see ipc/message_queues.h.
#include <linux/msg.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_ipc.h"
#include "linux-abi/calls/ipc_structures.h"
#include "linux-abi/ipc/space.h"

namespace linux_abi::calls {
namespace {

using arch::UserIn;
using arch::UserOut;

ipc::MessageQueues& queues_of(Call& call) { return call.process().vnode().ipc.messages; }

Answer<std::uint64_t> write_status(Call& call, const ipc::MessageQueueStatus& status) {
  msqid64_ds user{};
  user.msg_perm = to_user(status.permissions);
  user.msg_stime = static_cast<long>(status.sent_seconds);
  user.msg_rtime = static_cast<long>(status.received_seconds);
  user.msg_ctime = static_cast<long>(status.changed_seconds);
  user.msg_cbytes = status.bytes;
  user.msg_qnum = status.messages;
  user.msg_qbytes = status.most_bytes;
  user.msg_lspid = status.sender_pid;
  user.msg_lrpid = status.receiver_pid;
  TRY(UserOut<msqid64_ds>(call.c()).write(user));
  return std::uint64_t{0};
}

Answer<std::uint64_t> information(Call& call, bool in_use) {
  const ipc::MessageQueues::Totals totals = queues_of(call).totals();
  msginfo user{};
  user.msgmni = static_cast<int>(queues_of(call).settings().most);
  user.msgmax = static_cast<int>(ipc::max_message_bytes);
  user.msgmnb = static_cast<int>(ipc::max_queue_bytes);
  user.msgssz = 16;
  user.msgseg = 0xffff;
  user.msgpool = in_use ? static_cast<int>(totals.queues) : user.msgmni * user.msgmnb / 1024;
  user.msgmap = in_use ? static_cast<int>(totals.messages) : user.msgmnb;
  user.msgtql = in_use ? static_cast<int>(totals.bytes) : user.msgmnb;
  TRY(UserOut<msginfo>(call.c()).write(user));
  return last_place(totals.places);
}

}  // namespace

Answer<std::uint64_t> msgget(Call& call) {
  return static_cast<std::uint64_t>(
      TRY(queues_of(call).get(Call::as_int(call.a()), Call::as_int(call.b()), call.thread)));
}

Answer<std::uint64_t> msgsnd(Call& call) {
  const std::int64_t type = TRY(UserIn<std::int64_t>(call.b()).read());
  if (call.c() > ipc::max_message_bytes || Call::as_int(call.a()) < 0 || type < 1) return error(EINVAL);
  auto message = base::make<ipc::Message>();
  if (!message) return error(ENOMEM);
  message->type = type;
  TRY(message->text.resize(call.c()));
  TRY(call.thread.copy_in(message->text.span(), call.b() + sizeof type));
  TRY(queues_of(call).send(Call::as_int(call.a()), std::move(message), (call.d() & IPC_NOWAIT) == 0,
                           call.process().pid(), call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> msgrcv(Call& call) {
  const int flags = Call::as_int(call.e());
  if (Call::as_int(call.a()) < 0 || static_cast<std::int64_t>(call.c()) < 0) return error(EINVAL);
  ipc::MessageWish wish;
  wish.type = static_cast<std::int64_t>(call.d());
  wish.room = call.c();
  wish.wait = (flags & IPC_NOWAIT) == 0;
  wish.other_types = (flags & MSG_EXCEPT) != 0;
  wish.truncate = (flags & MSG_NOERROR) != 0;
  wish.copy = (flags & MSG_COPY) != 0;
  if (wish.copy && (wish.other_types || wish.wait)) return error(EINVAL);
  const auto message = TRY(queues_of(call).receive(Call::as_int(call.a()), wish, call.process().pid(), call.thread));
  const std::size_t bytes = std::min(message->text.size(), wish.room);
  TRY(UserOut<std::int64_t>(call.b()).write(message->type));
  TRY(call.thread.copy_out(call.b() + sizeof message->type, message->text.span().first(bytes)));
  return std::uint64_t{bytes};
}

Answer<std::uint64_t> msgctl(Call& call) {
  ipc::MessageQueues& queues = queues_of(call);
  const int id = Call::as_int(call.a()), command = Call::as_int(call.b());
  if (id < 0) return error(EINVAL);
  switch (command) {
    case IPC_INFO:
    case MSG_INFO:
      return information(call, command == MSG_INFO);
    case IPC_STAT:
      return write_status(call, TRY(queues.status(id, call.thread.user)));
    case MSG_STAT:
    case MSG_STAT_ANY: {
      const auto status =
          TRY(queues.status_at(ipc::place_of(id), command == MSG_STAT_ANY ? nullptr : &call.thread.user));
      TRY(write_status(call, status));
      return static_cast<std::uint64_t>(status.id);
    }
    case IPC_SET: {
      const msqid64_ds user = TRY(UserIn<msqid64_ds>(call.c()).read());
      TRY(queues.change(id, from_user(user.msg_perm), user.msg_qbytes, call.thread));
      return std::uint64_t{0};
    }
    case IPC_RMID:
      TRY(queues.remove(id, call.thread.user));
      return std::uint64_t{0};
    default:
      return error(EINVAL);
  }
}

}  // namespace linux_abi::calls
