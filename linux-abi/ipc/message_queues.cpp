// SPDX-License-Identifier: Apache-2.0
// System V message queues: see message_queues.h.
#include "linux-abi/ipc/message_queues.h"

#include <algorithm>

#include "linux-abi/abi/structures.h"

namespace linux_abi::ipc {
namespace {

std::uint64_t seconds(const Caller& caller) { return caller.wall_time_ns() / ns_per_second; }

MessageQueueStatus status_of(const MessageQueue& queue) {
  MessageQueueStatus status = queue.status;
  status.id = queue.id;
  status.permissions = queue.permissions;
  return status;
}

// The message that the wish is for; nullptr: there is none.
Message* choose(MessageQueue& queue, const MessageWish& wish) {
  Message* chosen = nullptr;
  std::int64_t position = 0;
  for (Message& message : queue.messages) {
    if (wish.copy) {
      if (position++ == wish.type) return &message;
    } else if (wish.type < 0) {
      // The lowest type up to that; of equal ones the first.
      const bool fits = message.type <= (wish.type == INT64_MIN ? INT64_MAX : -wish.type);
      if (fits && (chosen == nullptr || message.type < chosen->type)) chosen = &message;
    } else if (wish.type == 0 || (message.type == wish.type) != wish.other_types) {
      return &message;
    }
  }
  return chosen;
}

Answer<base::Own<Message>> copy_of(const Message& message) {
  auto copy = base::make<Message>();
  if (!copy) return error(ENOMEM);
  copy->type = message.type;
  TRY(copy->text.append(message.text.span()));
  return copy;
}

Answer<base::Own<Message>> take(MessageQueue& queue, Message& message, const MessageWish& wish, int pid,
                                const Caller& caller) {
  if (message.text.size() > wish.room && !wish.truncate) return error(E2BIG);
  if (wish.copy) return copy_of(message);
  queue.messages.erase(queue.messages.iterator_to(message));
  queue.status.bytes -= message.text.size();
  --queue.status.messages;
  queue.status.receiver_pid = pid;
  queue.status.received_seconds = seconds(caller);
  queue.changed.wake_all();
  return base::Own<Message>(&message);
}

Answer<> as_ipc_interrupt(const Answer<>& waited) {
  // Never restarted, whatever the handler's flags (signal(7)).
  return waited ? Answer<>() : error(EINTR);
}

}  // namespace

Answer<int> MessageQueues::get(std::int32_t key, int flags, const Caller& caller) {
  const base::SpinGuard guard(lock_);
  const MessageQueueReference known = TRY(table_.get(key, flags));
  if (known) {
    TRY(known->permissions.check(caller.credentials(), static_cast<std::uint32_t>(flags) & 0777));
    return known->id;
  }
  auto made = base::make<MessageQueue>();
  if (!made) return error(ENOMEM);
  const MessageQueueReference fresh(*made.release());
  fresh->permissions = Permissions::of_creator(key, static_cast<std::uint32_t>(flags), caller.credentials());
  fresh->status.changed_seconds = seconds(caller);
  TRY(table_.add(fresh));
  return fresh->id;
}

Answer<> MessageQueues::send(int id, base::Own<Message> message, bool wait, int pid, Caller& caller) {
  MessageQueueReference queue;
  {
    const base::SpinGuard guard(lock_);
    queue = TRY(table_.find(id));
  }
  Answer<> outcome;
  const auto ready = [&] {
    outcome = queue->removed ? Answer<>(error(EIDRM)) : queue->permissions.check(caller.credentials(), wants_write);
    if (!outcome) return true;
    MessageQueueStatus& status = queue->status;
    const std::size_t bytes = message->text.size();
    if (bytes + status.bytes > status.most_bytes || status.messages + 1 > status.most_bytes) {
      if (wait) return false;
      outcome = error(EAGAIN);
      return true;
    }
    queue->messages.push_back(*message.release());
    status.bytes += bytes;
    ++status.messages;
    status.sender_pid = pid;
    status.sent_seconds = seconds(caller);
    queue->changed.wake_all();
    return true;
  };
  TRY(as_ipc_interrupt(wait_until(caller, lock_, queue->changed, base::never_ns, ready)));
  return outcome;
}

Answer<base::Own<Message>> MessageQueues::receive(int id, const MessageWish& wish, int pid, Caller& caller) {
  MessageQueueReference queue;
  {
    const base::SpinGuard guard(lock_);
    queue = TRY(table_.find(id));
  }
  Answer<base::Own<Message>> outcome = error(ENOMSG);
  const auto ready = [&] {
    const auto allowed = queue->permissions.check(caller.credentials(), wants_read);
    if (queue->removed || !allowed) {
      outcome = error(queue->removed ? EIDRM : EACCES);
      return true;
    }
    Message* message = choose(*queue, wish);
    if (message == nullptr) return !wish.wait;
    outcome = take(*queue, *message, wish, pid, caller);
    return true;
  };
  TRY(as_ipc_interrupt(wait_until(caller, lock_, queue->changed, base::never_ns, ready)));
  return outcome;
}

Answer<MessageQueueStatus> MessageQueues::status(int id, const Credentials& user) {
  const base::SpinGuard guard(lock_);
  const MessageQueueReference queue = TRY(table_.find(id));
  TRY(queue->permissions.check(user, wants_read));
  return status_of(*queue);
}

Answer<MessageQueueStatus> MessageQueues::status_at(std::size_t place, const Credentials* user) {
  const base::SpinGuard guard(lock_);
  const MessageQueueReference queue = TRY(table_.at(place));
  if (user != nullptr) TRY(queue->permissions.check(*user, wants_read));
  return status_of(*queue);
}

Answer<> MessageQueues::change(int id, const Permissions& fresh, std::uint64_t most_bytes, const Caller& caller) {
  const base::SpinGuard guard(lock_);
  const MessageQueueReference queue = TRY(table_.find(id));
  TRY(queue->permissions.check_control(caller.credentials()));
  if (most_bytes > max_queue_bytes && !caller.credentials().may(Capability::Resources)) return error(EPERM);
  queue->permissions.change(fresh.uid, fresh.gid, fresh.mode);
  queue->status.most_bytes = most_bytes;
  queue->status.changed_seconds = seconds(caller);
  queue->changed.wake_all();
  return {};
}

Answer<> MessageQueues::remove(int id, const Credentials& user) {
  MessageQueueReference queue;  // ends after the lock
  const base::SpinGuard guard(lock_);
  queue = TRY(table_.find(id));
  TRY(queue->permissions.check_control(user));
  table_.remove(*queue);
  queue->changed.wake_all();
  return {};
}

MessageQueues::Totals MessageQueues::totals() {
  const base::SpinGuard guard(lock_);
  Totals totals{table_.used(), table_.places(), 0, 0};
  for (std::size_t place = 0; place < table_.places(); ++place)
    if (const auto queue = table_.at(place)) {
      totals.messages += (*queue)->status.messages;
      totals.bytes += (*queue)->status.bytes;
    }
  return totals;
}

}  // namespace linux_abi::ipc
