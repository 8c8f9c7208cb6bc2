// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/host.h"

#include <stdlib.h>

#include <algorithm>
#include <thread>

#include "tools/support/child.h"

namespace bench {

double host_load() {
  double minute = 0;
  return getloadavg(&minute, 1) == 1 ? minute : 0;
}

Host describe_host() {
  const auto told = support::run_captured({"qemu-system-x86_64", "--version"});
  return {.qemu = told.output.substr(0, told.output.find('\n')),
          .cpus = std::thread::hardware_concurrency(),
          .load_before = host_load()};
}

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace bench
