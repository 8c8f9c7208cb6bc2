// SPDX-License-Identifier: Apache-2.0
// Timers of an engine, ordered by time. A timer is a member of what it is for and takes no memory of its own.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "kernel/base/clock.h"

namespace roce {

class Deadline : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual void expired() = 0;
  bool armed() const { return is_linked(); }
  std::uint64_t at_ns() const { return is_linked() ? at_ns_ : base::never_ns; }
  void cancel() { unlink(); }
  bool operator<(const Deadline& other) const { return at_ns_ < other.at_ns_; }

 protected:
  ~Deadline() = default;

 private:
  friend class DeadlineQueue;
  std::uint64_t at_ns_ = 0;
};

// Calls a member function of its owner.
template <typename Owner, void (Owner::*Method)()>
class MemberDeadline final : public Deadline {
 public:
  explicit MemberDeadline(Owner& owner) : owner_(owner) {}
  void expired() override { (owner_.*Method)(); }

 private:
  Owner& owner_;
};

class DeadlineQueue {
 public:
  void arm(Deadline& deadline, std::uint64_t at_ns) {
    deadline.unlink();
    deadline.at_ns_ = at_ns;
    deadlines_.insert(deadline);
  }
  std::uint64_t next_ns() const { return deadlines_.empty() ? base::never_ns : deadlines_.begin()->at_ns_; }
  // Runs what is due at `now_ns`; what these arm anew for the same time waits for the next call.
  void run(std::uint64_t now_ns) {
    Set due;
    while (!deadlines_.empty() && deadlines_.begin()->at_ns_ <= now_ns) {
      Deadline& deadline = *deadlines_.begin();
      deadline.unlink();
      due.insert(deadline);
    }
    while (!due.empty()) {
      Deadline& deadline = *due.begin();
      deadline.unlink();
      deadline.expired();
    }
  }

 private:
  using Set = boost::intrusive::multiset<Deadline, boost::intrusive::constant_time_size<false>>;
  Set deadlines_;
};

}  // namespace roce
