// SPDX-License-Identifier: Apache-2.0
// System V message queues of a vNode: pure, with their own lock. A message is copied into kernel memory before it is
// queued, and taken out of its queue whole.
#pragma once

#include <boost/intrusive/list.hpp>
#include <span>

#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/files/caller.h"
#include "linux-abi/ipc/table.h"

namespace linux_abi::ipc {

inline constexpr std::size_t max_message_bytes = 8192;    // MSGMAX
inline constexpr std::size_t max_queue_bytes = 16384;     // MSGMNB
inline constexpr std::size_t max_message_queues = 32000;  // MSGMNI

struct Message : boost::intrusive::list_base_hook<> {
  std::int64_t type = 0;
  base::Array<std::byte> text;
};

struct MessageQueueStatus {
  int id = 0;
  Permissions permissions;
  std::uint64_t sent_seconds = 0, received_seconds = 0, changed_seconds = 0;
  std::uint64_t bytes = 0, messages = 0, most_bytes = max_queue_bytes;
  int sender_pid = 0, receiver_pid = 0;
};

struct MessageQueue final : Entry {
  ~MessageQueue() {
    messages.clear_and_dispose([](Message* message) { base::Own<Message>(message).reset(); });
  }
  MessageQueueStatus status;  // but for id and permissions
  boost::intrusive::list<Message> messages;
  base::WaitQueue changed;
  void last_reference_gone() { base::Own<MessageQueue>(this).reset(); }
};
using MessageQueueReference = processor::Reference<MessageQueue>;

// What msgrcv asks for.
struct MessageWish {
  std::int64_t type = 0;
  std::size_t room = 0;
  bool wait = true;
  bool other_types = false;  // MSG_EXCEPT
  bool truncate = false;     // MSG_NOERROR
  bool copy = false;         // MSG_COPY: type is a position, the message stays
};

class MessageQueues {
 public:
  Answer<int> get(std::int32_t key, int flags, const Caller& caller);
  // EAGAIN, EINTR, EIDRM, EACCES.
  Answer<> send(int id, base::Own<Message> message, bool wait, int pid, Caller& caller);
  // E2BIG, ENOMSG, EINTR, EIDRM, EACCES.
  Answer<base::Own<Message>> receive(int id, const MessageWish& wish, int pid, Caller& caller);
  Answer<MessageQueueStatus> status(int id, const Credentials& user);
  Answer<MessageQueueStatus> status_at(std::size_t place, const Credentials* user);  // nullptr: for everybody
  // most_bytes: more than the default is for root (EPERM).
  Answer<> change(int id, const Permissions& fresh, std::uint64_t most_bytes, const Caller& caller);
  Answer<> remove(int id, const Credentials& user);

  struct Totals {
    std::size_t queues = 0, places = 0;
    std::uint64_t messages = 0, bytes = 0;
  };
  Totals totals();

  // /proc/sys/kernel
  Settings settings() {
    const base::SpinGuard guard(lock_);
    return table_.settings();
  }
  void change(Settings settings) {
    const base::SpinGuard guard(lock_);
    table_.change(settings);
  }

 private:
  base::SpinLock lock_{base::LockRank::Process};  // guards all
  Table<MessageQueue> table_{max_message_queues};
};

}  // namespace linux_abi::ipc
