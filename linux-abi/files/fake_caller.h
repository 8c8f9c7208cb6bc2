// SPDX-License-Identifier: Apache-2.0
// A Caller for tests in one thread: what other threads would do while it sleeps is a list of actions, done one after
// the other until one of them wakes it; without any left the sleep ends as `end` says.
#pragma once

#include <cstdlib>
#include <deque>
#include <functional>
#include <utility>

#include "linux-abi/files/caller.h"

namespace linux_abi {

class FakeCaller final : public Caller {
 public:
  std::deque<std::function<void()>> meanwhile;
  WaitEnd end = WaitEnd::Interrupted;

  processor::Sleeper& sleeper() override { return sleeper_; }
  WaitEnd wait(base::Waiter&, std::uint64_t) override {
    while (!waiter_.woken && !meanwhile.empty()) {
      const auto action = std::move(meanwhile.front());
      meanwhile.pop_front();
      action();
    }
    return std::exchange(waiter_.woken, false) ? WaitEnd::Woken : end;
  }
  base::Waiter& waiter() override { return waiter_; }
  std::uint64_t now_ns() const override { return 0; }
  std::uint64_t wall_time_ns() const override { return 0; }
  const Credentials& credentials() const override { return credentials_; }
  FileContext& file_context() override { std::abort(); }
  DescriptorTable& descriptors() override { std::abort(); }
  std::uint64_t process_id() const override { return 1; }
  std::uint64_t limit(int) const override { return 1024; }
  void raise(int) override {}
  Answer<> copy_out(std::uint64_t, std::span<const std::byte>) override { return error(EFAULT); }
  Answer<> copy_in(std::span<std::byte>, std::uint64_t) override { return error(EFAULT); }

 private:
  struct Waiter final : base::Waiter {
    bool woken = false;
    void wake() override { woken = true; }
  };
  struct Sleeper final : processor::Sleeper {
    void wake() override {}
    bool sleep() override { return false; }
    std::uint64_t now_ns() const override { return 0; }
  };
  Waiter waiter_;
  Sleeper sleeper_;
  Credentials credentials_;
};

}  // namespace linux_abi
