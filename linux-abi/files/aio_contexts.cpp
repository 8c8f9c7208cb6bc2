// SPDX-License-Identifier: Apache-2.0
// Contexts of kernel AIO: see aio_contexts.h.
#include "linux-abi/files/aio_contexts.h"

#include <algorithm>

#include "kernel/base/memory.h"

namespace linux_abi {
namespace {

base::SpinLock contexts_lock{base::LockRank::Process};
// Guarded by contexts_lock:
base::Array<AioContextReference> contexts;
std::uint32_t all_events = 0;

}  // namespace

void AioContext::last_reference_gone() { base::Own<AioContext>(this).reset(); }

Answer<> AioContext::create(std::uint64_t process, std::uint64_t address, std::uint32_t events) {
  auto made = base::make<AioContext>(process, address, events);
  if (!made) return error(ENOMEM);
  TRY(made->done_.reserve(events));
  const base::SpinGuard guard(contexts_lock);
  if (all_events + events > most_events) return error(EAGAIN);
  TRY(contexts.push_back(AioContextReference(*made.release())));
  all_events += events;
  return {};
}

AioContextReference AioContext::find(std::uint64_t process, std::uint64_t address) {
  const base::SpinGuard guard(contexts_lock);
  for (const AioContextReference& each : contexts.span())
    if (each->process_ == process && each->address_ == address) return each;
  return {};
}

bool AioContext::remove(std::uint64_t process, std::uint64_t address) {
  AioContextReference removed;
  const base::SpinGuard guard(contexts_lock);
  std::size_t at = 0;
  while (at < contexts.size() &&
         !(contexts[at]->process_ == process && (address == 0 || contexts[at]->address_ == address)))
    ++at;
  if (at == contexts.size()) return false;
  removed = contexts[at];
  contexts.erase(at);
  all_events -= removed->events_;
  removed->removed_ = true;
  removed->waiters_.wake_all();
  return true;
}

void AioContext::process_ended(std::uint64_t process) {
  while (remove(process, 0)) continue;
}

Answer<> AioContext::begin() {
  const base::SpinGuard guard(contexts_lock);
  if (under_way_ + done_.size() >= events_) return error(EAGAIN);
  ++under_way_;
  return {};
}

void AioContext::end(const AioEvent& event) {
  const base::SpinGuard guard(contexts_lock);
  --under_way_;
  (void)done_.push_back(event);  // there is room
  waiters_.wake_all();
}

void AioContext::give_up() {
  const base::SpinGuard guard(contexts_lock);
  --under_way_;
}

std::size_t AioContext::take_locked(std::span<AioEvent> to) {
  const std::size_t count = std::min(to.size(), done_.size());
  std::copy_n(done_.begin(), count, to.begin());
  std::move(done_.begin() + count, done_.end(), done_.begin());
  done_.truncate(done_.size() - count);
  return count;
}

Answer<std::size_t> AioContext::take(std::span<AioEvent> to, std::size_t least, std::uint64_t deadline_ns,
                                     Caller& caller) {
  std::size_t taken = 0;
  bool gone = false;
  const auto ready = [&] {
    taken += take_locked(to.subspan(taken));
    gone = removed_;
    return taken >= least || gone;
  };
  const Answer<> waited = wait_until(caller, contexts_lock, waiters_, deadline_ns, ready);
  if (taken > 0) return taken;
  if (gone && least > 0) return error(EINVAL);
  if (!waited && waited.error() != ETIMEDOUT) return error(EINTR);
  return std::size_t{0};
}

}  // namespace linux_abi
