// SPDX-License-Identifier: Apache-2.0
// POSIX message queues of a vNode (mq_overview(7)): by name, with messages in the order of their priorities. A queue
// lives as long as it has a name or is open. Pure, with their own lock; whoever asked to be told of a message is told
// by the caller, after the lock.
#pragma once

#include <boost/intrusive/list.hpp>
#include <optional>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/files/caller.h"
#include "linux-abi/files/poll_source.h"
#include "processor/reference.h"

namespace linux_abi::ipc {

inline constexpr std::uint32_t posix_priorities = 32768;  // MQ_PRIO_MAX

struct PosixMessage : boost::intrusive::list_base_hook<> {
  std::uint32_t priority = 0;
  base::Array<std::byte> text;
};

struct PosixQueueSize {
  std::uint64_t messages = 0, message_bytes = 0;
};

// Who is told otherwise than by a signal (SIGEV_THREAD). Called without locks.
class PosixListener : public processor::Counted {
 public:
  virtual ~PosixListener() = default;
  virtual void message_came() = 0;
  virtual void forgotten() = 0;  // nothing will be told any more
  void last_reference_gone() { base::Own<PosixListener>(this).reset(); }
};

// Whom to tell that a message came into an empty queue.
struct PosixNotice {
  std::uint64_t process = 0;  // never reused; 0: nobody
  int pid = 0;
  int signal = 0;  // 0: SIGEV_NONE, or a listener
  std::uint64_t value = 0;
  processor::Reference<PosixListener> listener{};
};

struct PosixQueueStatus {
  PosixQueueSize most;
  std::uint64_t messages = 0, bytes = 0;
  PosixNotice notice;
  std::uint32_t uid = 0, gid = 0, mode = 0;
};

class PosixQueues;

class PosixQueue final : public processor::Counted, public boost::intrusive::list_base_hook<> {
 public:
  PosixQueue(PosixQueues& queues, PosixQueueSize most) : queues_(queues), most_(most) {}
  ~PosixQueue();

  // EMSGSIZE, EAGAIN, ETIMEDOUT or a restart code. Who is to be told now, if anybody.
  Answer<PosixNotice> send(base::Own<PosixMessage> message, bool wait, std::uint64_t deadline_ns, Caller& caller);
  // EMSGSIZE: a message could be longer than that.
  Answer<base::Own<PosixMessage>> receive(std::size_t room, bool wait, std::uint64_t deadline_ns, Caller& caller);
  // EBUSY: somebody else is to be told.
  Answer<> ask_for_notice(const PosixNotice& notice);
  void forget_notice(std::uint64_t process);
  PosixQueueStatus status();
  std::uint32_t poll_events();
  PollSource& source() { return source_; }
  std::size_t describe(std::span<char> to) const;

  void last_reference_gone();

 private:
  friend class PosixQueues;
  void put_in_order(PosixMessage& message);
  std::uint64_t cost() const;

  PosixQueues& queues_;
  const PosixQueueSize most_;
  base::Array<char> name_;  // constant
  // Guarded by the queues' lock:
  std::uint32_t uid_ = 0, gid_ = 0, mode_ = 0;
  bool named_ = false;
  boost::intrusive::list<PosixMessage> messages_;
  std::uint64_t bytes_ = 0;
  std::uint32_t receivers_ = 0;  // who wait: they take a message before anybody is told of it
  PosixNotice notice_;
  base::WaitQueue changed_;
  PollSource source_;
};
using PosixQueueReference = processor::Reference<PosixQueue>;

// /proc/sys/fs/mqueue
struct PosixQueueSettings {
  std::uint64_t most_queues = 256;
  PosixQueueSize most{10, 8192}, by_default{10, 8192};
};

class PosixQueues {
 public:
  struct Request {
    std::string_view name;
    int flags = 0;           // of open(2)
    std::uint32_t mode = 0;  // of a new one, without what the umask takes away
    std::optional<PosixQueueSize> size;
    std::uint64_t byte_limit = 0;  // RLIMIT_MSGQUEUE
  };
  struct Opened {
    PosixQueueReference queue;
    bool made = false;  // there was none
  };
  Answer<Opened> open(const Request& request, Caller& caller);
  Answer<> unlink(std::string_view name, const Credentials& user);

  PosixQueueSettings settings() {
    const base::SpinGuard guard(lock_);
    return settings_;
  }
  void change(const PosixQueueSettings& settings) {
    const base::SpinGuard guard(lock_);
    settings_ = settings;
  }
  ~PosixQueues();

 private:
  friend class PosixQueue;
  using List = boost::intrusive::list<PosixQueue>;
  PosixQueue* find_locked(std::string_view name);
  Answer<> check_size(const Request& request, const PosixQueueSize& size, const Credentials& user) const;
  std::uint64_t cost_of_user_locked(std::uint32_t uid) const;

  base::SpinLock lock_{base::LockRank::Process};  // guards all
  List queues_;                                   // all there are, with and without names
  std::size_t named_ = 0;
  PosixQueueSettings settings_;
};

}  // namespace linux_abi::ipc
