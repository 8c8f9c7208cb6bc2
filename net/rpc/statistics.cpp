// SPDX-License-Identifier: Apache-2.0
// Counters of a component's RPC traffic: see statistics.h.
#include "net/rpc/statistics.h"

#include <algorithm>
#include <bit>

#include "kernel/base/format.h"

namespace rpc {

namespace {

// Operations in the order of the list, so that tables have no holes.
constexpr std::array<std::uint16_t, Statistics::operation_count> numbers = {
#define X(value, name, server) value,
    LEGO_OPERATIONS(X)
#undef X
};
static_assert(std::is_sorted(numbers.begin(), numbers.end()));

std::size_t index_of(std::uint16_t operation) {
  const auto found = std::lower_bound(numbers.begin(), numbers.end(), operation);
  if (found == numbers.end() || *found != operation) return numbers.size();
  return static_cast<std::size_t>(found - numbers.begin());
}

void report_one(CounterSink& sink, std::string_view prefix, std::string_view operation, std::string_view field,
                std::uint64_t value) {
  std::array<char, 80> name;
  sink.counter(base::format(name, "{}.{}.{}", prefix, operation, field), value);
}

void report_operation(CounterSink& sink, std::string_view prefix, std::uint16_t operation,
                      const OperationCounters& counters) {
  if (counters.count == 0) return;
  const std::string_view name = messages::operation_name(operation);
  report_one(sink, prefix, name, "count", counters.count);
  report_one(sink, prefix, name, "errors", counters.errors);
  report_one(sink, prefix, name, "bytes_out", counters.bytes_out);
  report_one(sink, prefix, name, "bytes_in", counters.bytes_in);
  report_one(sink, prefix, name, "p50_ns", counters.durations.percentile_ns(50));
  report_one(sink, prefix, name, "p99_ns", counters.durations.percentile_ns(99));
}

}  // namespace

unsigned Histogram::bucket(std::uint64_t duration_ns) {
  const unsigned octave = static_cast<unsigned>(std::bit_width(duration_ns));  // 2^(octave-1) <= duration
  if (octave <= lowest_octave) return 0;
  const unsigned upper_half = static_cast<unsigned>(duration_ns >> (octave - 2)) & 1;
  return std::min(1 + 2 * (octave - lowest_octave - 1) + upper_half, buckets - 1);
}

void Histogram::add(std::uint64_t duration_ns) {
  ++counts_[bucket(duration_ns)];
  ++total_;
}

std::uint64_t Histogram::percentile_ns(std::uint32_t percent) const {
  if (total_ == 0) return 0;
  const std::uint64_t wanted = (total_ * percent + 99) / 100;
  std::uint64_t seen = 0;
  unsigned index = 0;
  while (index + 1 < buckets && (seen += counts_[index]) < wanted) ++index;
  if (index == 0) return std::uint64_t{1} << lowest_octave;
  const unsigned low_bit = lowest_octave + (index - 1) / 2;  // the bucket's octave begins at 2^low_bit
  const std::uint64_t octave = std::uint64_t{1} << low_bit;
  return (index - 1) % 2 == 0 ? octave + octave / 2 : 2 * octave;
}

OperationCounters* Statistics::made(std::uint16_t operation) {
  const std::size_t index = index_of(operation);
  return index < operation_count ? &made_[index] : nullptr;
}

OperationCounters* Statistics::served(std::uint16_t operation) {
  const std::size_t index = index_of(operation);
  return index < operation_count ? &served_[index] : nullptr;
}

void Statistics::serves(std::uint16_t operation) {
  const std::size_t index = index_of(operation);
  if (index < operation_count) serves_[index] = true;
}

std::uint64_t Statistics::requests_made() const {
  constexpr auto first = static_cast<std::uint16_t>(messages::Operation::VNodeCreate);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < operation_count; ++i) {
    if (numbers[i] >= first) sum += made_[i].count;
  }
  return sum;
}

void Statistics::report(CounterSink& sink) const {
  for (std::size_t i = 0; i < operation_count; ++i) {
    report_operation(sink, "rpc", numbers[i], serves_[i] ? served_[i] : made_[i]);
  }
  for (std::size_t i = 0; i < operation_count; ++i) {
    if (serves_[i]) report_operation(sink, "rpc_made", numbers[i], made_[i]);
  }
  const auto traffic_counter = [&](std::string_view name, std::uint64_t value) {
    std::array<char, 64> full;
    if (value != 0) sink.counter(base::format(full, "rpc_traffic.{}", name), value);
  };
  traffic_counter("malformed_requests", traffic.malformed_requests);
  traffic_counter("refused_requests", traffic.refused_requests);
  traffic_counter("malformed_replies", traffic.malformed_replies);
  traffic_counter("stale_requests", traffic.stale_requests);
  traffic_counter("stale_replies", traffic.stale_replies);
  traffic_counter("replayed_replies", traffic.replayed_replies);
  traffic_counter("retried_requests", traffic.retried_requests);
  traffic_counter("connects", traffic.connects);
  traffic_counter("disconnects", traffic.disconnects);
  traffic_counter("refused_connections", traffic.refused_connections);
  traffic_counter("timeouts", traffic.timeouts);
}

}  // namespace rpc
