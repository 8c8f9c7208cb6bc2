// SPDX-License-Identifier: Apache-2.0
// Both loaders' structures, built here byte by byte as the protocols describe them, whole and damaged.
#include "kernel/boot/boot_info.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace kernel {
namespace {

using base::PhysAddr;

// Physical memory from 0x1000 on.
class FakeMemory : public PhysicalReader {
 public:
  std::span<const std::byte> view(PhysAddr address, std::uint64_t bytes) const override {
    const std::uint64_t offset = address.value() - 0x1000;
    if (offset > memory_.size() || bytes > memory_.size() - offset) return {};
    return {memory_.data() + offset, bytes};
  }
  std::uint64_t end() const { return 0x1000 + memory_.size(); }
  void put(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) memory_.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  void put32(std::uint64_t value) { put(value, 4); }
  void put64(std::uint64_t value) { put(value, 8); }
  std::uint64_t put_text(std::string_view text) {
    const std::uint64_t at = end();
    for (char c : text) memory_.push_back(static_cast<std::byte>(c));
    memory_.push_back(std::byte{0});
    return at;
  }
  void align(std::size_t to) {
    while (memory_.size() % to != 0) memory_.push_back(std::byte{0});
  }
  std::vector<std::byte>& bytes() { return memory_; }

 private:
  std::vector<std::byte> memory_;
};

std::vector<std::byte> root_pointer(std::uint8_t revision, std::uint32_t rsdt, std::uint64_t xsdt) {
  std::vector<std::byte> bytes(36);
  std::memcpy(bytes.data(), "RSD PTR ", 8);
  bytes[15] = static_cast<std::byte>(revision);
  std::memcpy(&bytes[16], &rsdt, 4);
  bytes[20] = std::byte{36};
  std::memcpy(&bytes[24], &xsdt, 8);
  auto fix = [&](std::size_t count, std::size_t at) {
    unsigned sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += static_cast<unsigned>(bytes[i]);
    bytes[at] = static_cast<std::byte>(0u - sum);
  };
  fix(20, 8);
  fix(36, 32);
  return bytes;
}

TEST(BootInfo, AcpiRootPointer) {
  auto bytes = root_pointer(2, 0x1111, 0x2222);
  EXPECT_EQ(parse_acpi_root_pointer(bytes).table, PhysAddr(0x2222));
  EXPECT_TRUE(parse_acpi_root_pointer(bytes).extended);
  EXPECT_EQ(parse_acpi_root_pointer(root_pointer(0, 0x1111, 0x2222)).table, PhysAddr(0x1111));
  EXPECT_EQ(parse_acpi_root_pointer(std::span(bytes).subspan(0, 20)).table, PhysAddr(0x1111));
  bytes[17] = std::byte{7};
  EXPECT_FALSE(parse_acpi_root_pointer(bytes));
  EXPECT_FALSE(parse_acpi_root_pointer(std::span(bytes).subspan(0, 19)));
}

class PvhTest : public testing::Test {
 protected:
  PvhTest() {
    const std::uint64_t line = memory_.put_text("role=m gmm=10.0.0.1");
    const std::uint64_t name = memory_.put_text("rack-key and more");
    memory_.align(8);
    const std::uint64_t map = memory_.end();
    for (auto [start, bytes, type] : {std::array<std::uint64_t, 3>{0, 0x9fc00, 1},
                                      {0x100000, 0x3f00000, 1},
                                      {0x4000000, 0x1000, 3},
                                      {0xfee00000, 0x1000, 2}}) {
      memory_.put64(start);
      memory_.put64(bytes);
      memory_.put32(type);
      memory_.put32(0);
    }
    const std::uint64_t modules = memory_.end();
    memory_.put64(0x500000);
    memory_.put64(32);
    memory_.put64(name);
    memory_.put64(0);
    const std::uint64_t pointer = memory_.end();
    for (std::byte byte : root_pointer(2, 0, 0xabc000)) memory_.bytes().push_back(byte);
    memory_.align(8);
    start_ = memory_.end();
    memory_.put32(0x336ec578);
    memory_.put32(1);
    memory_.put32(0);
    memory_.put32(1);
    memory_.put64(modules);
    memory_.put64(line);
    memory_.put64(pointer);
    memory_.put64(map);
    memory_.put32(4);
    memory_.put32(0);
  }
  FakeMemory memory_;
  std::uint64_t start_ = 0;
  BootInfo info_;
};

TEST_F(PvhTest, Parsed) {
  ASSERT_TRUE(parse_pvh(memory_, PhysAddr(start_), info_));
  EXPECT_EQ(info_.loader, "PVH");
  EXPECT_EQ(info_.command_line().find("gmm"), "10.0.0.1");
  ASSERT_EQ(info_.memory().size(), 4u);
  EXPECT_EQ(info_.memory()[1].start, PhysAddr(0x100000));
  EXPECT_EQ(info_.memory()[2].kind, MemoryKind::AcpiTables);
  EXPECT_EQ(info_.memory()[3].kind, MemoryKind::Reserved);
  ASSERT_NE(info_.find_module("rack-key"), nullptr);
  EXPECT_EQ(info_.find_module("rack-key")->bytes, 32u);
  EXPECT_EQ(info_.find_module("rack"), nullptr);
  EXPECT_EQ(info_.acpi.table, PhysAddr(0xabc000));
}

TEST_F(PvhTest, DamagedIsRefused) {
  EXPECT_EQ(parse_pvh(memory_, PhysAddr(start_ + 8), info_).error(), base::Error::Malformed);
  EXPECT_EQ(parse_pvh(memory_, PhysAddr(0x10), info_).error(), base::Error::Malformed);
  EXPECT_EQ(parse_pvh(memory_, PhysAddr(memory_.end() - 4), info_).error(), base::Error::Malformed);
  memory_.bytes()[start_ - 0x1000 + 4] = std::byte{0};  // version 0 has no memory map
  EXPECT_EQ(parse_pvh(memory_, PhysAddr(start_), info_).error(), base::Error::Malformed);
}

class Multiboot2Test : public testing::Test {
 protected:
  Multiboot2Test() {
    memory_.put32(0);
    memory_.put32(0);
    tag(1, [&] { memory_.put_text("quiet key=\"a b\""); });
    tag(3, [&] {
      memory_.put32(0x700000);
      memory_.put32(0x700020);
      memory_.put_text("rack-key");
    });
    tag(99, [&] { memory_.put_text("unknown"); });
    tag(6, [&] {
      memory_.put32(32);  // entries may grow
      memory_.put32(0);
      for (auto [start, bytes, type] :
           {std::array<std::uint64_t, 3>{0x100000, 0x3f00000, 1}, {0x4000000, 0x1000, 5}, {0x5000000, 0x1000, 4}}) {
        memory_.put64(start);
        memory_.put64(bytes);
        memory_.put32(type);
        memory_.put32(0);
        memory_.put64(0x5555);
      }
    });
    tag(15, [&] {
      for (std::byte byte : root_pointer(2, 0x10, 0xabc000)) memory_.bytes().push_back(byte);
    });
    tag(14, [&] {
      for (std::byte byte : root_pointer(0, 0x10, 0)) memory_.bytes().push_back(byte);
    });
    tag(0, [] {});
    const auto total = static_cast<std::uint32_t>(memory_.bytes().size());
    std::memcpy(memory_.bytes().data(), &total, 4);
  }
  template <typename Contents>
  void tag(std::uint32_t type, Contents contents) {
    memory_.align(8);
    const std::size_t start = memory_.bytes().size();
    memory_.put32(type);
    memory_.put32(0);
    contents();
    const auto size = static_cast<std::uint32_t>(memory_.bytes().size() - start);
    std::memcpy(memory_.bytes().data() + start + 4, &size, 4);
  }
  FakeMemory memory_;
  BootInfo info_;
};

TEST_F(Multiboot2Test, Parsed) {
  ASSERT_TRUE(parse_multiboot2(memory_, PhysAddr(0x1000), info_));
  EXPECT_EQ(info_.loader, "Multiboot2");
  EXPECT_EQ(info_.command_line().find("key"), "a b");
  ASSERT_EQ(info_.memory().size(), 3u);
  EXPECT_EQ(info_.memory()[0].bytes, 0x3f00000u);
  EXPECT_EQ(info_.memory()[1].kind, MemoryKind::Reserved);
  EXPECT_EQ(info_.memory()[2].kind, MemoryKind::AcpiStorage);
  ASSERT_NE(info_.find_module("rack-key"), nullptr);
  EXPECT_EQ(info_.find_module("rack-key")->start, PhysAddr(0x700000));
  EXPECT_EQ(info_.acpi.table, PhysAddr(0xabc000)) << "the XSDT wins, in whatever order the tags come";
}

// Every single damaged or missing byte: refused or parsed, never read beyond (the sanitizers watch).
TEST_F(Multiboot2Test, DamagedDoesNotCrash) {
  const std::vector<std::byte> good = memory_.bytes();
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int value : {0, 1, 7, 0x7f, 0x80, 0xff}) {
      memory_.bytes() = good;
      memory_.bytes()[i] = static_cast<std::byte>(value);
      BootInfo info;
      (void)parse_multiboot2(memory_, PhysAddr(0x1000), info);
    }
    memory_.bytes() = {good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i)};
    BootInfo info;
    EXPECT_EQ(parse_multiboot2(memory_, PhysAddr(0x1000), info).error(), base::Error::Malformed);
  }
}

TEST(BootInfo, WhatDoesNotFitIsCounted) {
  BootInfo info;
  for (std::size_t i = 0; i < BootInfo::max_modules + 2; ++i) info.add_module("m", PhysAddr(0), 1);
  for (std::size_t i = 0; i < BootInfo::max_regions + 3; ++i) info.add_region({PhysAddr(0), 1, MemoryKind::Usable});
  info.set_command_line(std::string(5000, 'x'));
  EXPECT_EQ(info.dropped(), 6u);
  EXPECT_EQ(info.memory().size(), BootInfo::max_regions);
  EXPECT_EQ(info.command_line().text().size(), BootInfo::max_command_line);
}

}  // namespace
}  // namespace kernel
