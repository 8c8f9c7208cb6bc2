// SPDX-License-Identifier: Apache-2.0
// What `lego bench net` measures, in the same way on both sides (perftest's definitions):
//   latency    one operation after another, each timed. SEND and WRITE: half of the time until the other side's own is
//              here, so one way. READ and RPC: until the data is here, so there and back. Microseconds.
//   bandwidth  `depth` operations at a time; all that was moved by the time it took. MiB/s.
// An RPC asks for a page that comes by RDMA WRITE into registered memory. Linux has nothing like it: it is held against
// a READ of as many bytes there.
#pragma once

#include <string>
#include <string_view>

namespace bench {

enum class Operation { Send, Write, Read, Call };
enum class Quantity { Latency, Bandwidth };

struct Cell {
  Quantity quantity = Quantity::Latency;
  Operation operation = Operation::Send;
  unsigned bytes = 0;
};

struct Effort {
  unsigned latency_iterations = 1000;
  unsigned bandwidth_iterations = 2000;
  unsigned depth = 16;  // of bandwidth: requests at a time

  unsigned iterations(const Cell& cell) const {
    return cell.quantity == Quantity::Latency ? latency_iterations : bandwidth_iterations;
  }
};

// One run of a cell.
struct Measured {
  double least = 0;  // of latencies; 0 for a bandwidth
  double median = 0;
  double p99 = 0;
  double value() const { return median; }
};

constexpr std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::Send:
      return "SEND";
    case Operation::Write:
      return "WRITE";
    case Operation::Read:
      return "READ";
    case Operation::Call:
      return "RPC";
  }
  return "";
}

// SEND and WRITE are answered by the like, and a way is half of that.
constexpr bool one_way(Operation operation) { return operation == Operation::Send || operation == Operation::Write; }

// Two machines on the switch that can be measured.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Measured measure(const Cell& cell, const Effort& effort) = 0;
};

}  // namespace bench
