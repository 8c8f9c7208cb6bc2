// SPDX-License-Identifier: Apache-2.0
// Futexes: see futex.h.
#include "linux-abi/futex/futex.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>

#include "arch/x86_64/user_copy.h"
#include "kernel/base/memory.h"
#include "processor/address_space.h"

namespace linux_abi {
namespace {

using arch::FaultPolicy;
using base::UserVa;
using processor::MemoryIdentity;

struct Sleeper : boost::intrusive::list_base_hook<> {
  MemoryIdentity key;
  std::uint32_t bits = 0;
  base::Waiter* waiter = nullptr;
  std::atomic<struct Bucket*> bucket{nullptr};  // nullptr: woken
};

struct Bucket {
  base::SpinLock lock{base::LockRank::Process};
  boost::intrusive::list<Sleeper, boost::intrusive::constant_time_size<false>> sleepers;
};

constexpr std::size_t bucket_count = 256;
std::array<Bucket, bucket_count> buckets;

Bucket& bucket_of(const MemoryIdentity& key) {
  const std::uint64_t mixed = (key.id * 0x9e3779b97f4a7c15 + key.offset / 4) * 0xbf58476d1ce4e5b9;
  return buckets[(mixed >> 32) % bucket_count];
}

Answer<MemoryIdentity> key_of(Thread& thread, std::uint64_t address) {
  if (address % 4 != 0) return error(EINVAL);
  if (!arch::is_user_range(UserVa(address), 4)) return error(EFAULT);
  return TRY(processor::identity_of(thread.process().space(), UserVa(address)));
}

// The sleeper may be gone as soon as its bucket is null and this bucket's lock is released.
void wake_locked(Bucket& bucket, Sleeper& sleeper) {
  bucket.sleepers.erase(bucket.sleepers.iterator_to(sleeper));
  base::Waiter& waiter = *sleeper.waiter;
  waiter.wake();
  sleeper.bucket.store(nullptr, std::memory_order_release);  // pairs with leave()
}

std::uint32_t wake_in(const MemoryIdentity& key, std::uint32_t count, std::uint32_t bits) {
  Bucket& bucket = bucket_of(key);
  const base::SpinGuard guard(bucket.lock);
  std::uint32_t woken = 0;
  for (auto sleeper = bucket.sleepers.begin(); sleeper != bucket.sleepers.end() && woken < count;) {
    Sleeper& candidate = *sleeper++;
    if (candidate.key != key || (candidate.bits & bits) == 0) continue;
    wake_locked(bucket, candidate);
    ++woken;
  }
  return woken;
}

// Takes a sleeper that is still queued out of whatever bucket it is in by now. False: it was woken. A requeue names the
// new bucket before it puts the sleeper there, and is waited for.
bool leave(Sleeper& sleeper) {
  while (true) {
    Bucket* bucket = sleeper.bucket.load(std::memory_order_acquire);  // pairs with the stores of wake and requeue
    if (bucket == nullptr) return false;
    const base::SpinGuard guard(bucket->lock);
    if (sleeper.bucket.load(std::memory_order_relaxed) != bucket || !sleeper.is_linked()) continue;
    bucket->sleepers.erase(bucket->sleepers.iterator_to(sleeper));
    sleeper.bucket.store(nullptr, std::memory_order_relaxed);
    return true;
  }
}

// Queues the sleeper if the word is as expected. False: the page is not there, touch it and start over.
Answer<bool> enqueue(Sleeper& sleeper, const FutexWait& wait) {
  Bucket& bucket = bucket_of(sleeper.key);
  const base::SpinGuard guard(bucket.lock);
  const auto word = arch::load_user_u32(UserVa(wait.address), FaultPolicy::NoFault);
  if (!word) return false;
  if (*word != wait.expected) return error(EAGAIN);
  sleeper.bucket.store(&bucket, std::memory_order_relaxed);
  bucket.sleepers.push_back(sleeper);
  return true;
}

}  // namespace

Answer<> futex_wait(Thread& thread, const FutexWait& wait) {
  if (wait.bits == 0) return error(EINVAL);
  Sleeper sleeper;
  sleeper.bits = wait.bits;
  sleeper.waiter = &thread.waiter();
  while (true) {
    sleeper.key = TRY(key_of(thread, wait.address));
    if (TRY(enqueue(sleeper, wait))) break;
    TRY(arch::fault_in(UserVa(wait.address), arch::TouchFor::Read));
  }
  while (true) {
    const WaitEnd end = thread.wait(*sleeper.waiter, wait.deadline_ns);
    if (end == WaitEnd::Woken) {
      if (!leave(sleeper)) return {};
      return error(restart_always);  // a stray wake-up: the call looks again
    }
    if (!leave(sleeper)) return {};
    return error(end == WaitEnd::TimedOut ? ETIMEDOUT : restart_always);
  }
}

namespace {

// Takes those that are still queued out again; the place of the first that was woken.
std::optional<std::size_t> leave_all(std::span<Sleeper> sleepers) {
  std::optional<std::size_t> woken;
  for (std::size_t i = 0; i < sleepers.size(); ++i)
    if (!leave(sleepers[i]) && !woken) woken = i;
  return woken;
}

// Queues all, in order. Woken: one was meanwhile, and none is queued any more; Again: a page was not there.
enum class Queued : std::uint8_t { All, Again, Woken };
Answer<Queued> enqueue_all(std::span<Sleeper> sleepers, std::span<const FutexWait> waits, std::size_t& woken) {
  for (std::size_t i = 0; i < sleepers.size(); ++i) {
    const Answer<bool> queued = enqueue(sleepers[i], waits[i]);
    if (queued && *queued) continue;
    if (const auto one = leave_all(sleepers.first(i))) {
      woken = *one;
      return Queued::Woken;
    }
    if (!queued) return std::unexpected(queued.error());
    TRY(arch::fault_in(UserVa(waits[i].address), arch::TouchFor::Read));
    return Queued::Again;
  }
  return Queued::All;
}

}  // namespace

Answer<std::size_t> futex_wait_for_any(Thread& thread, std::span<const FutexWait> waits, std::uint64_t deadline_ns) {
  struct Sleepers {
    std::array<Sleeper, most_futex_waits> all;
  };
  auto memory = base::make<Sleepers>();
  if (!memory || waits.size() > most_futex_waits) return error(ENOMEM);
  const std::span sleepers = std::span(memory->all).first(waits.size());
  base::Waiter& waiter = thread.waiter();
  while (true) {
    for (std::size_t i = 0; i < waits.size(); ++i) {
      sleepers[i].bits = waits[i].bits;
      sleepers[i].waiter = &waiter;
      sleepers[i].key = TRY(key_of(thread, waits[i].address));
    }
    std::size_t woken = 0;
    const Queued queued = TRY(enqueue_all(sleepers, waits, woken));
    if (queued == Queued::Woken) return woken;
    if (queued == Queued::All) break;
  }
  const WaitEnd end = thread.wait(waiter, deadline_ns);
  if (const auto woken = leave_all(sleepers)) return *woken;
  return error(end == WaitEnd::TimedOut ? ETIMEDOUT : restart_always);
}

Answer<std::uint32_t> futex_wake(Thread& thread, std::uint64_t address, std::uint32_t count, std::uint32_t bits) {
  if (bits == 0) return error(EINVAL);
  const MemoryIdentity key = TRY(key_of(thread, address));
  return wake_in(key, count, bits);
}

Answer<std::uint32_t> futex_requeue(Thread& thread, const FutexRequeue& requeue) {
  const MemoryIdentity from = TRY(key_of(thread, requeue.from));
  const MemoryIdentity to = TRY(key_of(thread, requeue.to));
  if (requeue.compare && TRY(arch::load_user_u32(UserVa(requeue.from))) != requeue.expected) return error(EAGAIN);
  std::uint32_t done = wake_in(from, requeue.wake, ~std::uint32_t{0});
  // One at a time, so that no two buckets are locked together. Between the two it is in neither, and still asleep.
  for (std::uint32_t moved = 0; moved < requeue.requeue; ++moved) {
    Sleeper* sleeper = nullptr;
    Bucket& source = bucket_of(from);
    Bucket& target = bucket_of(to);
    {
      const base::SpinGuard guard(source.lock);
      const auto found =
          std::find_if(source.sleepers.begin(), source.sleepers.end(), [&](const Sleeper& s) { return s.key == from; });
      if (found == source.sleepers.end()) break;
      sleeper = &*found;
      if (&source == &target) {
        sleeper->key = to;
        source.sleepers.erase(found);
        source.sleepers.push_back(*sleeper);
        ++done;
        continue;
      }
      // It cannot leave meanwhile: leave() waits for it to be in the bucket that it names.
      source.sleepers.erase(found);
      sleeper->bucket.store(&target, std::memory_order_release);  // pairs with leave()
    }
    const base::SpinGuard guard(target.lock);
    sleeper->key = to;
    target.sleepers.push_back(*sleeper);
    ++done;
  }
  return done;
}

Answer<std::uint32_t> futex_wake_operation(Thread& thread, std::uint64_t first, std::uint64_t second,
                                           std::uint32_t wake_first, std::uint32_t wake_second, std::uint32_t encoded) {
  const std::uint32_t operation = encoded >> 28 & 7, comparison = encoded >> 24 & 15;
  const bool shifted = (encoded >> 31) != 0;
  const auto sign_extend = [](std::uint32_t twelve) { return static_cast<std::int32_t>(twelve << 20) >> 20; };
  const std::int32_t raw = sign_extend(encoded >> 12 & 0xfff), compared = sign_extend(encoded & 0xfff);
  const std::uint32_t argument = shifted ? 1U << (raw & 31) : static_cast<std::uint32_t>(raw);
  const MemoryIdentity first_key = TRY(key_of(thread, first));
  const MemoryIdentity second_key = TRY(key_of(thread, second));
  std::uint32_t old = TRY(arch::load_user_u32(UserVa(second)));
  while (true) {
    std::uint32_t fresh = 0;
    switch (operation) {
      case 0:
        fresh = argument;
        break;
      case 1:
        fresh = old + argument;
        break;
      case 2:
        fresh = old | argument;
        break;
      case 3:
        fresh = old & ~argument;
        break;
      case 4:
        fresh = old ^ argument;
        break;
      default:
        return error(ENOSYS);
    }
    const std::uint32_t seen = TRY(arch::compare_exchange_user_u32(UserVa(second), old, fresh));
    if (seen == old) break;
    old = seen;
  }
  const auto value = static_cast<std::int32_t>(old);
  bool holds = false;
  switch (comparison) {
    case 0:
      holds = value == compared;
      break;
    case 1:
      holds = value != compared;
      break;
    case 2:
      holds = value < compared;
      break;
    case 3:
      holds = value <= compared;
      break;
    case 4:
      holds = value > compared;
      break;
    case 5:
      holds = value >= compared;
      break;
    default:
      return error(ENOSYS);
  }
  std::uint32_t woken = wake_in(first_key, wake_first, ~std::uint32_t{0});
  if (holds) woken += wake_in(second_key, wake_second, ~std::uint32_t{0});
  return woken;
}

}  // namespace linux_abi
