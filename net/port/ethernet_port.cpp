// SPDX-License-Identifier: Apache-2.0
// Frames to send: headers, trailers and small payloads are copied into the device's own buffers, which is cheaper than
// a descriptor each and gives the engine its slot back at once; pages are borrowed.
#include "net/port/ethernet_port.h"

#include <algorithm>
#include <array>

#include "net/roce/limits.h"

namespace port {

using base::Error;
using base::fail;
using base::SpinGuard;

namespace {
constexpr std::size_t copied_at_most = 128;  // of one piece

// Frames of slots that quiesce() emptied may still be waiting for the device's word.
constexpr std::uint32_t slots_per_frame = 2;

// No retransmission is due earlier than that after its frame was sent.
constexpr std::uint64_t soonest_retry_ns = roce::limits::adaptive_least_ns;
}  // namespace

struct EthernetPort::Plan {
  explicit Plan(std::span<const roce::Segment> pieces) {
    std::size_t copied = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const roce::Segment& piece = pieces[i];
      const bool copy = piece.size() <= copied_at_most && copied + piece.size() <= netdev::max_copied_bytes;
      if (copy) copied += piece.size();
      all_copied &= copy;
      const bool is_payload = i > 0 && i + 1 < pieces.size();
      if (is_payload) (copy ? payload_copied : payload_in_place) += piece.size();
      segments[count++] = {piece, copy ? netdev::Segment::Storage::Copied : netdev::Segment::Storage::Borrowed};
    }
  }
  std::span<const netdev::Segment> list() const { return std::span(segments).first(count); }
  std::array<netdev::Segment, roce::max_segments> segments{};
  std::size_t count = 0;
  bool all_copied = true;
  std::size_t payload_copied = 0;
  std::size_t payload_in_place = 0;
};

Result<base::Own<EthernetPort>> EthernetPort::create(netdev::NetDevice& device, const base::Clock& clock,
                                                     std::uint32_t frames) {
  auto port = TRY(base::try_make<EthernetPort>(device, clock));
  TRY(port->slots_.resize(std::size_t{frames} * slots_per_frame));
  for (std::uint32_t i = 0; i < port->slots_.size(); ++i) {
    port->slots_[i].owner = port.get();
    port->slots_[i].next_free = i + 1;
  }
  return port;
}

void EthernetPort::attach(base::Own<roce::Engine> engine) {
  LEGO_ASSERT(!engine_);
  engine_ = std::move(engine);
  device_.set_receiver(*this);
  device_.set_transmit_space(*this);
}

bool EthernetPort::poll(std::uint32_t budget) {
  const bool any = device_.poll(budget) > 0;
  const bool due = clock_.now_ns() >= deadline_ns();
  if (any || due) advance();
  return any;
}

void EthernetPort::advance() {
  SpinGuard guard(lock_);
  engine_->advance();
  set_deadline_locked(engine_->next_deadline_ns());
}

void EthernetPort::set_deadline_locked(std::uint64_t deadline_ns) {
  deadline_ns_.store(deadline_ns, std::memory_order_relaxed);
  if (alarm_ != nullptr) alarm_->wanted_at(deadline_ns);
}

void EthernetPort::frame(std::span<const std::byte> frame, netdev::More more) {
  SpinGuard guard(lock_);
  engine_->receive(frame, more == netdev::More::Yes ? roce::More::Yes : roce::More::No);
}

void EthernetPort::transmit_space_available() {
  SpinGuard guard(lock_);
  engine_->space_available();
}

Result<> EthernetPort::transmit(std::span<const roce::Segment> segments, roce::TransmitToken token) {
  if (segments.size() > roce::max_segments) return fail(Error::TooBig);
  const Plan plan(segments);
  TRY(plan.all_copied ? send_copied(plan.list(), token) : send_borrowed(plan.list(), token));
  payload_copied_ += plan.payload_copied;
  payload_in_place_ += plan.payload_in_place;
  expect_answer_locked();
  return {};
}

Result<> EthernetPort::send_copied(std::span<const netdev::Segment> segments, roce::TransmitToken token) {
  TRY(device_.transmit(segments, nullptr));
  engine_->transmit_done(token);
  return {};
}

Result<> EthernetPort::send_borrowed(std::span<const netdev::Segment> segments, roce::TransmitToken token) {
  if (free_slot_ == slots_.size()) {
    wants_slot_ = true;
    return fail(Error::Again);
  }
  Slot& slot = slots_[free_slot_];
  TRY(device_.transmit(segments, &slot));
  free_slot_ = slot.next_free;
  slot.token = token;
  slot.live = true;
  return {};
}

// What was sent outside poll() may need to be sent again, sooner than the engine said when it was last asked.
void EthernetPort::expect_answer_locked() {
  const std::uint64_t soon_ns = clock_.now_ns() + soonest_retry_ns;
  if (deadline_ns() > soon_ns) set_deadline_locked(soon_ns);
}

void EthernetPort::finished(Slot& slot) {
  SpinGuard guard(lock_);
  slot.next_free = free_slot_;
  free_slot_ = static_cast<std::uint32_t>(&slot - slots_.data());
  if (std::exchange(slot.live, false)) engine_->transmit_done(slot.token);
  if (std::exchange(wants_slot_, false)) engine_->space_available();
}

void EthernetPort::quiesce() {
  device_.drain();
  for (Slot& slot : slots_) {
    if (std::exchange(slot.live, false)) engine_->transmit_done(slot.token);
  }
}

}  // namespace port
