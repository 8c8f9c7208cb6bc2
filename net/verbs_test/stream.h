// SPDX-License-Identifier: Apache-2.0
// Long transfers that survive broken connections: the sender goes on from where the receiver says that it has
// everything (control.h: StreamHello). What the sender's transport has acknowledged must not be missing there.
#pragma once

#include <array>

#include "net/verbs_test/tasks.h"

namespace verbs_test {

// Sends request.stream_bytes of pattern(seed) to request.port at request.peer.gid, until the receiver has them all or
// the deadline passes. Busy: a stream is being sent.
base::Task<> stream_send(TaskContext context);

// What is known of the streams that came in last.
class StreamTable {
 public:
  explicit StreamTable(World& world) : ended_(world.loop) {}

  // Serves a connection request, which outlives the call: ends the stream's connection before it, answers, and
  // receives.
  base::Task<> serve(TaskContext context, verbs::ConnectionRequest* request);

 private:
  struct Stream {
    std::uint32_t seed = 0;
    std::uint64_t total_bytes = 0;
    std::uint64_t received = 0;
    std::uint64_t mismatches = 0;
    std::uint64_t used_at = 0;
    Channel* channel = nullptr;  // that receives now
  };
  static constexpr std::size_t streams = 8;

  base::Task<> receive(TaskContext context, Stream* stream);
  Stream* find(const StreamHello& hello);

  base::AsyncCondition ended_;
  std::array<Stream, streams> streams_{};
  std::uint64_t uses_ = 0;
};

}  // namespace verbs_test
