// SPDX-License-Identifier: Apache-2.0
// Tables built as firmware builds them, whole and damaged.
#include "kernel/acpi/tables.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace acpi {
namespace {

using base::PhysAddr;

class Firmware : public MemoryMapper {
 public:
  base::Result<std::span<const std::byte>> map(PhysAddr address, std::uint64_t bytes) override {
    if (address.value() > memory.size() || bytes > memory.size() - address.value())
      return base::fail(base::Error::BadAddress);
    return std::span<const std::byte>(memory.data() + address.value(), bytes);
  }
  // `body` follows the 36 bytes of the header.
  PhysAddr add(const char* signature, const std::string& body) {
    const std::size_t at = memory.size();
    const std::size_t length = 36 + body.size();
    memory.resize(at + length);
    std::memcpy(&memory[at], signature, 4);
    const auto length32 = static_cast<std::uint32_t>(length);
    std::memcpy(&memory[at + 4], &length32, 4);
    std::memcpy(memory.data() + at + 36, body.data(), body.size());
    unsigned sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum += static_cast<unsigned>(memory[at + i]);
    memory[at + 9] = static_cast<std::byte>(0u - sum);
    return PhysAddr(at);
  }
  std::vector<std::byte> memory = std::vector<std::byte>(64);
};

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}
std::string local_apic(unsigned id, unsigned flags) {
  return number(0, 1) + number(8, 1) + number(id, 1) + number(id, 1) + number(flags, 4);
}
std::string local_x2apic(unsigned id, unsigned flags) {
  return number(9, 1) + number(16, 1) + number(0, 2) + number(id, 4) + number(flags, 4) + number(0, 4);
}

class AcpiTest : public testing::Test {
 protected:
  AcpiTest() {
    const std::string io_apic = number(1, 1) + number(12, 1) + std::string(10, '\0');
    madt_ = firmware_.add("APIC", number(0xfee00000, 4) + number(1, 4) + local_apic(0, 1) + io_apic + local_apic(1, 1) +
                                      local_apic(2, 0) + local_apic(3, 2) + local_x2apic(300, 1) + local_x2apic(1, 1));
    mcfg_ = firmware_.add("MCFG", number(0, 8) + number(0xb0000000, 8) + number(0, 2) + number(0, 1) + number(255, 1) +
                                      number(0, 4) + number(0x400000000, 8) + number(1, 2) + number(16, 1) +
                                      number(31, 1) + number(0, 4));
    hpet_ = firmware_.add("HPET", number(0, 4) + number(0, 1) + number(64, 1) + number(0, 2) + number(0xfed00000, 8));
    fadt_ = firmware_.add("FACP", std::string(40, '\0') + number(0x608, 4) + std::string(32, '\0') + number(0x500, 4));
    xsdt_ = firmware_.add("XSDT", number(madt_.value(), 8) + number(mcfg_.value(), 8) + number(hpet_.value(), 8) +
                                      number(fadt_.value(), 8));
    rsdt_ = firmware_.add("RSDT", number(fadt_.value(), 4) + number(madt_.value(), 4));
  }
  Firmware firmware_;
  PhysAddr madt_, mcfg_, hpet_, fadt_, xsdt_, rsdt_;
};

TEST_F(AcpiTest, ReadsWhatWeNeed) {
  const Tables tables = Tables::load(firmware_, xsdt_, true).value();
  EXPECT_EQ(tables.count(), 4u);
  EXPECT_EQ(tables.damaged(), 0u);
  const Processors processors = read_processors(tables);
  ASSERT_EQ(processors.count, 3u);
  EXPECT_EQ(processors.apic_ids[0], 0u);
  EXPECT_EQ(processors.apic_ids[1], 1u);
  EXPECT_EQ(processors.apic_ids[2], 300u);
  EXPECT_EQ(processors.not_enabled, 2u);
  const auto second = read_configuration_space(tables, 1);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->address, PhysAddr(0x400000000));
  EXPECT_EQ(second->segment, 1);
  EXPECT_EQ(second->first_bus, 16);
  EXPECT_EQ(second->last_bus, 31);
  EXPECT_FALSE(read_configuration_space(tables, 2));
  EXPECT_EQ(read_hpet_address(tables), PhysAddr(0xfed00000));
  const auto timer = read_pm_timer(tables);
  ASSERT_TRUE(timer);
  EXPECT_EQ(timer->port, 0x608);
  EXPECT_EQ(timer->bits, 32u);
}

TEST_F(AcpiTest, OldRootTableAndMissingTables) {
  const Tables tables = Tables::load(firmware_, rsdt_, false).value();
  EXPECT_EQ(tables.count(), 2u);
  EXPECT_EQ(read_processors(tables).count, 3u);
  EXPECT_FALSE(read_configuration_space(tables, 0));
  EXPECT_FALSE(read_hpet_address(tables));
  EXPECT_FALSE(tables.find("APIC", 1));
  EXPECT_EQ(read_processors(Tables()).count, 0u);
  EXPECT_FALSE(read_pm_timer(Tables()));
}

TEST_F(AcpiTest, DamagedTablesAreLeftOut) {
  firmware_.memory[madt_.value() + 40] ^= std::byte{1};
  const Tables tables = Tables::load(firmware_, xsdt_, true).value();
  EXPECT_EQ(tables.damaged(), 1u);
  EXPECT_FALSE(tables.find("APIC"));
  firmware_.memory[xsdt_.value() + 40] ^= std::byte{1};
  EXPECT_EQ(Tables::load(firmware_, xsdt_, true).error(), base::Error::Malformed);
  EXPECT_FALSE(Tables::load(firmware_, PhysAddr(1 << 30), true));
}

// Any byte of a table changed, its checksum made right again: read or left out, never beyond its end.
TEST_F(AcpiTest, OddTablesDoNotCrash) {
  for (const PhysAddr table : {madt_, mcfg_, hpet_, fadt_, xsdt_}) {
    const std::vector<std::byte> good = firmware_.memory;
    for (std::size_t i = 4; i < 130; ++i) {
      for (unsigned value : {0u, 1u, 2u, 0x7fu, 0xffu}) {
        firmware_.memory = good;
        std::byte& byte = firmware_.memory[table.value() + i];
        if (i == 9 || table.value() + i >= good.size()) continue;
        const unsigned difference = value - static_cast<unsigned>(byte);
        byte = static_cast<std::byte>(value);
        std::byte& checksum = firmware_.memory[table.value() + 9];
        checksum = static_cast<std::byte>(static_cast<unsigned>(checksum) - difference);
        const auto tables = Tables::load(firmware_, xsdt_, true);
        if (!tables) continue;
        EXPECT_LE(read_processors(*tables).count, 6u);
        (void)read_configuration_space(*tables, 0);
        (void)read_hpet_address(*tables);
        (void)read_pm_timer(*tables);
      }
    }
    firmware_.memory = good;
  }
}

}  // namespace
}  // namespace acpi
