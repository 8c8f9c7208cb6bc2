// SPDX-License-Identifier: Apache-2.0
// A peer of a component that is let in and then calls anything, a few requests at a time, so that handlers meet each
// other halfway. What comes back is counted and learnt from.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "net/rpc/test_world.h"
#include "tests/fuzz/requests.h"

namespace fuzz {

void require(bool condition, const char* what);  // else says so and aborts: libFuzzer's and the tests' way to fail

class Attacker {
 public:
  static constexpr std::size_t bulk_bytes = 65536;

  // Operations are chosen from `operations`, now and then any other.
  Attacker(rpc::test::World& world, rpc::test::Node& node, rpc::Peer& peer,
           std::span<const messages::Operation> operations);
  ~Attacker();  // finished

  // One request, made by consuming choices.
  void attack(Choices& choices);
  // Until every call has ended; aborts if one does not.
  void finish();

  Known& known() { return known_; }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t succeeded() const { return succeeded_; }
  // Answers with an error that the server must have counted.
  std::uint64_t refused() const { return refused_; }
  // By operation's number; how many were answered with success.
  const std::array<std::uint32_t, 128>& successes() const { return successes_; }

 private:
  class AnyCall;
  void start(AnyCall& call, Choices& choices);
  void end(AnyCall& call);

  rpc::test::World& world_;
  rpc::test::Node& node_;
  rpc::Peer& peer_;
  std::span<const messages::Operation> operations_;
  Known known_;
  std::vector<std::unique_ptr<AnyCall>> calls_;
  std::uint64_t sent_ = 0;
  std::uint64_t succeeded_ = 0;
  std::uint64_t refused_ = 0;
  std::array<std::uint32_t, 128> successes_{};
};

}  // namespace fuzz
