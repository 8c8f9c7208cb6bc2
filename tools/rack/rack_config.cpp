// SPDX-License-Identifier: Apache-2.0
#include "tools/rack/rack_config.h"

#include <fmt/format.h>

namespace rack {

std::string Component::ip() const { return fmt::format("10.77.{}.{}", static_cast<unsigned>(kind), index + 1); }

std::string Component::mac() const {
  // "LG" in the middle, for whoever looks at a capture.
  return fmt::format("52:54:4c:47:{:02x}:{:02x}", static_cast<unsigned>(kind), index + 1);
}

Component managers() { return {.name = "gmm", .kind = Kind::Manager}; }
Component client() { return {.name = "lego", .kind = Kind::Client}; }

std::vector<Component> components_of(const RackConfig& config) {
  std::vector<Component> components;
  const auto add = [&](Kind kind, char letter, unsigned count) {
    for (unsigned i = 0; i < count; ++i) components.push_back({fmt::format("{}{}", letter, i), kind, i});
  };
  add(Kind::Processor, 'p', config.processors);
  add(Kind::Memory, 'm', config.memories);
  add(Kind::Storage, 's', config.storages);
  return components;
}

std::vector<Component> ports_of(const RackConfig& config) {
  std::vector<Component> ports = components_of(config);
  ports.push_back(managers());
  ports.push_back(client());
  return ports;
}

}  // namespace rack
