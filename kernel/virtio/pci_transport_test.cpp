// SPDX-License-Identifier: Apache-2.0
// Finding a device's structures in configuration space, damaged ones included. Registers are plain memory here: what is
// written reads back.
#include "kernel/virtio/pci_transport.h"

#include <gtest/gtest.h>

#include "kernel/pci/fake_config.h"
#include "kernel/virtio/fake_device.h"

namespace virtio {
namespace {

using base::Error;

struct FakeInterrupts : pci::Interrupts {
  base::Result<pci::Message> connect(device::InterruptHandler& handler) override {
    if (left-- == 0) return base::fail(Error::Exhausted);
    connected.push_back(&handler);
    return pci::Message{0xfee00000, static_cast<std::uint32_t>(0x40 + connected.size())};
  }
  void disconnect(device::InterruptHandler& handler) override { std::erase(connected, &handler); }
  std::vector<device::InterruptHandler*> connected;
  unsigned left = 2;
};

struct Nothing : device::InterruptHandler {
  void interrupt() override {}
};

// Layout of the one BAR: common at 0, device at 0x1000, notify at 0x2000, MSI-X table at 0x3000.
class PciTransportTest : public testing::Test {
 protected:
  void SetUp() override {
    std::memset(bar.get(), 0, bar_bytes);
    fake.set_identity(0x1af4, 0x1041);
    fake.set_memory_bar64(4, reinterpret_cast<std::uintptr_t>(bar.get()), bar_bytes);
    fake.add_capability(0x40, 0x11, {1, 0, 4, 0x30, 0, 0});  // 2 entries
    add_structure(0x50, Structure::Device, 0x1000, 64);
    add_structure(0x70, Structure::Notify, 0x2000, 0x100);
    add_structure(0x90, Structure::Common, 0, 0x100);
    fake.set<std::uint32_t>(0x70 + 16, 4);
  }
  void add_structure(std::uint8_t at, Structure structure, std::uint32_t offset, std::uint32_t bytes,
                     std::uint8_t bar_index = 4) {
    fake.add_capability(at, 9, {20, static_cast<std::uint8_t>(structure), bar_index});
    fake.set<std::uint32_t>(at + 8u, offset);
    fake.set<std::uint32_t>(at + 12u, bytes);
  }
  base::Result<base::Own<PciTransport>> create() { return PciTransport::create(function, mapper, interrupts); }
  template <typename T>
  T reg(std::size_t offset) {
    T value;
    std::memcpy(&value, bar.get() + offset, sizeof value);
    return value;
  }
  template <typename T>
  void set_reg(std::size_t offset, T value) {
    std::memcpy(bar.get() + offset, &value, sizeof value);
  }

  static constexpr std::size_t bar_bytes = 0x4000;
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> bar{static_cast<std::byte*>(std::aligned_alloc(bar_bytes, bar_bytes))};
  pci::FakeConfigSpace space;
  pci::FakeMapper mapper;
  FakeInterrupts interrupts;
  Nothing queues, config;
  const pci::Address here{0, 0, 2, 0};
  pci::FakeConfigSpace::FakeFunction& fake = space.functions[here];
  pci::Function function{space, here};
};

TEST_F(PciTransportTest, KnowsItsDevices) {
  EXPECT_EQ(pci_device_type(function), DeviceType::Network);
  fake.set_identity(0x1af4, 0x1042);
  EXPECT_EQ(pci_device_type(function), DeviceType::Block);
  fake.set_identity(0x1af4, 0x1000);
  fake.set<std::uint16_t>(0x2e, 1);
  EXPECT_EQ(pci_device_type(function), DeviceType::Network) << "transitional";
  fake.set<std::uint16_t>(0x2e, 3);
  EXPECT_EQ(pci_device_type(function), DeviceType::None);
  fake.set_identity(0x8086, 0x1041);
  EXPECT_EQ(pci_device_type(function), DeviceType::None);
}

TEST_F(PciTransportTest, RegistersAreWhereTheCapabilitiesSay) {
  auto transport = create();
  ASSERT_TRUE(transport) << base::error_name(transport.error());
  EXPECT_EQ(fake.get<std::uint16_t>(4), 0x406);
  (*transport)->set_status(3);
  EXPECT_EQ(reg<std::uint8_t>(20), 3);
  set_reg<std::uint16_t>(18, 2);
  EXPECT_EQ((*transport)->queue_count(), 2);
  (*transport)->set_driver_features(0x1'0000'0020);
  EXPECT_EQ(reg<std::uint32_t>(12), 1u);
  set_reg<std::uint64_t>(0x1000, 0x1122334455667788);
  EXPECT_EQ(*read_config_field<std::uint64_t>(**transport, 0), 0x1122334455667788u);
  EXPECT_EQ(*read_config_field<std::uint16_t>(**transport, 2), 0x5566u);
  EXPECT_EQ((*read_config_field<std::array<std::uint8_t, 3>>(**transport, 1)),
            (std::array<std::uint8_t, 3>{0x77, 0x66, 0x55}));
  EXPECT_EQ(read_config_field<std::uint64_t>(**transport, 60).error(), Error::OutOfRange);
  (*transport)->cut_off();
  EXPECT_EQ(fake.get<std::uint16_t>(4), 0x402);
}

TEST_F(PciTransportTest, QueueAndVectorsAreSet) {
  FakeMemory memory;
  auto queue = SplitQueue::create(memory, {.size = 8});
  {
    auto transport = create();
    ASSERT_TRUE(transport);
    ASSERT_TRUE((*transport)->connect_interrupts(queues, config));
    EXPECT_EQ(reg<std::uint16_t>(16), 1);
    EXPECT_EQ(reg<std::uint32_t>(0x3000 + 8), 0x41u);
    EXPECT_EQ(reg<std::uint32_t>(0x3010 + 8), 0x42u);
    set_reg<std::uint16_t>(30, 5);
    ASSERT_TRUE((*transport)->enable_queue(1, **queue));
    EXPECT_EQ(reg<std::uint16_t>(22), 1);
    EXPECT_EQ(reg<std::uint16_t>(24), 8);
    EXPECT_EQ(reg<std::uint16_t>(26), 0);
    EXPECT_EQ(reg<std::uint64_t>(32), (*queue)->descriptor_address().value());
    EXPECT_EQ(reg<std::uint64_t>(40), (*queue)->avail_address().value());
    EXPECT_EQ(reg<std::uint64_t>(48), (*queue)->used_address().value());
    EXPECT_EQ(reg<std::uint16_t>(28), 1);
    (*transport)->notify(1);
    EXPECT_EQ(reg<std::uint16_t>(0x2000 + 20), 1);
    EXPECT_EQ((*transport)->enable_queue(4, **queue).error(), Error::InvalidArgument);
    set_reg<std::uint16_t>(30, 64);
    EXPECT_EQ((*transport)->enable_queue(1, **queue).error(), Error::Malformed) << "its notification lies outside";
    EXPECT_EQ(interrupts.connected.size(), 2u);
  }
  EXPECT_TRUE(interrupts.connected.empty());
  EXPECT_EQ(fake.get<std::uint16_t>(0x42) & 0x4000, 0x4000) << "masked for good";
}

TEST_F(PciTransportTest, OneMsixEntryIsEnough) {
  fake.set<std::uint16_t>(0x42, 0);
  auto transport = create();
  ASSERT_TRUE(transport);
  EXPECT_TRUE((*transport)->connect_interrupts(queues, config));
  EXPECT_EQ(interrupts.connected.size(), 1u);
}

TEST_F(PciTransportTest, NoVectorLeft) {
  auto transport = create();
  ASSERT_TRUE(transport);
  interrupts.left = 1;
  EXPECT_EQ((*transport)->connect_interrupts(queues, config).error(), Error::Exhausted);
}

TEST_F(PciTransportTest, UnusableAlternativesArePassedOver) {
  fake.set<std::uint32_t>(0x10, 0xc041);
  fake.bar_bytes[0] = 0x40;
  add_structure(0xb0, Structure::Common, 0, 0x40, 0);  // ports, named first
  EXPECT_TRUE(create());
}

TEST_F(PciTransportTest, DamagedCapabilitiesAreErrors) {
  fake.set<std::uint32_t>(0x90 + 8, 0x3fff'fffc);
  EXPECT_EQ(create().error(), Error::Malformed) << "beyond the BAR";
  fake.set<std::uint32_t>(0x90 + 8, 2);
  EXPECT_EQ(create().error(), Error::Malformed) << "not aligned";
  fake.set<std::uint32_t>(0x90 + 8, 0);
  fake.set<std::uint32_t>(0x90 + 12, 0x10);
  EXPECT_EQ(create().error(), Error::Malformed) << "shorter than its registers";
  fake.set<std::uint32_t>(0x90 + 12, 0x100);
  fake.bytes[0x72] = 16;
  EXPECT_EQ(create().error(), Error::Malformed) << "no room for the multiplier";
  fake.bytes[0x72] = 20;
  EXPECT_TRUE(create());
  fake.bytes[0x93] = 99;
  EXPECT_EQ(create().error(), Error::NotSupported) << "no common structure: not a modern device";
}

TEST_F(PciTransportTest, DeviceWithoutMsixIsNotSupported) {
  fake.bytes[0x40] = 1;
  EXPECT_EQ(create().error(), Error::NotSupported);
}

}  // namespace
}  // namespace virtio
