// SPDX-License-Identifier: Apache-2.0
// Random work in both directions of a connection over a wire that loses, repeats, delays, overtakes and damages frames,
// with sinks that fill up and hold frames, from PSNs that are about to wrap. Everything must complete, once, in order,
// with the right bytes, and nothing may be written beside its place. Each seed is one run; a failing one is replayed
// with --gtest_filter=Chaos.* and LEGO_SEED=n.
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <map>

#include "net/roce/psn.h"
#include "net/roce/testing/endpoint.h"

namespace {

using namespace roce;
using namespace roce::testing;
using verbs::CompletionStatus;
using verbs::Opcode;

constexpr std::size_t slots = 24;              // operations outstanding per side
constexpr std::size_t slot_bytes = 80 * 1024;  // the largest operation
constexpr std::size_t receive_slots = 16;
// The layout of each side's memory: sources (or READ targets) of its own operations, targets of the peer's WRITEs,
// what the peer READs (never changed), receive buffers, a word for atomics.
constexpr std::size_t local_at = 0;
constexpr std::size_t target_at = slots * slot_bytes;
constexpr std::size_t constant_at = 2 * slots * slot_bytes;
constexpr std::size_t receive_at = constant_at + 2 * slot_bytes;
constexpr std::size_t word_at = receive_at + receive_slots * slot_bytes;
constexpr std::size_t memory_bytes = word_at + 64;

struct Operation {
  std::uint64_t id = 0;
  Opcode opcode = Opcode::Send;
  std::size_t slot = 0;
  std::size_t length = 0;
  std::size_t remote_offset = 0;
  std::uint64_t add = 0;
  bool signaled = true;
};

// What the peer must see arrive in its receive queue, in order.
struct Expected {
  std::uint64_t id = 0;
  bool write = false;
  std::vector<std::byte> bytes;
  bool immediate = false;
};

class Side {
 public:
  Side(Node& node, std::uint64_t seed)
      : end(node, memory_bytes, {.max_send_wr = slots, .max_recv_wr = receive_slots}), random_(seed) {
    end.fill(seed);
    std::memset(end.memory.data() + word_at, 0, 64);
    for (std::size_t i = 0; i < slots; ++i) free_.push_back(i);
    for (std::size_t i = 0; i < receive_slots; ++i) free_receives_.push_back(i);
  }

  bool done() const { return issued >= total && outstanding_.empty(); }
  bool all_received() const { return expected.empty(); }

  void act(Side& peer) {
    collect(peer);
    if (random_.below(20) == 0) post_receives();
    while (issued < total && !free_.empty() && random_.below(4) != 0) issue(peer);
  }
  void post_receives() {
    const std::size_t count = random_.below(free_receives_.size() + 1);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t slot = free_receives_.front();
      free_receives_.pop_front();
      ASSERT_TRUE(end.post_receive(slot, receive_at + slot * slot_bytes, slot_bytes));
      posted_receives_.push_back(slot);
    }
  }

  Endpoint end;
  std::deque<Expected> expected;  // by this side, in its receive queue
  std::size_t issued = 0;
  std::size_t total = 60;
  std::size_t most_bytes = slot_bytes;

 private:
  void issue(Side& peer) {
    Operation op;
    op.id = ++issued;
    op.slot = free_.front();
    free_.pop_front();
    constexpr Opcode opcodes[] = {Opcode::Send,          Opcode::SendWithImmediate,      Opcode::RdmaWrite,
                                  Opcode::RdmaRead,      Opcode::RdmaWriteWithImmediate, Opcode::FetchAndAdd,
                                  Opcode::CompareAndSwap};
    op.opcode = opcodes[random_.below(std::size(opcodes))];
    op.length = random_.below(4) == 0 ? random_.below(most_bytes) : random_.below(5000);
    op.signaled = random_.below(4) != 0;
    const std::size_t offset = local_at + op.slot * slot_bytes;
    for (std::size_t i = 0; i < op.length; i += 7) end.memory[offset + i] = static_cast<std::byte>(random_.next());

    verbs::SendWorkRequest request;
    request.wr_id = op.id;
    request.opcode = op.opcode;
    request.signaled = op.signaled;
    request.solicited = random_.below(2) == 0;
    request.immediate = static_cast<std::uint32_t>(op.id);
    request.rkey = peer.end.region->rkey();
    const std::vector<std::byte> bytes(end.memory.begin() + static_cast<std::ptrdiff_t>(offset),
                                       end.memory.begin() + static_cast<std::ptrdiff_t>(offset + op.length));
    switch (op.opcode) {
      case Opcode::Send:
      case Opcode::SendWithImmediate:
        peer.expected.push_back({op.id, false, bytes, op.opcode == Opcode::SendWithImmediate});
        break;
      case Opcode::RdmaWrite:
      case Opcode::RdmaWriteWithImmediate:
        op.remote_offset = target_at + op.slot * slot_bytes;
        if (op.opcode == Opcode::RdmaWriteWithImmediate) peer.expected.push_back({op.id, true, bytes, true});
        break;
      case Opcode::RdmaRead:
        op.remote_offset = constant_at + random_.below(slot_bytes);
        break;
      default:
        op.remote_offset = word_at;
        op.length = 8;
        op.add = random_.below(1000) + 1;
        // Our own atomics are executed in order, so we know the value before each.
        request.compare_or_add = op.opcode == Opcode::FetchAndAdd ? op.add : word_;
        request.swap = word_ + op.add;
        values_.push_back(word_);
        word_ += op.add;
    }
    request.remote_address = peer.end.address(op.remote_offset);
    // In one, two or three pieces.
    const std::size_t cut = op.length == 8 ? 8 : random_.below(op.length + 1);
    const std::size_t cut2 = cut + (op.length == 8 ? 0 : random_.below(op.length - cut + 1));
    const verbs::Sge list[] = {end.sge(offset, cut), end.sge(offset + cut, cut2 - cut),
                               end.sge(offset + cut2, op.length - cut2)};
    request.sg_list = list;
    const auto posted = end.queue_pair->post_send(request);
    ASSERT_TRUE(posted) << base::error_name(posted.error());
    outstanding_.push_back(op);
  }

  void collect(Side& peer) {
    end.poll();
    for (const verbs::WorkCompletion& completion : std::exchange(end.done, {})) {
      ASSERT_EQ(completion.status, CompletionStatus::Success) << "operation " << completion.wr_id;
      if (completion.opcode == verbs::CompletionOpcode::Receive ||
          completion.opcode == verbs::CompletionOpcode::ReceiveRdmaWithImmediate) {
        received(completion);
      } else {
        completed(completion, peer);
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
  }

  void received(const verbs::WorkCompletion& completion) {
    ASSERT_FALSE(expected.empty());
    const Expected want = std::move(expected.front());
    expected.pop_front();
    ASSERT_EQ(completion.wr_id, posted_receives_.front());
    posted_receives_.pop_front();
    const std::size_t slot = completion.wr_id;
    EXPECT_EQ(completion.byte_len, want.bytes.size());
    EXPECT_EQ(completion.has_immediate, want.immediate);
    if (want.immediate) {
      EXPECT_EQ(completion.immediate, want.id);
    }
    const auto expected_opcode =
        want.write ? verbs::CompletionOpcode::ReceiveRdmaWithImmediate : verbs::CompletionOpcode::Receive;
    EXPECT_EQ(completion.opcode, expected_opcode);
    if (!want.write && !want.bytes.empty()) {
      ASSERT_EQ(std::memcmp(end.memory.data() + receive_at + slot * slot_bytes, want.bytes.data(), want.bytes.size()),
                0)
          << "message " << want.id;
    }
    free_receives_.push_back(slot);
  }

  // A completion also stands for the unsignaled operations before it.
  void completed(const verbs::WorkCompletion& completion, Side& peer) {
    while (true) {
      ASSERT_FALSE(outstanding_.empty());
      const Operation op = outstanding_.front();
      outstanding_.pop_front();
      ASSERT_LE(op.id, completion.wr_id);
      check(op, peer);
      if (op.id == completion.wr_id) return;
      ASSERT_FALSE(op.signaled);
    }
  }

  void check(const Operation& op, Side& peer) {
    std::byte* local = end.memory.data() + local_at + op.slot * slot_bytes;
    std::byte* remote = peer.end.memory.data() + op.remote_offset;
    switch (op.opcode) {
      case Opcode::RdmaWrite:
      case Opcode::RdmaWriteWithImmediate:
      case Opcode::RdmaRead:
        ASSERT_EQ(std::memcmp(local, remote, op.length), 0) << "operation " << op.id;
        break;
      case Opcode::FetchAndAdd:
      case Opcode::CompareAndSwap: {
        std::uint64_t original;
        std::memcpy(&original, local, 8);
        ASSERT_EQ(original, values_.front()) << "operation " << op.id;
        values_.pop_front();
        break;
      }
      default:
        break;
    }
    // The memory is the user's again: whatever is sent of it from now on is wrong and would be noticed.
    std::memset(local, 0xdd, slot_bytes);
    free_.push_back(op.slot);
  }

 public:
  std::uint64_t sum() const { return word_; }  // of all that our atomics added to the peer's word
  std::uint64_t word() const {
    std::uint64_t word;
    std::memcpy(&word, end.memory.data() + word_at, 8);
    return word;
  }
  bool can_finish() const { return issued >= total && !free_.empty(); }
  // Unsignaled operations at the very end have no completion to wait for.
  void finish() {
    const verbs::Sge list[] = {end.sge(0, 0)};
    verbs::SendWorkRequest request;
    request.wr_id = ++issued;
    request.opcode = Opcode::RdmaWrite;
    request.sg_list = list;
    ASSERT_TRUE(end.queue_pair->post_send(request));
    Operation op;
    op.id = issued;
    op.slot = free_.front();
    free_.pop_front();
    op.opcode = Opcode::RdmaWrite;
    op.remote_offset = 0;
    outstanding_.push_back(op);
  }

 private:
  base::Random random_;
  std::deque<std::size_t> free_;
  std::deque<std::size_t> free_receives_;
  std::deque<std::size_t> posted_receives_;
  std::deque<Operation> outstanding_;
  std::deque<std::uint64_t> values_;  // what each atomic must return
  std::uint64_t word_ = 0;
};

struct Setting {
  Faults faults;
  SinkBehaviour sink;
  verbs::QpAttributes attributes;
  std::size_t operations = 60;
  std::size_t most_bytes = slot_bytes;
};

Setting random_setting(base::Random& random) {
  Setting setting;
  setting.faults.delay_ns = 5'000 + random.below(50'000);
  if (random.below(2) == 0) setting.faults.jitter_ns = random.below(30'000);
  setting.faults.drop = static_cast<std::uint32_t>(random.below(3) == 0 ? random.below(200'000) : random.below(30'000));
  setting.faults.duplicate = static_cast<std::uint32_t>(random.below(2) == 0 ? 0 : random.below(100'000));
  setting.faults.reorder = static_cast<std::uint32_t>(random.below(2) == 0 ? 0 : random.below(100'000));
  setting.faults.reorder_delay_ns = random.below(500'000);
  setting.faults.corrupt = static_cast<std::uint32_t>(random.below(2) == 0 ? 0 : random.below(20'000));
  setting.sink.capacity = 1 + random.below(random.below(2) == 0 ? 8 : 300);
  setting.sink.hold_ns = random.below(2) == 0 ? 0 : random.below(40'000);
  setting.sink.refuse = static_cast<std::uint32_t>(random.below(2) == 0 ? 0 : random.below(200'000));
  setting.attributes.path_mtu = 256u << random.below(5);
  setting.attributes.adaptive_timeout = random.below(3) != 0;
  setting.attributes.timeout = 12;  // 17 ms
  setting.attributes.min_rnr_timer = static_cast<std::uint8_t>(1 + random.below(12));
  setting.attributes.max_reads = static_cast<std::uint8_t>(1 + random.below(16));
  setting.attributes.max_destination_reads = setting.attributes.max_reads;
  // Seven tries in a row get lost where losses are frequent: that is what the retry counter is for, not this test.
  if (!setting.attributes.adaptive_timeout) setting.faults.drop = std::min(setting.faults.drop, 30'000u);
  return setting;
}

// Adds up over the seeds, so that a run in which nothing went wrong on the wire is noticed.
void run_chaos(std::uint64_t seed, std::map<std::string_view, std::uint64_t>& totals) {
  base::Random random(seed);
  const Setting setting = random_setting(random);
  World world(random.next());
  Node& first = world.add();
  Node& second = world.add();
  Side a(first, random.next());
  Side b(second, random.next());
  // Without loss, so that ARP has no part in it.
  join(a.end, b.end, setting.attributes, psn_mask - static_cast<Psn>(random.below(200)),
       static_cast<Psn>(random.next()) & psn_mask);
  world.faults = setting.faults;
  first.sink = second.sink = setting.sink;
  a.total = b.total = setting.operations;
  const auto everything = [&] { return a.done() && b.done() && a.all_received() && b.all_received(); };
  bool finishing = false;
  for (std::uint64_t steps = 0; !finishing || !everything(); ++steps) {
    ASSERT_LT(steps, 20'000'000u) << "no end";
    if (steps % 8 == 0) {
      a.act(b);
      b.act(a);
      if (::testing::Test::HasFatalFailure()) return;
      if (!finishing && a.can_finish() && b.can_finish()) {
        finishing = true;
        a.finish();
        b.finish();
      }
    }
    if (!world.step()) world.run_for(100'000);
  }
  EXPECT_EQ(a.sum(), b.word());
  EXPECT_EQ(b.sum(), a.word());
  for (const auto& node : world.nodes) {
    for_each_counter(node->counters(), [&](std::string_view name, std::uint64_t value) { totals[name] += value; });
  }
}

TEST(Chaos, EverythingArrivesOnceAndInOrder) {
  std::map<std::string_view, std::uint64_t> totals;
  if (const char* only = std::getenv("LEGO_SEED")) {
    run_chaos(std::strtoull(only, nullptr, 10), totals);
    return;
  }
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    run_chaos(seed, totals);
    if (HasFailure()) {
      std::fprintf(stderr, "failing seed: %llu\n", static_cast<unsigned long long>(seed));
      return;
    }
  }
  for (const auto& [name, value] : totals) {
    if (std::getenv("LEGO_COUNTERS") != nullptr) {
      std::printf("%.*s %llu\n", static_cast<int>(name.size()), name.data(), static_cast<unsigned long long>(value));
    }
  }
  for (const std::string_view name :
       {"tx_full", "rx_bad_icrc", "retransmits", "timeouts", "rewinds", "duplicate_requests", "duplicate_reads",
        "duplicate_atomics", "out_of_sequence", "nak_sequence_sent", "nak_sequence_received", "rnr_nak_sent",
        "rnr_nak_received", "acks_coalesced", "acks_stale", "responses_duplicate", "responses_gap"}) {
    EXPECT_GT(totals[name], 0u) << name << " never happened";
  }
  for (const std::string_view name : {"nak_invalid_request_sent", "nak_access_sent", "nak_operational_sent",
                                      "retries_exceeded", "responses_bad", "responses_unexpected", "cq_overflows"}) {
    EXPECT_EQ(totals[name], 0u) << name;
  }
}

}  // namespace
