// SPDX-License-Identifier: Apache-2.0
// What is attacked: real services on a loopback fabric in virtual time, each with an attacker.
//   ComponentsTarget  an sComponent's file service over an ext4 image, and an mComponent's monitor that keeps its files
//                     there; one attacker for each
//   ManagersTarget    the global managers, attacked by a client, by an mComponent and by a stranger
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "tests/fuzz/attacker.h"

namespace fuzz {

// How often something happened, summed over targets.
struct Totals {
  std::uint64_t sent = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t refused = 0;
  std::uint64_t counted_errors = 0;     // by the servers: handlers' errors
  std::uint64_t counted_malformed = 0;  // ... what was turned away before
  std::uint64_t counted_refusals = 0;
  std::array<std::uint64_t, 128> successes{};  // by operation's number
};

class Target {
 public:
  virtual ~Target() = default;
  virtual void attack(std::span<const std::byte> bytes) = 0;
  // Ends what is under way; aborts if a component no longer works for somebody who behaves, or has lost count.
  virtual void check() = 0;
  virtual void collect(Totals& totals) = 0;
};

std::unique_ptr<Target> make_components_target(std::uint64_t seed);
std::unique_ptr<Target> make_managers_target(std::uint64_t seed);

// Of one server and those who attack it. Every refusal that an attacker saw is in the server's counters.
void add_up(Totals& totals, rpc::test::Node& server, std::initializer_list<const Attacker*> attackers);

}  // namespace fuzz
