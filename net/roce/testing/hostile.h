// SPDX-License-Identifier: Apache-2.0
// An engine with live queue pairs, listeners and work in progress, and frames against it that are made from arbitrary
// bytes: some are those bytes, most are packets that fit ever better. For the seeded test and for libFuzzer.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "net/fuzz/choices.h"
#include "net/roce/testing/endpoint.h"
#include "net/roce/testing/raw_peer.h"

namespace roce::testing {

class HostileTarget {
 public:
  explicit HostileTarget(std::uint64_t seed);
  ~HostileTarget();

  // One frame, made by consuming the bytes.
  void attack(std::span<const std::byte> bytes);
  // Aborts if memory that no request could reach has changed, or if the engine does not work any more.
  void check();
  void collect(std::map<std::string_view, std::uint64_t>& totals) const;

 private:
  struct Listener;
  void revive();
  void attack_ipv6(fuzz::Choices& choices);

  World world_;
  Node& node_;
  RawPeer peer_;
  std::unique_ptr<Endpoint> connected_;
  std::unique_ptr<Endpoint> datagram_;
  std::unique_ptr<Endpoint> idle_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::byte> secret_;  // not registered
  base::Own<verbs::MemoryRegion> read_only_;
  std::vector<std::byte> read_only_memory_;
  std::uint64_t posted_ = 0;
};

}  // namespace roce::testing
