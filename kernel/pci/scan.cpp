// SPDX-License-Identifier: Apache-2.0
// Looking at every possible function; 32 reads for an empty bus.
#include "kernel/pci/scan.h"

namespace pci {

using base::Error;
using base::fail;
using base::Result;

namespace {

Result<> add(base::Array<Function>& found, const Function& function) {
  if (found.size() == max_functions) return fail(Error::Exhausted);
  return found.push_back(function);
}

Result<> scan_device(ConfigSpace& space, Address address, base::Array<Function>& found) {
  const Function first(space, address);
  if (!first.exists()) return {};
  TRY(add(found, first));
  if (!first.has_more_functions()) return {};
  for (std::uint8_t number = 1; number < 8; ++number) {
    address.function = number;
    const Function function(space, address);
    if (function.exists()) TRY(add(found, function));
  }
  return {};
}

}  // namespace

Result<base::Array<Function>> scan(ConfigSpace& space, std::span<const BusRange> buses) {
  base::Array<Function> found;
  for (const BusRange& range : buses) {
    for (unsigned bus = range.first_bus; bus <= range.last_bus; ++bus) {
      for (std::uint8_t device = 0; device < 32; ++device) {
        TRY(scan_device(space, {range.segment, static_cast<std::uint8_t>(bus), device, 0}, found));
      }
    }
  }
  return found;
}

}  // namespace pci
