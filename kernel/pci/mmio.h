// SPDX-License-Identifier: Apache-2.0
// A piece of device memory, read and written in exactly the widths asked for. Ordering: x86 keeps uncached accesses in
// program order, after earlier stores to ordinary memory; volatile keeps the compiler to it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/assert.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace pci {

class Mmio {
 public:
  Mmio() = default;
  explicit Mmio(std::span<std::byte> memory) : memory_(memory) {}

  std::size_t size() const { return memory_.size(); }

  // Offsets are ours, or were checked: beyond the end is an assertion.
  template <std::unsigned_integral T>
  T read(std::size_t offset) const {
    return *at<T>(offset);
  }
  template <std::unsigned_integral T>
  void write(std::size_t offset, T value) {
    *at<T>(offset) = value;
  }

 private:
  template <std::unsigned_integral T>
  volatile T* at(std::size_t offset) const {
    LEGO_ASSERT(offset % sizeof(T) == 0 && memory_.size() >= sizeof(T) && offset <= memory_.size() - sizeof(T));
    return reinterpret_cast<volatile T*>(memory_.data() + offset);
  }
  std::span<std::byte> memory_{};
};

// Makes device memory reachable. Mappings stay for good.
class Mapper {
 public:
  virtual base::Result<Mmio> map(base::PhysAddr address, std::uint64_t bytes) = 0;

 protected:
  ~Mapper() = default;
};

}  // namespace pci
