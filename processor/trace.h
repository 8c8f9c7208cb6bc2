// SPDX-License-Identifier: Apache-2.0
// What a program's threads cost: their page faults and their requests, one by one, for who wants to see them
// (lego run --trace). A report is made in the thread's own context, with no lock held, when the fault or the request
// has ended; the tracer may sleep. Work in the background (evictions, prefetches) belongs to no thread and is counted,
// not reported.
#pragma once

#include <cstdint>

#include "net/messages/operations.h"
#include "net/rpc/identity.h"
#include "processor/address_space.h"
#include "processor/excache/fault.h"

namespace processor {

class Thread;

struct FaultReport {
  excache::Fault fault;
  FaultEnd end = FaultEnd::Resolved;
  excache::Work work = excache::Work::None;  // all that was done for it
  std::uint32_t waits = 0;                   // for that, or for what others did
  std::uint64_t took_ns = 0;
};

struct RequestReport {
  messages::Operation operation{};
  rpc::NodeAddress to;
  std::uint64_t bytes_out = 0;  // body and tail, without headers
  std::uint64_t bytes_in = 0;   // body, tail, and what was written to a buffer of ours
  base::Error error = base::Error::None;
  std::uint64_t took_ns = 0;
};

enum class Traced : std::uint8_t { Faults, Requests };

class Tracer {
 public:
  // Asked at each fault and request, so it is cheap.
  virtual bool wants(Thread& thread, Traced what) const = 0;
  virtual void fault(Thread& thread, const FaultReport& report) = 0;
  virtual void request(Thread& thread, const RequestReport& report) = 0;

 protected:
  ~Tracer() = default;
};

// Once, before threads run. Without one nothing is reported.
void install_tracer(Tracer& tracer);

// The running thread, if there is a tracer that wants this of it.
Thread* traced_thread(Traced what);
void report(Thread& thread, const FaultReport& report);
void report(Thread& thread, const RequestReport& report);

}  // namespace processor
