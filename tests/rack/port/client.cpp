// SPDX-License-Identifier: Apache-2.0
// The client's thread.
#include "tests/rack/port/client.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "kernel/base/random.h"
#include "kernel/threads/scheduler.h"

namespace port_test {

using base::Error;
using base::fail;
using base::Result;
using base::SpinGuard;
using verbs::Access;
using verbs::Opcode;

namespace {
constexpr std::size_t single_reads = 2000;
constexpr std::size_t writes = 200;
constexpr std::size_t pipelined_reads = 4000;
constexpr std::uint64_t patience_ns = 20 * base::second_ns;
}  // namespace

std::span<std::uint64_t> Client::local(std::size_t page) const {
  return {reinterpret_cast<std::uint64_t*>(memory_.data() + page * base::page_bytes), base::page_bytes / 8};
}

Result<> Client::prepare(device::DmaMemory& memory) {
  memory_ = TRY(memory.allocate(in_flight * base::page_bytes));
  SpinGuard guard(port_.lock());
  verbs::Device& device = port_.engine().device();
  domain_ = TRY(device.allocate_protection_domain());
  region_ = TRY(
      domain_->register_memory(reinterpret_cast<std::uint64_t>(memory_.data()), memory_.size(), Access::LocalWrite));
  completions_ = TRY(device.create_completion_queue(256));
  queue_pair_ = TRY(device.create_queue_pair(*domain_, {.send_cq = completions_.get(), .recv_cq = completions_.get()}));
  return {};
}

Result<> Client::connect(verbs::Gid server) {
  threads::ThreadWaiter waiter;
  {
    SpinGuard guard(port_.lock());
    connecting_ = &waiter;
    connection_ = TRY(port_.engine().connections().connect(*queue_pair_, Access::None, server, service_port, *this,
                                                           {.adaptive_timeout = true}));
  }
  const auto outcome =
      threads::block_until_woken(waiter, threads::clock().now_ns() + patience_ns, threads::Interruptible::Never);
  SpinGuard guard(port_.lock());
  connecting_ = nullptr;
  TRY(threads::to_result(outcome));
  if (state_ != State::Connected) return fail(Error::NotConnected);
  return {};
}

void Client::established(verbs::Connection&, std::span<const std::byte> private_data) {
  if (private_data.size() >= sizeof offer_) {
    std::memcpy(&offer_, private_data.data(), sizeof offer_);
    state_ = State::Connected;
  }
  if (connecting_ != nullptr) connecting_->wake();
}

void Client::rejected(verbs::Connection&, verbs::RejectReason reason, std::span<const std::byte>) {
  base::log_warning("test", "refused with reason {}", static_cast<unsigned>(reason));
  state_ = State::Refused;
  if (connecting_ != nullptr) connecting_->wake();
}

void Client::disconnected(verbs::Connection&) { base::log_info("test", "disconnected"); }

Result<> Client::post(Opcode opcode, std::uint64_t remote_page, std::size_t local_page) {
  const verbs::Sge piece{.address = reinterpret_cast<std::uint64_t>(local(local_page).data()),
                         .length = base::page_bytes,
                         .lkey = region_->lkey()};
  SpinGuard guard(port_.lock());
  return queue_pair_->post_send({.wr_id = local_page,
                                 .opcode = opcode,
                                 .sg_list = std::span(&piece, 1),
                                 .remote_address = offer_.address + remote_page * base::page_bytes,
                                 .rkey = offer_.rkey});
}

// The next completion; sleeps until it is there.
Result<verbs::WorkCompletion> Client::wait() {
  verbs::WorkCompletion completion;
  const std::uint64_t start_ns = threads::clock().now_ns();
  waiting_.set(start_ns);
  while (true) {
    threads::ThreadWaiter waiter;
    {
      SpinGuard guard(port_.lock());
      if (completions_->poll(std::span(&completion, 1)) == 1) break;
      const auto wake = [](void* sleeper) { static_cast<threads::ThreadWaiter*>(sleeper)->wake(); };
      completions_->request_notify(wake, &waiter);
    }
    const auto outcome = threads::block_until_woken(waiter, start_ns + patience_ns, threads::Interruptible::Never);
    if (outcome == threads::BlockResult::TimedOut) base::platform::panic("no answer");  // it would use our stack
  }
  waiting_.set(0);
  if (completion.status != verbs::CompletionStatus::Success) {
    base::log_warning("test", "completion with status {}", static_cast<unsigned>(completion.status));
    return fail(Error::IoError);
  }
  return completion;
}

Result<> Client::read_one_by_one() {
  base::Array<std::uint64_t> times;
  TRY(times.reserve(single_reads));
  base::Random random(1);
  for (std::size_t i = 0; i < single_reads; ++i) {
    const std::uint64_t page = random.below(pages);
    const std::uint64_t start_ns = threads::clock().now_ns();
    TRY(post(Opcode::RdmaRead, page, 0));
    TRY(wait());
    TRY(times.push_back(threads::clock().now_ns() - start_ns));
    if (!page_matches(local(0), page, 0)) return fail(Error::Malformed);
  }
  std::sort(times.begin(), times.end());
  base::log_info("test", "{} pages read one by one: min {} us, median {}, 99% {}", single_reads, times[0] / 1000,
                 times[single_reads / 2] / 1000, times[single_reads * 99 / 100] / 1000);
  return {};
}

Result<> Client::write_and_read_back() {
  for (std::size_t i = 0; i < writes; ++i) {
    const std::uint64_t page = pages + i % writable_pages;
    fill_page(local(0), page, i);
    TRY(post(Opcode::RdmaWrite, page, 0));
    TRY(wait());
    std::ranges::fill(local(1), 0);
    TRY(post(Opcode::RdmaRead, page, 1));
    TRY(wait());
    if (!page_matches(local(1), page, i)) return fail(Error::Malformed);
  }
  base::log_info("test", "{} pages written and read back", writes);
  return {};
}

Result<> Client::read_many() {
  std::array<std::uint64_t, in_flight> wanted{};
  base::Random random(2);
  const auto read_next = [&](std::size_t slot) {
    wanted[slot] = random.below(pages);
    return post(Opcode::RdmaRead, wanted[slot], slot);
  };
  const std::uint64_t start_ns = threads::clock().now_ns();
  for (std::size_t slot = 0; slot < in_flight; ++slot) TRY(read_next(slot));
  for (std::size_t i = 0; i < pipelined_reads; ++i) {
    const verbs::WorkCompletion completion = TRY(wait());
    const auto slot = static_cast<std::size_t>(completion.wr_id);
    if (!page_matches(local(slot), wanted[slot], 0)) return fail(Error::Malformed);
    if (i + in_flight < pipelined_reads) TRY(read_next(slot));
  }
  const std::uint64_t took_ns = threads::clock().now_ns() - start_ns;
  base::log_info("test", "{} pages read, {} at a time: {} us each", pipelined_reads, in_flight,
                 took_ns / pipelined_reads / 1000);
  return {};
}

Result<> Client::run(device::DmaMemory& memory, verbs::Gid server) {
  TRY(prepare(memory));
  TRY(connect(server));
  base::log_info("test", "connected");
  TRY(read_one_by_one());
  TRY(write_and_read_back());
  TRY(read_many());
  {
    SpinGuard guard(port_.lock());
    connection_->disconnect();
  }
  return {};
}

}  // namespace port_test
