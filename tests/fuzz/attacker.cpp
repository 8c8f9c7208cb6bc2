// SPDX-License-Identifier: Apache-2.0
// See attacker.h.
#include "tests/fuzz/attacker.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace fuzz {

namespace {
constexpr std::size_t calls_at_once = 6;
constexpr std::size_t tail_bytes = 8 * base::page_bytes + 8192;
}  // namespace

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

// One request at a time, with memory of its own.
class Attacker::AnyCall final : public rpc::Call {
 public:
  explicit AnyCall(rpc::test::Node& node)
      : bulk(node.allocate(bulk_bytes)), long_tail(node.allocate(tail_bytes)), piece(*node.slabs.local(long_tail)) {}
  Message message;
  std::span<std::byte> bulk;
  std::span<std::byte> long_tail;
  verbs::Sge piece;
  bool busy = false;
  bool done = false;
  base::Error error = base::Error::None;
  rpc::Reply reply;

 private:
  void completed(rpc::Result<rpc::Reply> result) override {
    require(!done, "a call ended twice");
    done = true;
    error = result ? base::Error::None : result.error();
    if (result) reply = std::move(*result);
  }
  void released() override { busy = false; }
};

Attacker::Attacker(rpc::test::World& world, rpc::test::Node& node, rpc::Peer& peer,
                   std::span<const messages::Operation> operations)
    : world_(world), node_(node), peer_(peer), operations_(operations) {
  known_.own_boot_id = node.address().boot_id.value();
  known_.own_ip = node.ip();
  for (std::size_t i = 0; i < calls_at_once; ++i) calls_.push_back(std::make_unique<AnyCall>(node));
}

Attacker::~Attacker() = default;

void Attacker::attack(Choices& choices) {
  AnyCall& call = *calls_[choices.below(calls_.size())];
  if (call.busy) require(world_.run([&] { return !call.busy; }), "a call does not end");
  end(call);
  start(call, choices);
  for (std::uint64_t steps = choices.below(24); steps > 0; --steps) world_.step(world_.now_ns());
  if (choices.one_in(64)) world_.run_for(base::second_ns);
}

void Attacker::start(AnyCall& call, Choices& choices) {
  const auto operation = choices.one_in(48) ? static_cast<messages::Operation>(choices.below(128))
                                            : operations_[choices.below(operations_.size())];
  call.message = make_message(operation, choices, known_);
  call.message.operation = operation;
  if (call.message.body.size() > rpc::max_body_bytes) call.message.body.resize(rpc::max_body_bytes);
  call.done = false;
  call.busy = true;
  call.request = {};
  call.request.operation = operation;
  call.request.body = call.message.body;
  if (call.message.tail.size() <= rpc::max_copied_tail_bytes) {
    call.request.copied_tail = call.message.tail;
  } else {
    const std::size_t bytes = std::min(call.message.tail.size(), call.long_tail.size());
    std::copy_n(call.message.tail.begin(), bytes, call.long_tail.begin());
    call.piece.length = static_cast<std::uint32_t>(bytes);
    call.request.tail = std::span(&call.piece, 1);
  }
  const std::size_t usual = operation == messages::Operation::PageFetch ? base::page_bytes : bulk_bytes;
  const std::size_t room = choices.one_in(8) ? choices.below(bulk_bytes) : usual;
  if (!choices.one_in(16)) call.request.bulk = *node_.slabs.remote(call.bulk.first(room));
  call.request.vnode = base::VNodeId(choices.one_in(16) ? choices.below(4) : 1);
  ++sent_;
  peer_.submit(call);
}

void Attacker::end(AnyCall& call) {
  if (!call.done) return;
  call.done = false;
  if (call.error == base::Error::None) {
    ++succeeded_;
    if (const auto number = static_cast<std::size_t>(call.message.operation); number < successes_.size())
      ++successes_[number];
    known_.learn(call.message.operation, call.reply.body());
    call.reply = {};
  } else {
    ++refused_;
  }
}

void Attacker::finish() {
  for (const auto& call : calls_) {
    require(world_.run([&] { return !call->busy; }), "a call does not end");
    end(*call);
  }
}

}  // namespace fuzz
