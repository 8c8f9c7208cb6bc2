// SPDX-License-Identifier: Apache-2.0
// What gmmd is told on its command line.
#pragma once

#include <cstdint>
#include <string>

namespace gmm {

struct Options {
  std::string name = "gmm";
  std::string fabric;    // in words, for messages
  std::uint32_t ip = 0;  // host order
  std::string key_file;
  std::string state_file;  // empty: ids start anew each time
};

}  // namespace gmm
