// SPDX-License-Identifier: Apache-2.0
// Names of the image's functions, for backtraces. tools/image writes the table when an image is linked:
//   u32 magic, u32 bytes of the whole table, u32 count, count * {u32 offset from the image's base, u32 offset of the name},
//   names ended by zero bytes
// sorted by address. All little-endian; offsets of names count from the start of the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kernel {

inline constexpr std::uint32_t symbol_table_magic = 0x4d59534c;  // "LSYM"

class SymbolTable {
 public:
  constexpr SymbolTable() = default;
  // A table that is none is empty.
  SymbolTable(std::span<const std::byte> table, std::uint64_t base);

  struct Symbol {
    std::string_view name;
    std::uint64_t offset = 0;  // of the address in the function
  };
  // An empty name when the address lies before the first function or the table is empty.
  Symbol find(std::uint64_t address) const;
  std::uint32_t count() const { return count_; }

 private:
  std::uint32_t word(std::size_t index) const;

  std::span<const std::byte> table_;
  std::uint64_t base_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace kernel
