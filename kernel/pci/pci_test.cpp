// SPDX-License-Identifier: Apache-2.0
// Scanning, capabilities, BARs and MSI-X over configuration space in memory, damaged ones included.
#include <gtest/gtest.h>

#include <memory>

#include "kernel/pci/config_memory.h"
#include "kernel/pci/config_ports.h"
#include "kernel/pci/fake_config.h"
#include "kernel/pci/function.h"
#include "kernel/pci/msix.h"
#include "kernel/pci/scan.h"

namespace pci {
namespace {

using base::Error;

constexpr Address here{0, 0, 3, 0};

struct PciTest : testing::Test {
  FakeConfigSpace space;
  FakeMapper mapper;
  FakeConfigSpace::FakeFunction& fake = space.functions[here];
  Function function{space, here};
  void SetUp() override { fake.set_identity(0x1af4, 0x1041); }
};

TEST_F(PciTest, ScanFindsEveryFunctionOfEveryBus) {
  space.functions[{0, 0, 31, 0}].set_identity(1, 1);
  space.functions[{0, 0, 31, 0}].bytes[0x0e] = 0x80;
  space.functions[{0, 0, 31, 2}].set_identity(1, 2);
  space.functions[{0, 0, 30, 0}].set_identity(1, 3);
  space.functions[{0, 0, 30, 1}].set_identity(1, 4);  // function 0 says that it is alone
  space.functions[{0, 255, 0, 0}].set_identity(1, 5);
  space.functions[{1, 7, 0, 0}].set_identity(1, 6);
  const BusRange buses[] = {{0, 0, 255}, {1, 7, 7}};
  const auto found = scan(space, buses);
  ASSERT_TRUE(found);
  std::vector<Address> addresses;
  for (const Function& each : *found) addresses.push_back(each.address());
  EXPECT_EQ(addresses, (std::vector<Address>{
                           {0, 0, 3, 0}, {0, 0, 30, 0}, {0, 0, 31, 0}, {0, 0, 31, 2}, {0, 255, 0, 0}, {1, 7, 0, 0}}));
}

TEST_F(PciTest, CapabilitiesAreWalked) {
  fake.add_capability(0x40, 9, {1});
  fake.add_capability(0x50, 0x11, {});
  fake.add_capability(0x60, 9, {2});
  EXPECT_EQ(function.capability(CapabilityId::MsiX), 0x50);
  EXPECT_EQ(function.capability(CapabilityId::VendorSpecific), 0x60);
  EXPECT_EQ(function.capability(CapabilityId::VendorSpecific, 0x60), 0x40);
  EXPECT_EQ(function.capability(CapabilityId::VendorSpecific, 0x40), std::nullopt);
  EXPECT_EQ(function.capability(CapabilityId::PciExpress), std::nullopt);
  fake.set<std::uint16_t>(6, 0);
  EXPECT_EQ(function.capability(CapabilityId::MsiX), std::nullopt) << "the status register says there are none";
}

TEST_F(PciTest, CircularAndWildCapabilityListsEnd) {
  fake.add_capability(0x40, 9, {1});
  fake.bytes[0x41] = 0x40;
  EXPECT_EQ(function.capability(CapabilityId::MsiX), std::nullopt);
  fake.bytes[0x41] = 0x13;  // into the header
  EXPECT_EQ(function.capability(CapabilityId::MsiX), std::nullopt);
  fake.bytes[0x41] = 0xff;  // the low bits are reserved
  fake.bytes[0xfc] = 0x11;
  EXPECT_EQ(function.capability(CapabilityId::MsiX), 0xfc);
}

TEST_F(PciTest, BarsAreSizedAndRestored) {
  fake.set<std::uint16_t>(4, 7);
  fake.set_memory_bar64(4, 0x3f'c000'4000, 0x4000);
  fake.set_memory_bar32(1, 0xfebd1000, 0x1000);
  fake.set<std::uint32_t>(0x10, 0xc041);
  fake.bar_bytes[0] = 0x40;
  fake.set_memory_bar64(2, 0x80'0000'0000, std::uint64_t{1} << 36);

  const auto wide = function.bars()[4];
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->address.value(), 0x3fc0004000u);
  EXPECT_EQ(wide->bytes, 0x4000u);
  EXPECT_TRUE(wide->is_memory && wide->is_64_bit && wide->prefetchable);
  const auto huge = function.bars()[2];
  ASSERT_TRUE(huge);
  EXPECT_EQ(huge->bytes, std::uint64_t{1} << 36);
  const auto narrow = function.bars()[1];
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->address.value(), 0xfebd1000u);
  EXPECT_EQ(narrow->bytes, 0x1000u);
  EXPECT_FALSE(narrow->is_64_bit);
  const auto ports = function.bars()[0];
  ASSERT_TRUE(ports);
  EXPECT_FALSE(ports->is_memory);
  EXPECT_EQ(ports->address.value(), 0xc040u);
  EXPECT_EQ(ports->bytes, 0x40u);

  EXPECT_GT(fake.probes, 0u);
  EXPECT_FALSE(fake.decoding_while_probed);
  EXPECT_EQ(fake.get<std::uint16_t>(4), 7) << "decoding is as it was";
  EXPECT_EQ(fake.get<std::uint32_t>(0x20), 0xc000400cu);
  EXPECT_EQ(fake.get<std::uint32_t>(0x24), 0x3fu);
}

TEST_F(PciTest, BarsThatAreNotThere) {
  EXPECT_EQ(function.bars()[0].error(), Error::NotFound);
  EXPECT_EQ(function.bars()[6].error(), Error::NotFound);
  fake.set<std::uint32_t>(0x24, 4);
  EXPECT_EQ(function.bars()[5].error(), Error::Malformed) << "the upper half would lie behind the last BAR";
  fake.set_memory_bar64(0, 0, 0x1000);
  EXPECT_EQ(function.bars()[0].error(), Error::NotSupported) << "no address";
  fake.bytes[0x0e] = 1;
  EXPECT_EQ(function.bars()[2].error(), Error::NotFound) << "a bridge has two";
}

TEST_F(PciTest, MapStaysInsideTheBar) {
  fake.set_memory_bar64(0, 0x10000, 0x1000);
  EXPECT_TRUE(function.bars().map(mapper, 0, 0x800, 0x800));
  EXPECT_EQ(function.bars().map(mapper, 0, 0x800, 0x801).error(), Error::Malformed);
  EXPECT_EQ(function.bars().map(mapper, 0, ~std::uint64_t{0}, 2).error(), Error::Malformed);
  EXPECT_EQ(function.bars().map(mapper, 0, 0, 0).error(), Error::Malformed);
  fake.set<std::uint32_t>(0x18, 0xc041);
  fake.bar_bytes[2] = 0x40;
  EXPECT_EQ(function.bars().map(mapper, 2, 0, 4).error(), Error::NotSupported) << "ports";
  mapper.fails = true;
  EXPECT_EQ(function.bars().map(mapper, 0, 0, 4).error(), Error::NoMemory);
}

TEST_F(PciTest, EnableAndDisable) {
  fake.set<std::uint16_t>(4, 1);
  function.enable();
  EXPECT_EQ(fake.get<std::uint16_t>(4), 0x407);
  function.disable_bus_master();
  EXPECT_EQ(fake.get<std::uint16_t>(4), 0x403);
}

struct MsiXTest : PciTest {
  void SetUp() override {
    PciTest::SetUp();
    fake.set_memory_bar32(1, 0, 0x1000);
    fake.set_memory_bar64(2, reinterpret_cast<std::uintptr_t>(table.get()), 0x10000);
    fake.add_capability(0x98, 0x11, {2, 0, 2, 8, 0, 0});  // 3 entries at offset 0x800 of BAR 2
  }
  std::uint32_t word(std::size_t index) const {
    std::uint32_t value;
    std::memcpy(&value, table.get() + 0x800 + 4 * index, 4);
    return value;
  }
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> table{static_cast<std::byte*>(std::aligned_alloc(0x10000, 0x10000))};
};

TEST_F(MsiXTest, EntriesAreWrittenMasked) {
  std::memset(table.get(), 0, 0x10000);
  auto msix = MsiX::enable(function, function.bars(), mapper);
  ASSERT_TRUE(msix);
  EXPECT_EQ(msix->size(), 3);
  EXPECT_EQ(fake.get<std::uint16_t>(0x9a), 0xc002) << "enabled, function masked";
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(word(4 * i + 3), 1u);
  msix->set(1, {.address = 0x1'fee01000, .data = 0x41});
  EXPECT_EQ(word(4), 0xfee01000u);
  EXPECT_EQ(word(5), 1u);
  EXPECT_EQ(word(6), 0x41u);
  EXPECT_EQ(word(7), 0u);
  EXPECT_EQ(word(3), 1u);
  msix->unmask_function();
  EXPECT_EQ(fake.get<std::uint16_t>(0x9a), 0x8002);
  msix->mask_function();
  EXPECT_EQ(fake.get<std::uint16_t>(0x9a), 0xc002);
}

TEST_F(MsiXTest, TableBeyondItsBarIsAnError) {
  fake.set<std::uint16_t>(0x9a, 0x7ff);  // 2048 entries of 16 bytes from 0xf800 on
  fake.set<std::uint32_t>(0x9c, 0xf802);
  EXPECT_EQ(MsiX::enable(function, function.bars(), mapper).error(), Error::Malformed);
  fake.set<std::uint32_t>(0x9c, 0x807);
  EXPECT_EQ(MsiX::enable(function, function.bars(), mapper).error(), Error::NotFound) << "no such BAR";
  fake.bytes[0x34] = 0;
  EXPECT_EQ(MsiX::enable(function, function.bars(), mapper).error(), Error::NotFound) << "no such capability";
}

TEST(MemoryConfigSpace, FindsFunctionsAtTheirPlaces) {
  std::vector<std::uint32_t> memory((2 << 20) / 4);
  FakeMapper mapper;
  MemoryConfigSpace space;
  const base::PhysAddr bus_zero(reinterpret_cast<std::uintptr_t>(memory.data()) - (4 << 20));
  ASSERT_TRUE(space.add(mapper, bus_zero, {2, 4, 5}));
  memory[((1 << 20) + (3 << 15) + (2 << 12) + 0x100) / 4] = 0x12345678;
  const Address address{2, 5, 3, 2};
  EXPECT_EQ(space.read32(address, 0x100), 0x12345678u);
  EXPECT_EQ(space.read16(address, 0x102), 0x1234u);
  EXPECT_EQ(space.read8(address, 0x101), 0x56u);
  space.write16(address, 0x100, 0xabcd);
  EXPECT_EQ(space.read32(address, 0x100), 0x1234abcdu);
  space.write8(address, 0x103, 0);
  space.write32(address, 0x104, 7);
  EXPECT_EQ(space.read32(address, 0x100), 0x34abcdu);
  EXPECT_EQ(space.read32({2, 6, 3, 2}, 0), 0xffffffffu);
  EXPECT_EQ(space.read8({0, 4, 0, 0}, 0), 0xff) << "another segment";
  EXPECT_EQ(space.add(mapper, bus_zero, {2, 5, 4}).error(), Error::Malformed);
}

// What a chipset does with the two ports.
struct FakePorts final : Ports {
  std::uint8_t in8(std::uint16_t port) override { return static_cast<std::uint8_t>(in(port)); }
  std::uint16_t in16(std::uint16_t port) override { return static_cast<std::uint16_t>(in(port)); }
  std::uint32_t in32(std::uint16_t port) override { return in(port); }
  void out8(std::uint16_t port, std::uint8_t value) override { out(port, value); }
  void out16(std::uint16_t port, std::uint16_t value) override { out(port, value); }
  void out32(std::uint16_t port, std::uint32_t value) override { out(port, value); }
  std::uint32_t in(std::uint16_t port) { return registers[address] >> (8 * (port - 0xcfc)); }
  void out(std::uint16_t port, std::uint32_t value) {
    if (port == 0xcf8) {
      address = value;
    } else {
      writes.emplace_back(address, port, value);
    }
  }
  std::uint32_t address = 0;
  std::map<std::uint32_t, std::uint32_t> registers;
  std::vector<std::tuple<std::uint32_t, std::uint16_t, std::uint32_t>> writes;
};

TEST(PortConfigSpace, AddressesAndDataGoToTheirPorts) {
  FakePorts ports;
  PortConfigSpace space(ports);
  ports.registers[0x80051a10] = 0x12345678;
  const Address address{0, 5, 3, 2};
  EXPECT_EQ(space.read32(address, 0x10), 0x12345678u);
  EXPECT_EQ(space.read16(address, 0x12), 0x1234u);
  EXPECT_EQ(space.read8(address, 0x11), 0x56u);
  space.write16(address, 0x12, 7);
  ASSERT_EQ(ports.writes.size(), 1u);
  EXPECT_EQ(ports.writes[0], std::make_tuple(0x80051a10u, std::uint16_t{0xcfe}, 7u));
  EXPECT_EQ(space.read32(address, 0x100), 0xffffffffu) << "out of the mechanism's reach";
  EXPECT_EQ(space.read8({1, 5, 3, 2}, 0x10), 0xffu);
}

}  // namespace
}  // namespace pci
