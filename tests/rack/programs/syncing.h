// SPDX-License-Identifier: Apache-2.0
// What syncing.cpp writes in a step, for it and for whoever checks.
#pragma once

#include <string>

inline std::string content(int step) {
  std::string bytes = "step " + std::to_string(step) + "\n";
  const std::size_t size = bytes.size() + (std::size_t)step * 7919 % 30000;
  for (unsigned i = 0; bytes.size() < size; ++i) bytes += (char)('a' + (i * 31 + i / 256 + (unsigned)step) % 26);
  return bytes;
}
