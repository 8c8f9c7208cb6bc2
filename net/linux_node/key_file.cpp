// SPDX-License-Identifier: Apache-2.0
// The rack key, from its file.
#include <fstream>
#include <iterator>

#include "net/linux_node/linux_node.h"

namespace linux_node {

base::Result<membership::RackKey> read_key_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return base::fail(base::Error::NotFound);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return membership::RackKey::from_file(std::as_bytes(std::span(text)));
}

}  // namespace linux_node
