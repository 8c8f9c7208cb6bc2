// SPDX-License-Identifier: Apache-2.0
// The answers that a Requester gets: acknowledgements, NAKs, and the data of READs and atomics. An answer to one packet
// acknowledges all requests before it, except a READ or atomic whose data has not come: that one was lost.
#include <algorithm>
#include <array>

#include "net/roce/queue_pair.h"
#include "net/roce/requester.h"

namespace roce {
namespace {

// IBTA Volume 1, table 46: in units of 10 us.
std::uint64_t rnr_delay_ns(std::uint8_t code) {
  constexpr std::array<std::uint32_t, 32> units = {
      65536, 1,   2,   3,   4,    6,    8,    12,   16,   24,   32,   48,    64,    96,    128,   192,
      256,   384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152};
  return std::uint64_t{units[code & 31]} * 10 * base::microsecond_ns;
}

}  // namespace

// Whether an answer to `psn` can be meant: sent, and not acknowledged.
bool Requester::sent_and_open(Psn psn) {
  if (psn_distance(psn, sent_end_) >= 0) {
    ++core().counters.acks_unexpected;
    return false;
  }
  if (psn_distance(psn, una_) < 0) {
    ++core().counters.acks_stale;
    return false;
  }
  return true;
}

// Everything before `end` has arrived at the peer. False: it stops before that, at a READ or atomic without its data.
bool Requester::acknowledge_before(Psn end) {
  std::uint32_t packets = 0;
  bool reached = true;
  while (psn_distance(end, una_) > 0) {
    const SendWqe& wqe = queue()[queue().done()];
    if (wqe.wants_response()) {
      reached = false;
      break;
    }
    const Psn message_end = psn_add(wqe.first_psn, wqe.packets);
    const Psn next = psn_distance(end, message_end) < 0 ? end : message_end;
    packets += static_cast<std::uint32_t>(psn_distance(next, una_));
    una_ = next;
    if (una_ == message_end) queue().finish_oldest(verbs::CompletionStatus::Success);
  }
  if (packets > 0) progress(packets);
  return reached;
}

// So many packets are acknowledged or answered; una_ is moved.
void Requester::progress(std::uint32_t packets) {
  const std::uint64_t now = core().now_ns();
  catch_up();
  reads_.answered(una_);
  retries_ = rnr_retries_ = postponed_ = 0;
  gap_known_ = false;
  progress_at_ns_ = now;
  round_trip_.acknowledged(una_, now);
  if (window_ < window_threshold_) {
    window_ = std::min(window_ + packets, limits::window_most);
  } else if ((window_credit_ += packets) >= window_) {
    window_credit_ = 0;
    window_ = std::min(window_ + 1, limits::window_most);
  }
  if (in_flight() > 0) {
    arm();
  } else {
    retransmit_.cancel();
  }
  qp_.retire();
  core().schedule(qp_);
}

// After going back, an answer to the first transmission may acknowledge what was to be sent again.
void Requester::catch_up() {
  const SendQueue::Position done = queue().done();
  std::uint32_t packet = 0;
  if (done != queue().tail() && queue()[done].started) {
    packet = static_cast<std::uint32_t>(psn_distance(una_, queue()[done].first_psn));
  }
  if (cursor_ > done || (cursor_ == done && cursor_packet_ >= packet)) return;
  cursor_ = done;
  cursor_packet_ = packet;
}

// The peer shows that it lacks, or that we lack, what begins at una_. Going back once is enough until something comes,
// or until that should have come.
void Requester::gap() {
  const std::uint64_t patience = round_trip_.mean_ns() + round_trip_.mean_ns() / 2;
  if (gap_known_ && core().now_ns() - went_back_at_ns_ <= std::max(patience, limits::gap_patience_ns)) return;
  gap_known_ = true;
  window_threshold_ = window_ = std::max(limits::window_least, window_ / 2);
  retransmit_.cancel();
  go_back();
}

void Requester::receive_acknowledge(const Packet& packet) {
  ++core().counters.acks_received;
  const Psn psn = packet.headers.psn;
  const std::uint8_t code = packet.headers.syndrome;
  if (!sent_and_open(psn)) return;
  switch (code & syndrome::kind_mask) {
    case syndrome::kind_acknowledge:
      if (!acknowledge_before(psn_add(psn, 1))) gap();
      return;
    case syndrome::kind_rnr:
      receive_rnr(psn, code & 0x1f);
      return;
    case syndrome::kind_nak:
      receive_nak(psn, code);
      return;
    default:
      ++core().counters.nak_unknown_received;
  }
}

void Requester::receive_rnr(Psn psn, std::uint8_t code) {
  ++core().counters.rnr_nak_received;
  if (!acknowledge_before(psn)) {
    gap();
    return;
  }
  if (rnr_wait_.armed()) return;  // the same one again
  if (qp_.attributes().rnr_retry != 7 && rnr_retries_++ >= qp_.attributes().rnr_retry) {
    ++core().counters.rnr_retries_exceeded;
    fail_oldest(verbs::CompletionStatus::RnrRetryExceeded);
    return;
  }
  retransmit_.cancel();
  retries_ = 0;  // the peer lives
  go_back();
  core().deadlines.arm(rnr_wait_, core().now_ns() + rnr_delay_ns(code));
}

void Requester::receive_nak(Psn psn, std::uint8_t code) {
  if (code == syndrome::nak_sequence) {
    ++core().counters.nak_sequence_received;
    acknowledge_before(psn);
    if (!rnr_wait_.armed()) gap();
    return;
  }
  auto status = verbs::CompletionStatus::RemoteOperationError;
  switch (code) {
    case syndrome::nak_invalid_request:
      ++core().counters.nak_invalid_request_received;
      status = verbs::CompletionStatus::RemoteInvalidRequest;
      break;
    case syndrome::nak_remote_access:
      ++core().counters.nak_access_received;
      status = verbs::CompletionStatus::RemoteAccessError;
      break;
    case syndrome::nak_remote_operational:
      ++core().counters.nak_operational_received;
      break;
    default:
      ++core().counters.nak_unknown_received;
      return;
  }
  if (acknowledge_before(psn)) {
    fail_oldest(status);
  } else {
    gap();
  }
}

void Requester::fail_oldest(verbs::CompletionStatus status) {
  queue().finish_oldest(status);
  qp_.enter_error();
}

// The request that data with this PSN answers, if it is the next that is missing.
SendWqe* Requester::answered_request(Psn psn) {
  Counters& counters = core().counters;
  if (psn_distance(psn, sent_end_) >= 0) {
    ++counters.responses_unexpected;
    return nullptr;
  }
  if (psn_distance(psn, una_) < 0) {
    ++counters.responses_duplicate;
    return nullptr;
  }
  if (!acknowledge_before(psn)) {
    ++counters.responses_gap;
    gap();
    return nullptr;
  }
  return &queue()[queue().done()];
}

// Puts the data of an answer into its place and goes on behind it.
bool Requester::place(std::uint32_t offset, std::span<const std::byte> bytes) {
  const auto list = queue().list(queue().done());
  if (scatter(core().memory, qp_.domain(), list, offset, bytes) == MemoryFault::None) return true;
  ++core().counters.local_protection_errors;
  fail_oldest(verbs::CompletionStatus::LocalProtectionError);
  return false;
}

void Requester::receive_read_response(const Packet& packet) {
  const Psn psn = packet.headers.psn;
  SendWqe* wqe = answered_request(psn);
  if (wqe == nullptr) return;
  if (!wqe->is_read()) {
    ++core().counters.responses_unexpected;
    return;
  }
  // Where in the pieces of the READ it belongs does not matter: the PSN says what it is.
  const std::uint32_t mtu = qp_.attributes().path_mtu;
  const auto index = static_cast<std::uint32_t>(psn_distance(psn, wqe->first_psn));
  const std::uint32_t bytes = std::min(mtu, wqe->length - index * mtu);
  const bool acknowledges = (packet.headers.syndrome & syndrome::kind_mask) == syndrome::kind_acknowledge;
  if (packet.payload.size() != bytes || !acknowledges) {
    ++core().counters.responses_bad;
    return;
  }
  if (!place(index * mtu, packet.payload)) return;
  una_ = psn_add(psn, 1);
  if (index + 1 == wqe->packets) queue().finish_oldest(verbs::CompletionStatus::Success);
  progress(1);
}

void Requester::receive_atomic_response(const Packet& packet) {
  SendWqe* wqe = answered_request(packet.headers.psn);
  if (wqe == nullptr) return;
  if (!wqe->is_atomic()) {
    ++core().counters.responses_unexpected;
    return;
  }
  const std::uint64_t original = packet.headers.original;
  if (!place(0, std::as_bytes(std::span(&original, 1)))) return;
  una_ = psn_add(packet.headers.psn, 1);
  queue().finish_oldest(verbs::CompletionStatus::Success);
  progress(1);
}

}  // namespace roce
