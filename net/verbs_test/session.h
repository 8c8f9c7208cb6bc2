// SPDX-License-Identifier: Apache-2.0
// One test connection that a control program describes step by step: open, connect, run, close. The queue pair is
// brought up by hand, with numbers that the program carries between its peer and us. close() is awaited before the
// session goes.
#pragma once

#include "net/verbs_test/tasks.h"

namespace verbs_test {

class Session {
 public:
  Session(World& world, Slot& slot) : world_(world), slot_(slot), channel_(world), ended_(world.loop) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { LEGO_ASSERT(!serving_); }

  // Each is one Verb. What the answer says of us and of what was counted is filled in whatever happens.
  base::Task<> handle(ControlRequest request, ControlAnswer* answer);
  // Ends what is served, and the queue pair.
  base::Task<> close();
  void fill(ControlAnswer& answer) const;

 private:
  Result<> open(const ControlRequest& request);
  Result<> connect(const ControlRequest& request);
  base::Task<> run(ControlRequest request);
  Result<> bring_up(const ControlRequest& request);
  TaskContext context(const ControlRequest& request);
  void serve(base::Task<> task);

  World& world_;
  Slot& slot_;
  Channel channel_;
  base::AsyncCondition ended_;
  Transport transport_ = Transport::Reliable;
  bool ipv6_ = false;
  ControlRequest connected_;
  std::uint32_t psn_ = 0;
  bool is_connected_ = false;
  bool serving_ = false;
  Result<> served_;  // how what was served has ended
  Counts counts_;
  std::uint64_t elapsed_ns_ = 0;
};

}  // namespace verbs_test
