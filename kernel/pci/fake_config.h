// SPDX-License-Identifier: Apache-2.0
// For tests: configuration space in ordinary memory, with BARs that answer the size probe, and a mapper whose addresses
// are the pointers themselves.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "kernel/base/endian.h"
#include "kernel/pci/config_space.h"
#include "kernel/pci/mmio.h"

namespace pci {

class FakeConfigSpace final : public ConfigSpace {
 public:
  struct FakeFunction {
    std::array<std::uint8_t, 4096> bytes{};
    std::map<unsigned, std::uint64_t> bar_bytes;  // by index of the (lower) BAR
    bool decoding_while_probed = false;
    unsigned probes = 0;

    template <typename T>
    void set(std::size_t offset, T value) {
      std::memcpy(bytes.data() + offset, &value, sizeof value);
    }
    template <typename T>
    T get(std::size_t offset) const {
      T value;
      std::memcpy(&value, bytes.data() + offset, sizeof value);
      return value;
    }
    void set_identity(std::uint16_t vendor, std::uint16_t device) {
      set(0, vendor);
      set(2, device);
    }
    // Links a capability of `content` (behind id and next) in front of the list.
    void add_capability(std::uint8_t offset, std::uint8_t id, std::vector<std::uint8_t> content) {
      bytes[offset] = id;
      bytes[offset + 1] = bytes[0x34];
      bytes[0x34] = offset;
      std::copy(content.begin(), content.end(), bytes.begin() + offset + 2);
      set<std::uint16_t>(6, get<std::uint16_t>(6) | 0x10);
    }
    void set_memory_bar64(unsigned index, std::uint64_t address, std::uint64_t size) {
      set<std::uint32_t>(0x10 + 4 * index, static_cast<std::uint32_t>(address) | 0xc);
      set<std::uint32_t>(0x14 + 4 * index, static_cast<std::uint32_t>(address >> 32));
      bar_bytes[index] = size;
    }
    void set_memory_bar32(unsigned index, std::uint32_t address, std::uint32_t size) {
      set<std::uint32_t>(0x10 + 4 * index, address);
      bar_bytes[index] = size;
    }
  };

  std::map<Address, FakeFunction> functions;

  std::uint8_t read8(Address a, std::uint16_t offset) override { return read<std::uint8_t>(a, offset); }
  std::uint16_t read16(Address a, std::uint16_t offset) override { return read<std::uint16_t>(a, offset); }
  std::uint32_t read32(Address a, std::uint16_t offset) override { return read<std::uint32_t>(a, offset); }
  void write8(Address a, std::uint16_t offset, std::uint8_t value) override { write(a, offset, value); }
  void write16(Address a, std::uint16_t offset, std::uint16_t value) override { write(a, offset, value); }
  void write32(Address a, std::uint16_t offset, std::uint32_t value) override {
    const auto found = functions.find(a);
    if (found == functions.end()) return;
    if (offset >= 0x10 && offset < 0x28) return write_bar(found->second, offset, value);
    write(a, offset, value);
  }

 private:
  template <typename T>
  T read(Address address, std::uint16_t offset) {
    const auto found = functions.find(address);
    return found == functions.end() ? static_cast<T>(~T{0}) : found->second.get<T>(offset);
  }
  template <typename T>
  void write(Address address, std::uint16_t offset, T value) {
    const auto found = functions.find(address);
    if (found != functions.end()) found->second.set(offset, value);
  }
  static void write_bar(FakeFunction& function, std::uint16_t offset, std::uint32_t value) {
    if (value == ~std::uint32_t{0}) {
      ++function.probes;
      function.decoding_while_probed |= (function.get<std::uint16_t>(4) & 3) != 0;
    }
    const unsigned index = (offset - 0x10u) / 4;
    const auto low = function.bar_bytes.find(index);
    if (low != function.bar_bytes.end()) {
      const auto mask = static_cast<std::uint32_t>(~(low->second - 1));
      const std::uint32_t kind = function.get<std::uint32_t>(offset);
      const std::uint32_t kind_mask = (kind & 1) != 0 ? 3 : 15;
      return function.set(offset, (value & mask & ~kind_mask) | (kind & kind_mask));
    }
    const auto high = index > 0 ? function.bar_bytes.find(index - 1) : function.bar_bytes.end();
    if (high != function.bar_bytes.end() && (function.get<std::uint32_t>(offset - 4u) & 7) == 4) {
      return function.set(offset, value & static_cast<std::uint32_t>(~(high->second - 1) >> 32));
    }
    function.set<std::uint32_t>(offset, 0);  // not implemented: wired to zero
  }
};

class FakeMapper final : public Mapper {
 public:
  base::Result<Mmio> map(base::PhysAddr address, std::uint64_t bytes) override {
    ++mappings;
    if (fails) return base::fail(base::Error::NoMemory);
    return Mmio({reinterpret_cast<std::byte*>(address.value()), bytes});
  }
  unsigned mappings = 0;
  bool fails = false;
};

}  // namespace pci
