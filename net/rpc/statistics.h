// SPDX-License-Identifier: Apache-2.0
// Counters of a component's RPC traffic, by operation: rpc.{operation}.{count, errors, bytes_out, bytes_in, p50_ns,
// p99_ns}. Of an operation that the component serves these are the requests served (time from arrival to answer,
// bytes_in the requests'); of any other the requests made (time from submit to answer). A component that does both with
// one operation (an mComponent with files) has the requests made under rpc_made.{operation}. Guarded by the endpoint's
// lock.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "net/messages/operations.h"

namespace rpc {

// Counts of durations in buckets of half an octave, from below 256 ns to above 2 minutes.
class Histogram {
 public:
  void add(std::uint64_t duration_ns);
  // An upper bound of the given share of the durations, within half an octave; 0 if there are none.
  std::uint64_t percentile_ns(std::uint32_t percent) const;

 private:
  static constexpr unsigned lowest_octave = 8;
  static constexpr unsigned buckets = 60;
  static unsigned bucket(std::uint64_t duration_ns);
  std::array<std::uint32_t, buckets> counts_{};
  std::uint64_t total_ = 0;
};

struct OperationCounters {
  std::uint64_t count = 0;
  std::uint64_t demand = 0;  // of requests made: those with Priority::Demand
  std::uint64_t errors = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_in = 0;
  Histogram durations;
};

struct TrafficCounters {
  std::uint64_t malformed_requests = 0;  // no header, wrong lengths or version, unknown operation, failed validate()
  std::uint64_t refused_requests = 0;    // well formed, but the caller may not
  std::uint64_t malformed_replies = 0;
  std::uint64_t stale_requests = 0;    // an old slot sequence
  std::uint64_t stale_replies = 0;     // to nothing that we wait for
  std::uint64_t replayed_replies = 0;  // retries that were answered from memory
  std::uint64_t retried_requests = 0;
  std::uint64_t connects = 0;
  std::uint64_t disconnects = 0;
  std::uint64_t refused_connections = 0;  // wrong version, proof or boot id
  std::uint64_t timeouts = 0;
};

// Takes counters by full name; names with a common beginning up to a dot come one after the other.
class CounterSink {
 public:
  virtual void counter(std::string_view name, std::uint64_t value) = 0;

 protected:
  ~CounterSink() = default;
};

class Statistics {
 public:
  // Null for a number that is no operation.
  OperationCounters* made(std::uint16_t operation);
  OperationCounters* served(std::uint16_t operation);
  void serves(std::uint16_t operation);  // a handler is registered
  // Requests made, but those of membership: what a component sent on behalf of programs and files.
  std::uint64_t requests_made() const;
  TrafficCounters traffic;

  // All counters that are not zero, by full name.
  void report(CounterSink& sink) const;

  static constexpr std::size_t operation_count = [] {
    std::size_t count = 0;
#define X(value, name, server) ++count;
    LEGO_OPERATIONS(X)
#undef X
    return count;
  }();

 private:
  std::array<OperationCounters, operation_count> made_;
  std::array<OperationCounters, operation_count> served_;
  std::array<bool, operation_count> serves_{};
};

}  // namespace rpc
