// SPDX-License-Identifier: Apache-2.0
// Contexts of kernel AIO (io_setup(2)): where the results of requests wait until somebody asks for them. A context is
// a process's, and goes by the address that io_setup gave. Requests are done when they are submitted, so what waits
// here is done. One list for all; lock rank Process.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/waiter.h"
#include "linux-abi/files/caller.h"
#include "processor/reference.h"

namespace linux_abi {

// struct io_event
struct AioEvent {
  std::uint64_t data = 0, request = 0;
  std::int64_t result = 0, more = 0;
};
static_assert(sizeof(AioEvent) == 32);

class AioContext;
using AioContextReference = processor::Reference<AioContext>;

class AioContext final : public processor::Counted {
 public:
  static constexpr std::uint32_t most_events = 65536;  // as Linux, of all contexts together
  // For a process; EAGAIN: there are too many events, ENOMEM.
  static Answer<> create(std::uint64_t process, std::uint64_t address, std::uint32_t events);
  static AioContextReference find(std::uint64_t process, std::uint64_t address);  // empty: there is none
  // Nobody finds it any more, and who waits for it does so in vain; whether there was one.
  static bool remove(std::uint64_t process, std::uint64_t address);
  static void process_ended(std::uint64_t process);

  AioContext(std::uint64_t process, std::uint64_t address, std::uint32_t events)  // for create()
      : process_(process), address_(address), events_(events) {}

  std::uint32_t events() const { return events_; }
  // Room for the result of one request, which comes for certain. EAGAIN.
  Answer<> begin();
  void end(const AioEvent& event);
  // The request was none after all.
  void give_up();
  // As many as there are, up to what fits; waits until there are so many. EINTR: for nothing; EINVAL: it was removed.
  Answer<std::size_t> take(std::span<AioEvent> to, std::size_t least, std::uint64_t deadline_ns, Caller& caller);

  void last_reference_gone();

 private:
  std::size_t take_locked(std::span<AioEvent> to);
  const std::uint64_t process_, address_;
  const std::uint32_t events_;
  // Guarded by the lock of the list:
  base::Array<AioEvent> done_;  // in order, with room for all
  std::uint32_t under_way_ = 0;
  bool removed_ = false;
  base::WaitQueue waiters_;
};

}  // namespace linux_abi
