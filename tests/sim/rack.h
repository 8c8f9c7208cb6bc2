// SPDX-License-Identifier: Apache-2.0
// A whole rack in one process: managers, one pComponent, one sComponent, one mComponent or more and a client, on a
// simulated network, in virtual time, in an order that a seed decides.
#pragma once

#include <functional>
#include <memory>

#include "tests/sim/components.h"
#include "tests/sim/machine.h"

namespace sim {

enum class Network : std::uint8_t {
  Loopback,  // whole messages, in any order that is allowed; connections that break
  BadWire,   // net/roce over frames that are lost, repeated, delayed, overtaken and damaged
};

struct RackOptions {
  std::uint64_t seed = 1;
  Network network = Network::Loopback;
  std::uint32_t lines = 32;  // of the ExCache
  std::uint32_t frames = 2048;
  unsigned memories = 1;
  bool disk = false;  // formatted
  bool skip_shoot_downs = false;
};

class Rack {
 public:
  explicit Rack(const RackOptions& options);
  Rack(const Rack&) = delete;
  Rack& operator=(const Rack&) = delete;
  ~Rack();

  testing_support::Scheduler scheduler;
  base::Random& random() { return scheduler.random; }

  // Until done(); fails if it takes longer than is possible.
  void run(const std::function<bool()>& done, const char* what);
  // A kernel thread of the pComponent; returns when it has ended.
  void run_thread(std::function<void()> body, const char* what);
  template <typename T>
  T run_task(base::Task<T> task, const char* what) {
    std::optional<base::Result<T>> result;
    base::spawn(std::move(task), [&](base::Result<T> outcome) { result.emplace(std::move(outcome)); });
    run([&] { return result.has_value(); }, what);
    require_ok(result->has_value() ? base::Error::None : result->error(), what);
    if constexpr (!std::is_void_v<T>) return std::move(**result);
  }

  // Nothing that programs had is left on any component.
  void check_empty();

 private:
  std::unique_ptr<rpc::test::World> make_world(const RackOptions& options);
  void disturb();
  bool background();
  static void require_ok(base::Error error, const char* what);

  const RackOptions options_;

 public:
  Machine machine{scheduler};
  std::unique_ptr<rpc::test::World> world;

 private:
  SeededEntropy entropy_;

 public:
  std::unique_ptr<ManagersNode> managers;
  std::vector<std::unique_ptr<MemoryNode>> memories;
  std::unique_ptr<StorageNode> storage;
  std::unique_ptr<ProcessorNode> processor;
  std::unique_ptr<ClientNode> client;

 private:
  bool calm_ = true;  // nothing is disturbed while the rack starts
  std::uint64_t next_break_ns_ = 0;
};

}  // namespace sim
