// SPDX-License-Identifier: Apache-2.0
// Lookup at and between the functions, and tables that are damaged.
#include "kernel/core/symbol_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace kernel {
namespace {

constexpr std::uint64_t base_address = 0xffffffff80000000;

std::vector<std::byte> make_table(const std::vector<std::pair<std::uint32_t, std::string>>& symbols) {
  std::vector<std::uint32_t> words{symbol_table_magic, 0, static_cast<std::uint32_t>(symbols.size())};
  std::string names;
  const std::size_t names_at = 12 + symbols.size() * 8;
  for (const auto& [offset, name] : symbols) {
    words.push_back(offset);
    words.push_back(static_cast<std::uint32_t>(names_at + names.size()));
    names += name + '\0';
  }
  words[1] = static_cast<std::uint32_t>(names_at + names.size());
  std::vector<std::byte> table(words[1]);
  std::memcpy(table.data(), words.data(), names_at);
  std::memcpy(table.data() + names_at, names.data(), names.size());
  return table;
}

TEST(SymbolTable, FindsTheFunctionAround) {
  const auto bytes = make_table({{0x100, "first"}, {0x180, "second(int)"}, {0x900, "last"}});
  const SymbolTable table(bytes, base_address);
  EXPECT_EQ(table.count(), 3u);
  EXPECT_EQ(table.find(base_address + 0x100).name, "first");
  EXPECT_EQ(table.find(base_address + 0x17f).offset, 0x7fu);
  EXPECT_EQ(table.find(base_address + 0x180).name, "second(int)");
  EXPECT_EQ(table.find(base_address + 0x8ff).name, "second(int)");
  EXPECT_EQ(table.find(base_address + 0x10000).name, "last");
  EXPECT_EQ(table.find(base_address + 0xff).name, "");
  EXPECT_EQ(SymbolTable().find(base_address).name, "");
}

TEST(SymbolTable, DamagedTablesGiveNoNames) {
  const auto good = make_table({{0x100, "first"}, {0x180, "second"}});
  for (std::size_t length = 0; length < good.size(); ++length) {
    const std::vector<std::byte> cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(SymbolTable(cut, base_address).find(base_address + 0x181).name, "") << length;
  }
  auto bytes = good;
  bytes[0] ^= std::byte{1};
  EXPECT_EQ(SymbolTable(bytes, base_address).count(), 0u);
  bytes = good;
  bytes[19] = std::byte{0xff};  // a name far away
  EXPECT_EQ(SymbolTable(bytes, base_address).find(base_address + 0x101).name, "");
}

}  // namespace
}  // namespace kernel
