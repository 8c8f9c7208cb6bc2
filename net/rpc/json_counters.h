// SPDX-License-Identifier: Apache-2.0
// Counters as JSON text: "rpc.Join.count" becomes {"rpc":{"Join":{"count":1}}}. Written into a bounded buffer; what
// does not fit is cut off, but counted. Names need no escaping: they are ours.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "net/rpc/statistics.h"

namespace rpc {

class JsonCounters final : public CounterSink {
 public:
  explicit JsonCounters(std::span<char> buffer) : buffer_(buffer) { put("{"); }
  void counter(std::string_view name, std::uint64_t value) override;
  // The whole text's length; it may be more than the buffer holds. Once, at the end.
  std::size_t finish();

 private:
  void put(std::string_view text);
  void put_key(std::string_view key);
  void close_objects(std::size_t depth);

  std::span<char> buffer_;
  std::size_t total_ = 0;
  bool first_ = true;  // in the innermost object
  std::size_t depth_ = 0;
  std::size_t path_bytes_ = 0;
  std::array<char, 96> path_{};  // of the open objects, each ended by a dot
};

}  // namespace rpc
