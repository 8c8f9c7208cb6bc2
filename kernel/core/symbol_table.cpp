// SPDX-License-Identifier: Apache-2.0
// Names for addresses: see symbol_table.h.
#include "kernel/core/symbol_table.h"

#include <cstring>

namespace kernel {
namespace {

constexpr std::size_t header_words = 3;
constexpr std::size_t entry_words = 2;

}  // namespace

std::uint32_t SymbolTable::word(std::size_t index) const {
  std::uint32_t value = 0;
  std::memcpy(&value, table_.data() + index * sizeof value, sizeof value);
  return value;
}

SymbolTable::SymbolTable(std::span<const std::byte> table, std::uint64_t base) : table_(table), base_(base) {
  if (table.size() < header_words * 4 || word(0) != symbol_table_magic) return;
  const std::uint32_t count = word(2);
  if (count > (table.size() / 4 - header_words) / entry_words) return;
  count_ = count;
}

SymbolTable::Symbol SymbolTable::find(std::uint64_t address) const {
  const std::uint64_t wanted = address - base_;
  std::size_t low = 0, high = count_;  // the answer is the entry before `high`
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (word(header_words + middle * entry_words) <= wanted)
      low = middle + 1;
    else
      high = middle;
  }
  if (high == 0) return {};
  const std::size_t entry = header_words + (high - 1) * entry_words;
  const std::size_t name = word(entry + 1);
  if (name >= table_.size()) return {};
  const auto* text = reinterpret_cast<const char*>(table_.data()) + name;
  const void* end = std::memchr(text, 0, table_.size() - name);
  if (end == nullptr) return {};
  return {{text, static_cast<std::size_t>(static_cast<const char*>(end) - text)}, wanted - word(entry)};
}

}  // namespace kernel
