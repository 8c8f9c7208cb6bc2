// SPDX-License-Identifier: Apache-2.0
// The port between a fake device and a fake engine: who holds which frame, who is told what and when.
#include "net/port/ethernet_port.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <vector>

#include "net/roce/limits.h"

namespace port {
namespace {

using base::Error;
using Bytes = std::vector<std::byte>;

struct FakeDevice final : netdev::NetDevice {
  netdev::MacAddress mac() const override { return {}; }
  std::uint32_t mtu() const override { return 4200; }
  Result<> transmit(std::span<const netdev::Segment> segments, netdev::TransmitDone* done) override {
    if (answer != Error::None) return base::fail(answer);
    std::size_t borrowed = 0;
    for (const auto& segment : segments) borrowed += segment.storage == netdev::Segment::Storage::Borrowed;
    borrowed_pieces.push_back(borrowed);
    if (done != nullptr) held.push_back(done);
    return {};
  }
  std::uint32_t poll(std::uint32_t) override {
    if (on_poll) on_poll();
    return std::exchange(events, 0);
  }
  bool arm() override { return armable; }
  void disarm() override {}
  void set_interrupt_handler(device::InterruptHandler&) override {}
  void set_receiver(netdev::Receiver& to) override { receiver = &to; }
  void set_transmit_space(netdev::TransmitSpace& to) override { space = &to; }
  void set_prompt_completions(bool) override {}
  void drain() override { ++drains; }
  netdev::Counters counters() const override { return {.tx_packets = 5, .rx_bytes = 7}; }

  void finish_all() {
    for (auto* done : std::exchange(held, {})) done->transmitted();
  }
  Error answer = Error::None;
  std::vector<std::size_t> borrowed_pieces;
  std::vector<netdev::TransmitDone*> held;
  std::function<void()> on_poll;
  std::uint32_t events = 0;
  bool armable = true;
  unsigned drains = 0;
  netdev::Receiver* receiver = nullptr;
  netdev::TransmitSpace* space = nullptr;
};

struct FakeEngine final : roce::Engine {
  verbs::Device& device() override { std::abort(); }
  verbs::ConnectionManager& connections() override { std::abort(); }
  void receive(std::span<const std::byte> frame, roce::More more) override {
    received.emplace_back(frame.begin(), frame.end());
    followed.push_back(more == roce::More::Yes);
  }
  void transmit_done(roce::TransmitToken token) override { ++done[token]; }
  void space_available() override { ++spaces; }
  std::uint64_t next_deadline_ns() const override { return deadline_ns; }
  void advance() override { ++advances; }
  const roce::Counters& counters() const override { return counted; }

  std::vector<Bytes> received;
  std::vector<bool> followed;
  std::map<roce::TransmitToken, unsigned> done;
  unsigned spaces = 0, advances = 0;
  std::uint64_t deadline_ns = base::never_ns;
  roce::Counters counted;
};

struct FakeClock final : base::Clock {
  std::uint64_t now_ns() const override { return now; }
  std::uint64_t now = 1000;
};

struct FakeAlarm final : Alarm {
  void wanted_at(std::uint64_t deadline_ns) override { times.push_back(deadline_ns); }
  std::vector<std::uint64_t> times;
};

class EthernetPortTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = EthernetPort::create(device, clock, 4);
    ASSERT_TRUE(made);
    port = std::move(*made);
    auto own = base::make<FakeEngine>();
    engine = own.get();
    port->attach(std::move(own));
    port->set_alarm(alarm);
    port->poll();
  }
  Result<> send(roce::TransmitToken token, std::size_t payload_bytes) {
    const roce::Segment pieces[] = {std::span(head), std::span(page).first(payload_bytes), std::span(trailer)};
    base::SpinGuard guard(port->lock());
    return port->transmit(pieces, token);
  }

  Bytes head = Bytes(66), page = Bytes(4096), trailer = Bytes(4);
  FakeDevice device;
  FakeClock clock;
  FakeAlarm alarm;
  FakeEngine* engine = nullptr;
  base::Own<EthernetPort> port;
};

TEST_F(EthernetPortTest, PagesAreBorrowedUntilTheDeviceIsThrough) {
  ASSERT_TRUE(send(7, 4096));
  EXPECT_EQ(device.borrowed_pieces, std::vector<std::size_t>{1}) << "the page; header and trailer are copied";
  EXPECT_EQ(engine->done.count(7), 0u);
  device.finish_all();
  EXPECT_EQ(engine->done[7], 1u);
}

TEST_F(EthernetPortTest, CountsPayloadThatItCopies) {
  std::map<std::string_view, std::uint64_t> counters;
  const auto count = [&] {
    port->for_each_counter([&](std::string_view name, std::uint64_t value) { counters[name] = value; });
  };
  for (roce::TransmitToken token = 0; token < 4; ++token) ASSERT_TRUE(send(token, 4096));
  count();
  EXPECT_EQ(counters.at("net.tx_payload_copied"), 0u);
  EXPECT_EQ(counters.at("net.tx_payload_in_place"), 4 * 4096u);
  ASSERT_TRUE(send(4, 100));
  device.answer = Error::Again;
  EXPECT_FALSE(send(5, 4096));
  count();
  EXPECT_EQ(counters.at("net.tx_payload_copied"), 100u);
  EXPECT_EQ(counters.at("net.tx_payload_in_place"), 4 * 4096u) << "what was not sent does not count";
}

TEST_F(EthernetPortTest, SmallFramesAreDoneAtOnce) {
  ASSERT_TRUE(send(3, 100));
  EXPECT_EQ(device.borrowed_pieces, std::vector<std::size_t>{0});
  EXPECT_TRUE(device.held.empty());
  EXPECT_EQ(engine->done[3], 1u);
}

TEST_F(EthernetPortTest, WhatIsTooMuchToCopyIsBorrowed) {
  const Bytes piece(100);
  std::vector<roce::Segment> pieces(4, std::span(piece));
  base::SpinGuard guard(port->lock());
  ASSERT_TRUE(port->transmit(pieces, 1));
  EXPECT_EQ(device.borrowed_pieces, std::vector<std::size_t>{2});
  pieces.resize(roce::max_segments + 1);
  EXPECT_EQ(port->transmit(pieces, 1).error(), Error::TooBig);
}

TEST_F(EthernetPortTest, RefusalsLeaveTheTokenWithTheEngine) {
  for (const Error answer : {Error::Again, Error::NoDevice}) {
    device.answer = answer;
    EXPECT_EQ(send(1, 4096).error(), answer);
    EXPECT_EQ(send(2, 10).error(), answer);
  }
  EXPECT_TRUE(engine->done.empty());
  device.space->transmit_space_available();
  EXPECT_EQ(engine->spaces, 1u);
}

TEST_F(EthernetPortTest, QuiesceGivesEveryTokenBackOnce) {
  ASSERT_TRUE(send(1, 4096));
  ASSERT_TRUE(send(2, 4096));
  const auto held = device.held;
  {
    base::SpinGuard guard(port->lock());
    port->quiesce();
  }
  EXPECT_EQ(device.drains, 1u);
  EXPECT_EQ(engine->done, (std::map<roce::TransmitToken, unsigned>{{1, 1}, {2, 1}}));
  ASSERT_TRUE(send(1, 4096)) << "the engine may use its slot again before the device's word on the old frame comes";
  for (auto* done : held) done->transmitted();
  EXPECT_EQ(engine->done[1], 1u);
  EXPECT_EQ(engine->done[2], 1u);
  device.held.back()->transmitted();
  EXPECT_EQ(engine->done[1], 2u);
}

TEST_F(EthernetPortTest, RunningOutOfSlotsIsBackPressure) {
  for (roce::TransmitToken token = 0; token < 8; ++token) ASSERT_TRUE(send(token, 4096));
  EXPECT_EQ(send(8, 4096).error(), Error::Again);
  device.finish_all();
  EXPECT_EQ(engine->spaces, 1u);
  EXPECT_TRUE(send(8, 4096));
}

TEST_F(EthernetPortTest, FramesGoToTheEngineInPlace) {
  device.on_poll = [&] {
    device.receiver->frame(head, netdev::More::Yes);
    device.receiver->frame(page, netdev::More::No);
  };
  device.events = 2;
  const unsigned before = engine->advances;
  EXPECT_TRUE(port->poll());
  EXPECT_EQ(engine->received, (std::vector<Bytes>{head, page}));
  EXPECT_EQ(engine->followed, (std::vector<bool>{true, false}));
  EXPECT_EQ(engine->advances, before + 1);
}

TEST_F(EthernetPortTest, TimePassesOnlyWhenItIsDue) {
  const unsigned before = engine->advances;
  EXPECT_FALSE(port->poll());
  EXPECT_EQ(engine->advances, before);
  EXPECT_EQ(port->deadline_ns(), base::never_ns);
  engine->deadline_ns = 50 * base::millisecond_ns;
  ASSERT_TRUE(send(1, 10));
  EXPECT_EQ(port->deadline_ns(), 1000 + roce::limits::adaptive_least_ns);
  EXPECT_EQ(alarm.times, (std::vector<std::uint64_t>{base::never_ns, port->deadline_ns()}));
  ASSERT_TRUE(send(1, 10));
  EXPECT_EQ(alarm.times.size(), 2u) << "it is set already";
  clock.now = port->deadline_ns();
  EXPECT_FALSE(port->poll());
  EXPECT_EQ(engine->advances, before + 1);
  EXPECT_EQ(port->deadline_ns(), 50 * base::millisecond_ns);
}

TEST_F(EthernetPortTest, CountersHaveTheirNames) {
  engine->counted.retransmits = 3;
  std::map<std::string_view, std::uint64_t> counters;
  port->for_each_counter([&](std::string_view name, std::uint64_t value) { counters[name] = value; });
  EXPECT_EQ(counters.at("net.tx_packets"), 5u);
  EXPECT_EQ(counters.at("net.rx_bytes"), 7u);
  EXPECT_EQ(counters.at("net.retransmits"), 3u);
  EXPECT_EQ(counters.at("net.rx_packets"), 0u);
  EXPECT_EQ(counters.at("roce.retransmits"), 3u);
  roce::for_each_counter(engine->counted, [&](std::string_view name, std::uint64_t) {
    EXPECT_TRUE(counters.contains("roce." + std::string(name))) << name;
  });
}

}  // namespace
}  // namespace port
