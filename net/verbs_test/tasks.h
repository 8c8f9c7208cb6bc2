// SPDX-License-Identifier: Apache-2.0
// What a connected queue pair is made to do (control.h: TaskKind), as coroutines. The served ones end when the channel
// fails or is stopped; the others after `iterations`, with an error if anything failed. Contents that are not right
// are counted, not an error.
#pragma once

#include "net/verbs_test/channel.h"
#include "net/verbs_test/samples.h"

namespace verbs_test {

struct Counts {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t mismatches = 0;
  std::uint32_t reconnects = 0;
  Times times;
};

struct TaskContext {
  World* world;
  Channel* channel;
  Slot* slot;
  Counts* counts;
  ControlRequest request;
  std::uint64_t deadline_ns;

  bool datagrams() const { return request.transport == static_cast<std::uint8_t>(Transport::Datagram); }
  std::uint32_t header_bytes() const { return datagrams() ? grh_bytes : 0; }
  bool has(std::uint8_t flag) const { return (request.flags & flag) != 0; }
  std::size_t message_bytes() const { return request.size + header_bytes(); }
};

// The receives of a task that gets messages: many places for short ones, two for long ones, so that the next finds a
// place while one is handled.
std::uint64_t receive_buffers(const TaskContext& context);
std::span<std::byte> receive_buffer(const TaskContext& context, std::uint64_t which);
Result<> post_receive_buffer(const TaskContext& context, std::uint64_t which);
// As many places to send from, so that none is changed while it is sent.
std::span<std::byte> send_buffer(const TaskContext& context, std::uint64_t which);

base::Task<> echo_sends(TaskContext context);
base::Task<> echo_writes(TaskContext context);
base::Task<> sink_sends(TaskContext context);

base::Task<> ping_sends(TaskContext context);
base::Task<> ping_writes(TaskContext context);
base::Task<> writes(TaskContext context);
base::Task<> writes_with_immediate(TaskContext context);
base::Task<> reads(TaskContext context);
base::Task<> fetch_adds(TaskContext context);
base::Task<> compare_swaps(TaskContext context);
base::Task<> sends(TaskContext context);

base::Task<> timed_sends(TaskContext context);
base::Task<> timed_writes(TaskContext context);
base::Task<> timed_reads(TaskContext context);

// Waits, by looking again and again, until the byte that a peer writes has this value.
base::Task<> watch_byte(TaskContext context, const std::byte* place, std::uint8_t value);

}  // namespace verbs_test
