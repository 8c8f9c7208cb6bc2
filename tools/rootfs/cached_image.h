// SPDX-License-Identifier: Apache-2.0
// Making an image that is kept in a cache: in a temporary folder beside it, which goes in any case, and under its own
// name only when it is complete, for several runs may begin at once.
#pragma once

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "tools/support/failure.h"

namespace rootfs {

// make(folder) leaves the image in folder / "image".
template <typename Make>
void make_cached(const std::filesystem::path& cache, const std::filesystem::path& image, const Make& make) {
  std::filesystem::create_directories(cache);
  std::string name = cache / "making-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw support::Failure(fmt::format("cannot write into {}", cache.string()));
  const std::filesystem::path folder = name;
  try {
    make(folder);
    std::filesystem::rename(folder / "image", image);
  } catch (...) {
    std::filesystem::remove_all(folder);
    throw;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace rootfs
