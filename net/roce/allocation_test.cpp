// SPDX-License-Identifier: Apache-2.0
// Once queues, regions and connections exist, packets cost no allocation, and what is sent lies where the user put it:
// two engines on a wire that allocates nothing itself, with the sanitizer counting.
#include <gtest/gtest.h>

#include <array>

#include "net/roce/limits.h"
#include "net/roce/testing/endpoint.h"

// Of the sanitizer's runtime library, whose header GCC's packages lack.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, std::size_t),
                                                         void (*freed)(const volatile void*));

namespace {

using namespace roce;
using namespace roce::testing;
using verbs::Opcode;

std::size_t allocations = 0;
void allocated(const volatile void*, std::size_t) { ++allocations; }
void freed(const volatile void*) {}

// Frames in fixed places between two engines; they are copied there, as a NIC's DMA would.
class Wire final : public FrameSink {
 public:
  Result<> transmit(std::span<const Segment> segments, TransmitToken token) override {
    Frame& frame = frames_[head_++ % frames_.size()];
    if (head_ - tail_ > frames_.size()) ++overrun;
    frame.size = 0;
    for (const Segment& segment : segments) {
      std::memcpy(frame.bytes.data() + frame.size, segment.data(), segment.size());
      frame.size += segment.size();
      const auto at = reinterpret_cast<std::uintptr_t>(segment.data());
      if (at >= memory_begin && at < memory_end) borrowed += segment.size();
    }
    sender->transmit_done(token);
    return {};
  }
  void quiesce() override {}
  bool deliver(Engine& to) {
    if (tail_ == head_) return false;
    Frame& frame = frames_[tail_++ % frames_.size()];
    to.receive(std::span(frame.bytes).first(frame.size), tail_ == head_ ? More::No : More::Yes);
    return true;
  }

  Engine* sender = nullptr;
  std::uintptr_t memory_begin = 0;
  std::uintptr_t memory_end = 0;
  std::size_t borrowed = 0;  // bytes of frames that lay in the user's memory
  std::size_t overrun = 0;

 private:
  struct Frame {
    std::array<std::byte, 4300> bytes;
    std::size_t size = 0;
  };
  std::array<Frame, 512> frames_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

struct Machine {
  Machine(std::uint32_t number, const base::Clock& clock) {
    engine = std::move(Engine::create(default_config(number), clock, wire).value());
    wire.sender = engine.get();
    auto& device = engine->device();
    domain = std::move(device.allocate_protection_domain().value());
    completions = std::move(device.create_completion_queue(256).value());
    wire.memory_begin = reinterpret_cast<std::uintptr_t>(memory.data());
    wire.memory_end = wire.memory_begin + memory.size();
    region = std::move(domain->register_memory(wire.memory_begin, memory.size(), every_access).value());
    verbs::QpInitAttributes attributes;
    attributes.send_cq = attributes.recv_cq = completions.get();
    queue_pair = std::move(device.create_queue_pair(*domain, attributes).value());
  }
  verbs::Sge sge(std::size_t bytes) const {
    return {wire.memory_begin, static_cast<std::uint32_t>(bytes), region->lkey()};
  }
  std::size_t poll() {
    std::array<verbs::WorkCompletion, 16> batch;
    std::size_t good = 0;
    while (const std::size_t count = completions->poll(batch)) {
      for (std::size_t i = 0; i < count; ++i) good += batch[i].status == verbs::CompletionStatus::Success ? 1 : 0;
    }
    return good;
  }
  Wire wire;
  std::vector<std::byte> memory = std::vector<std::byte>(65536, std::byte{7});
  base::Own<Engine> engine;
  base::Own<verbs::ProtectionDomain> domain;
  base::Own<verbs::CompletionQueue> completions;
  base::Own<verbs::MemoryRegion> region;
  base::Own<verbs::QueuePair> queue_pair;
};

struct Allocation : ::testing::Test {
  Allocation() {
    for (auto [one, other] : {std::pair(a.get(), b.get()), std::pair(b.get(), a.get())}) {
      verbs::QpAttributes attributes;
      attributes.access = every_access;
      attributes.adaptive_timeout = true;
      attributes.destination = other->engine->device().gid();
      attributes.destination_qpn = other->queue_pair->qp_num();
      for (const auto state : {verbs::QpState::Init, verbs::QpState::ReadyToReceive, verbs::QpState::ReadyToSend}) {
        attributes.state = state;
        EXPECT_TRUE(one->queue_pair->modify(attributes));
      }
    }
    settle();
  }
  void settle() {
    while (a->wire.deliver(*b->engine) || b->wire.deliver(*a->engine)) {
    }
    clock.set(clock.now_ns() + 50'000);
    a->engine->advance();
    b->engine->advance();
  }
  // One operation from a to b; whether it completed.
  bool perform(Opcode opcode, std::size_t bytes) {
    const verbs::Sge target[] = {b->sge(65536)};
    const bool receives = opcode == Opcode::Send || opcode == Opcode::RdmaWriteWithImmediate;
    if (receives && !b->queue_pair->post_receive({1, target})) return false;
    const verbs::Sge source[] = {a->sge(bytes)};
    verbs::SendWorkRequest request;
    request.opcode = opcode;
    request.sg_list = source;
    request.remote_address = b->wire.memory_begin;
    request.rkey = b->region->rkey();
    if (!a->queue_pair->post_send(request)) return false;
    std::size_t sent = 0;
    std::size_t received = 0;
    for (int i = 0; i < 100 && (sent == 0 || (receives && received == 0)); ++i) {
      settle();
      sent += a->poll();
      received += b->poll();
    }
    return sent == 1 && received == (receives ? 1u : 0u);
  }

  VirtualClock clock;
  std::unique_ptr<Machine> a = std::make_unique<Machine>(1, clock);
  std::unique_ptr<Machine> b = std::make_unique<Machine>(2, clock);
};

TEST_F(Allocation, PacketsCostNone) {
  static const bool installed = __sanitizer_install_malloc_and_free_hooks(allocated, freed) > 0;
  ASSERT_TRUE(installed);
  std::size_t before = allocations;
  auto counted = std::make_unique<int>(1);
  ASSERT_EQ(allocations, before + 1) << "the hook counts";
  before = allocations;
  std::size_t done = 0;
  for (int round = 0; round < 50; ++round) {
    for (const Opcode opcode : {Opcode::Send, Opcode::RdmaWrite, Opcode::RdmaWriteWithImmediate, Opcode::RdmaRead}) {
      for (const std::size_t bytes : {0u, 64u, 4096u, 20000u}) done += perform(opcode, bytes) ? 1 : 0;
    }
    done += perform(Opcode::FetchAndAdd, 8) ? 1 : 0;
    done += perform(Opcode::CompareAndSwap, 8) ? 1 : 0;
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(done, 50u * 18);
  EXPECT_EQ(a->wire.overrun + b->wire.overrun, 0u);
}

TEST_F(Allocation, WhatIsSentIsNotCopied) {
  ASSERT_TRUE(perform(Opcode::Send, 20000));
  EXPECT_EQ(a->wire.borrowed, 20000u);
  ASSERT_TRUE(perform(Opcode::RdmaWrite, 4096));
  EXPECT_EQ(a->wire.borrowed, 24096u);
  EXPECT_EQ(b->wire.borrowed, 0u);
  ASSERT_TRUE(perform(Opcode::RdmaRead, 12345));
  EXPECT_EQ(b->wire.borrowed, 12345u);
}

}  // namespace
