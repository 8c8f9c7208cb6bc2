// SPDX-License-Identifier: Apache-2.0
// What a report says of the machine that measured, and how it makes one number of several rounds.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct Host {
  std::string qemu;
  unsigned cpus = 0;
  double load_before = 0;  // over a minute
  double load_after = 0;
};
Host describe_host();  // load_before is that of now
double host_load();

double median_of(std::vector<double> values);  // 0 of none

}  // namespace bench
