// SPDX-License-Identifier: Apache-2.0
// POSIX message queues: see posix_queues.h.
#include "linux-abi/ipc/posix_queues.h"

#include <asm/poll.h>
#include <linux/fcntl.h>

#include <algorithm>
#include <utility>

#include "kernel/base/format.h"

namespace linux_abi::ipc {
namespace {

constexpr std::size_t longest_name = 255;
// What nobody may go beyond (HARD_MSGMAX, HARD_MSGSIZEMAX), and what a message costs in the account of its user.
constexpr PosixQueueSize hard_limits{65536, 16 << 20};
constexpr std::uint64_t message_cost = 48, priority_cost = 48;
constexpr std::uint32_t may_read = 4, may_write = 2;

std::uint64_t cost_of(const PosixQueueSize& size) {
  return size.messages * (size.message_bytes + message_cost) +
         std::min<std::uint64_t>(size.messages, posix_priorities) * priority_cost;
}

std::uint32_t wanted_by(int flags) {
  const int mode = flags & O_ACCMODE;
  return (mode != O_WRONLY ? may_read : 0) | (mode != O_RDONLY ? may_write : 0);
}

}  // namespace

PosixQueue::~PosixQueue() {
  messages_.clear_and_dispose([](PosixMessage* message) { base::Own<PosixMessage>(message).reset(); });
}

void PosixQueue::last_reference_gone() {
  {
    const base::SpinGuard guard(queues_.lock_);
    queues_.queues_.erase(queues_.queues_.iterator_to(*this));
  }
  base::Own<PosixQueue>(this).reset();
}

std::uint64_t PosixQueue::cost() const { return cost_of(most_); }

// Behind all of its priority and above.
void PosixQueue::put_in_order(PosixMessage& message) {
  auto place = messages_.end();
  while (place != messages_.begin()) {
    auto before = std::prev(place);
    if (before->priority >= message.priority) break;
    place = before;
  }
  messages_.insert(place, message);
}

Answer<PosixNotice> PosixQueue::send(base::Own<PosixMessage> message, bool wait, std::uint64_t deadline_ns,
                                     Caller& caller) {
  if (message->text.size() > most_.message_bytes) return error(EMSGSIZE);
  PosixNotice told;
  bool sent = false;
  const auto ready = [&] {
    if (messages_.size() >= most_.messages) return !wait;
    if (messages_.empty() && receivers_ == 0) told = std::exchange(notice_, {});
    bytes_ += message->text.size();
    put_in_order(*message.release());
    changed_.wake_all();
    sent = true;
    return true;
  };
  TRY(wait_until(caller, queues_.lock_, changed_, deadline_ns, ready));
  if (!sent) return error(EAGAIN);
  source_.notify(POLLIN | POLLRDNORM);
  return told;
}

Answer<base::Own<PosixMessage>> PosixQueue::receive(std::size_t room, bool wait, std::uint64_t deadline_ns,
                                                    Caller& caller) {
  if (room < most_.message_bytes) return error(EMSGSIZE);
  base::Own<PosixMessage> taken;
  bool counted = false;
  const auto ready = [&] {
    if (std::exchange(counted, false)) --receivers_;
    if (messages_.empty()) {
      if (!wait) return true;
      ++receivers_;
      counted = true;
      return false;
    }
    PosixMessage& first = messages_.front();
    messages_.pop_front();
    bytes_ -= first.text.size();
    taken = base::Own<PosixMessage>(&first);
    changed_.wake_all();
    return true;
  };
  const Answer<> waited = wait_until(caller, queues_.lock_, changed_, deadline_ns, ready);
  if (counted) {
    const base::SpinGuard guard(queues_.lock_);
    --receivers_;
  }
  if (!waited) return std::unexpected(waited.error());
  if (!taken) return error(EAGAIN);
  source_.notify(POLLOUT | POLLWRNORM);
  return taken;
}

Answer<> PosixQueue::ask_for_notice(const PosixNotice& notice) {
  const base::SpinGuard guard(queues_.lock_);
  if (notice_.process != 0) return error(EBUSY);
  notice_ = notice;
  return {};
}

void PosixQueue::forget_notice(std::uint64_t process) {
  PosixNotice forgotten;
  {
    const base::SpinGuard guard(queues_.lock_);
    if (notice_.process == process) forgotten = std::exchange(notice_, {});
  }
  if (forgotten.listener) forgotten.listener->forgotten();
}

PosixQueueStatus PosixQueue::status() {
  const base::SpinGuard guard(queues_.lock_);
  return {most_, messages_.size(), bytes_, notice_, uid_, gid_, mode_};
}

std::uint32_t PosixQueue::poll_events() {
  const base::SpinGuard guard(queues_.lock_);
  return (messages_.empty() ? 0U : POLLIN | POLLRDNORM) |
         (messages_.size() < most_.messages ? POLLOUT | POLLWRNORM : 0U);
}

std::size_t PosixQueue::describe(std::span<char> to) const {
  return base::format(to, "/{}", std::string_view(name_.data(), name_.size())).size();
}

PosixQueues::~PosixQueues() {
  // Names keep queues; nobody has them open any more.
  while (!queues_.empty()) {
    PosixQueue& queue = queues_.front();
    const PosixQueueReference last = PosixQueueReference::adopt(queue);
    queue.named_ = false;
  }
}

PosixQueue* PosixQueues::find_locked(std::string_view name) {
  const auto found = std::find_if(queues_.begin(), queues_.end(), [&](const PosixQueue& queue) {
    return queue.named_ && std::string_view(queue.name_.data(), queue.name_.size()) == name;
  });
  return found == queues_.end() ? nullptr : &*found;
}

std::uint64_t PosixQueues::cost_of_user_locked(std::uint32_t uid) const {
  std::uint64_t cost = 0;
  for (const PosixQueue& queue : queues_)
    if (queue.uid_ == uid) cost += queue.cost();
  return cost;
}

// With the lock.
Answer<> PosixQueues::check_size(const Request& request, const PosixQueueSize& size, const Credentials& user) const {
  const PosixQueueSize& most = user.may(Capability::Resources) ? hard_limits : settings_.most;
  if (size.messages == 0 || size.message_bytes == 0) return error(EINVAL);
  if (size.messages > most.messages || size.message_bytes > most.message_bytes) return error(EINVAL);
  if (named_ >= settings_.most_queues && !user.may(Capability::Resources)) return error(ENOSPC);
  if (cost_of_user_locked(user.file_uid) + cost_of(size) > request.byte_limit) return error(EMFILE);
  return {};
}

Answer<PosixQueues::Opened> PosixQueues::open(const Request& request, Caller& caller) {
  if (request.name.size() > longest_name) return error(ENAMETOOLONG);
  if (request.name.empty()) return error(ENOENT);
  if (request.name.contains('/') || request.name == "." || request.name == "..") return error(EACCES);
  const Credentials& user = caller.credentials();
  // Made before the lock, and forgotten after it if it is not needed.
  PosixQueueSize size = request.size.value_or(settings().by_default);
  auto fresh = base::make<PosixQueue>(*this, size);
  if (!fresh) return error(ENOMEM);
  TRY(fresh->name_.append(std::span(request.name)));
  const base::SpinGuard guard(lock_);
  if (PosixQueue* known = find_locked(request.name)) {
    if ((request.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return error(EEXIST);
    if (!user.may_access(known->mode_, known->uid_, known->gid_, wanted_by(request.flags))) return error(EACCES);
    return Opened{PosixQueueReference(*known), false};
  }
  if ((request.flags & O_CREAT) == 0) return error(ENOENT);
  TRY(check_size(request, size, user));
  fresh->uid_ = user.file_uid;
  fresh->gid_ = user.file_gid;
  fresh->mode_ = request.mode;
  fresh->named_ = true;
  ++named_;
  PosixQueue& queue = *fresh.release();
  queues_.push_back(queue);
  processor::ReferenceCount<PosixQueue>::take(queue);  // of the name
  return Opened{PosixQueueReference(queue), true};
}

Answer<> PosixQueues::unlink(std::string_view name, const Credentials& user) {
  PosixQueueReference named;  // ends after the lock
  const base::SpinGuard guard(lock_);
  if (name.size() > longest_name) return error(ENAMETOOLONG);
  PosixQueue* queue = find_locked(name);
  if (queue == nullptr) return error(ENOENT);
  // As in a directory that is everybody's, with the sticky bit.
  if (user.file_uid != queue->uid_ && !user.may(Capability::FileOwner)) return error(EPERM);
  queue->named_ = false;
  --named_;
  named = PosixQueueReference::adopt(*queue);
  return {};
}

}  // namespace linux_abi::ipc
