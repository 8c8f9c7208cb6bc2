// SPDX-License-Identifier: Apache-2.0
// What `lego bench abi` has found: for each thing that programs ask of a kernel, all rounds of both sides. A side's
// result is the median of its rounds' medians; the speed is Linux's time by ours, so that more is better; messages are
// those of one time in the vNode.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/bench/host.h"

namespace bench {

// One run of the program tools/bench/abi_program.
struct AbiMeasured {
  double least_ns = 0;
  double median_ns = 0;
  std::optional<double> messages;  // of one time; nothing on Linux
};

// Of the line that the program prints. Nothing: it is none.
std::optional<AbiMeasured> parse_abi_measured(const std::string& name, const std::string& line);

struct AbiSeries {
  std::vector<AbiMeasured> rounds;
  double least_ns() const;
  double median_ns() const;
};

struct AbiRow {
  std::string name;
  AbiSeries ours;
  AbiSeries linux_guest;
  double speed() const { return linux_guest.median_ns() / ours.median_ns(); }
  // The median of the rounds, without what the background sends now and then.
  double messages() const;
};

// What the project wants: each at least so many times Linux's speed, and together, in the geometric mean, ...
inline constexpr double wanted_speed = 0.5, wanted_mean = 1.0;
// ... and at most so many messages. Nothing: no such limit.
std::optional<double> wanted_messages(const std::string& name);

struct AbiReport {
  unsigned rounds = 0;
  unsigned milliseconds = 0;  // of a round
  std::string kernel;         // of the Linux guest
  Host host;
  std::vector<AbiRow> rows;

  double mean_speed() const;  // geometric
  std::string table() const;
  std::string json() const;
};

}  // namespace bench
