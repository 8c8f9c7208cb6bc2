// SPDX-License-Identifier: Apache-2.0
#include "net/roce/requester.h"

#include <algorithm>

#include "net/roce/queue_pair.h"

namespace roce {
namespace {

// IB's code for the acknowledgement timer: 4.096 us * 2^code; 0 is never.
std::uint64_t negotiated_timeout_ns(std::uint8_t code) {
  return code == 0 ? base::never_ns : std::uint64_t{4096} << code;
}

std::uint32_t packets_of(std::uint32_t length, std::uint32_t mtu) {
  return std::max(1u, length / mtu + (length % mtu != 0 ? 1 : 0));
}

std::uint8_t message_opcode(const SendWqe& wqe, bool first, bool last) {
  const bool write = wqe.opcode == verbs::Opcode::RdmaWrite || wqe.opcode == verbs::Opcode::RdmaWriteWithImmediate;
  const bool immediate =
      wqe.opcode == verbs::Opcode::SendWithImmediate || wqe.opcode == verbs::Opcode::RdmaWriteWithImmediate;
  std::uint8_t code = write ? opcode::rc_write_first : opcode::rc_send_first;
  if (first && last) {
    code = write ? opcode::rc_write_only : opcode::rc_send_only;
  } else if (last) {
    code = write ? opcode::rc_write_last : opcode::rc_send_last;
  } else if (!first) {
    code = write ? opcode::rc_write_middle : opcode::rc_send_middle;
  }
  return static_cast<std::uint8_t>(code + (last && immediate ? 1 : 0));
}

}  // namespace

Core& Requester::core() { return qp_.core(); }
SendQueue& Requester::queue() { return qp_.send_queue(); }

void Requester::start() {
  cursor_ = queue().done();
  cursor_packet_ = 0;
  next_psn_ = una_ = sent_end_ = qp_.attributes().send_psn;
  reads_.clear();
  since_acknowledge_ = retries_ = rnr_retries_ = window_credit_ = 0;
  window_ = std::min<std::uint32_t>(32, limits::window_most);
  window_threshold_ = limits::window_most;
  gap_known_ = heard_ = false;
  postponed_ = 0;
  round_trip_ = RoundTrip();
  progress_at_ns_ = core().now_ns();
}

void Requester::stop() {
  retransmit_.cancel();
  rnr_wait_.cancel();
}

// Gives the request its PSNs, once and for all. False: too many are in use, long READs for the most part.
bool Requester::begin(SendWqe& wqe) {
  const std::uint32_t packets = wqe.is_atomic() ? 1 : packets_of(wqe.length, qp_.attributes().path_mtu);
  const auto used = static_cast<std::uint32_t>(psn_distance(next_psn_, una_));
  if (used > 0 && used + packets > limits::psns_in_use) return false;
  wqe.started = true;
  wqe.first_psn = next_psn_;
  wqe.packets = packets;
  next_psn_ = psn_add(next_psn_, packets);
  return true;
}

Psn Requester::cursor_psn() {
  if (cursor_ == queue().tail()) return next_psn_;
  const SendWqe& wqe = queue()[cursor_];
  return wqe.started ? psn_add(wqe.first_psn, cursor_packet_) : next_psn_;
}

// What blocks here is undone by an answer, or by the neighbour table, which schedule the queue pair again.
Emitted Requester::emit() {
  if (qp_.state() != verbs::QpState::ReadyToSend || rnr_wait_.armed() || cursor_ == queue().tail()) {
    return Emitted::Nothing;
  }
  if (!qp_.reachable()) {
    begin_waiting();
    return Emitted::Nothing;
  }
  SendWqe& wqe = queue()[cursor_];
  if (!wqe.started && !begin(wqe)) return Emitted::Nothing;
  return wqe.wants_response() ? emit_read_or_atomic(wqe) : emit_message_packet(wqe);
}

Emitted Requester::emit_message_packet(SendWqe& wqe) {
  const std::uint32_t flying = in_flight();
  if (flying >= window_) return Emitted::Nothing;
  const std::uint32_t mtu = qp_.attributes().path_mtu;
  const std::uint32_t offset = cursor_packet_ * mtu;
  const std::uint32_t bytes = std::min(mtu, wqe.length - offset);
  const bool first = cursor_packet_ == 0;
  const bool last = cursor_packet_ + 1 == wqe.packets;

  Pieces pieces;
  if (queue().data(cursor_, core().memory, qp_.domain(), offset, bytes, pieces) != MemoryFault::None) {
    // Completions come in order: what was asked before is answered before.
    if (cursor_ == queue().done()) {
      ++core().counters.local_protection_errors;
      fail_oldest(verbs::CompletionStatus::LocalProtectionError);
    }
    return Emitted::Nothing;
  }
  TransportHeaders headers;
  headers.opcode = message_opcode(wqe, first, last);
  headers.solicited = last && wqe.solicited;
  headers.psn = psn_add(wqe.first_psn, cursor_packet_);
  // Several times per window, so that a lost acknowledgement does not stop the flow.
  headers.acknowledge = last || ++since_acknowledge_ >= window_ / 4 || flying + 1 >= window_ || retries_ > 0;
  headers.address = wqe.remote_address;
  headers.rkey = wqe.rkey;
  headers.length = wqe.length;
  headers.immediate = wqe.immediate;
  if (qp_.send(headers, pieces.span(), cursor_) == Sent::No) return Emitted::Full;
  if (first && headers.psn == sent_end_) qp_.message_sent();
  sent(headers.psn, 1, headers.acknowledge);
  if (last) {
    ++cursor_;
    cursor_packet_ = 0;
  } else {
    ++cursor_packet_;
  }
  return Emitted::Frame;
}

// A piece of a READ ends where it did when it was first asked for: the peer knows it by that.
Emitted Requester::emit_read_or_atomic(SendWqe& wqe) {
  const std::uint32_t mtu = qp_.attributes().path_mtu;
  const std::uint32_t most = qp_.attributes().max_reads;
  const std::uint32_t piece = std::max(limits::read_packets_least, limits::read_packets_together / most);
  const std::uint32_t end = std::min(wqe.packets, (cursor_packet_ / piece + 1) * piece);
  const std::uint32_t packets = end - cursor_packet_;
  const std::uint32_t flying = in_flight();
  // Two pieces at the least: what comes of the second shows a loss at the end of the first.
  if (reads_.count() >= most || (flying > piece && flying + packets > window_)) return Emitted::Nothing;
  const std::uint32_t offset = cursor_packet_ * mtu;
  TransportHeaders headers;
  headers.psn = psn_add(wqe.first_psn, cursor_packet_);
  headers.acknowledge = true;
  headers.address = wqe.remote_address + offset;
  headers.rkey = wqe.rkey;
  headers.length = std::min(wqe.length - offset, packets * mtu);
  switch (wqe.opcode) {
    case verbs::Opcode::CompareAndSwap:
      headers.opcode = opcode::rc_compare_swap;
      headers.swap_or_add = wqe.swap;
      headers.compare = wqe.compare_or_add;
      break;
    case verbs::Opcode::FetchAndAdd:
      headers.opcode = opcode::rc_fetch_add;
      headers.swap_or_add = wqe.compare_or_add;
      break;
    default:
      headers.opcode = opcode::rc_read_request;
      break;
  }
  if (qp_.send(headers, {}, cursor_) == Sent::No) return Emitted::Full;
  reads_.add(psn_add(headers.psn, packets));
  sent(headers.psn, packets, true);
  cursor_packet_ = end;
  if (end == wqe.packets) {
    ++cursor_;
    cursor_packet_ = 0;
  }
  return Emitted::Frame;
}

void Requester::sent(Psn first, std::uint32_t psns, bool acknowledge) {
  if (acknowledge) since_acknowledge_ = 0;
  if (psn_distance(first, sent_end_) < 0) {
    ++core().counters.retransmits;
  } else {
    sent_end_ = psn_add(first, psns);
    if (acknowledge && !round_trip_.sampling()) round_trip_.begin(first, core().now_ns());
  }
  begin_waiting();
}

// From now on, time counts against the peer.
void Requester::begin_waiting() {
  if (retransmit_.armed()) return;
  progress_at_ns_ = core().now_ns();
  arm();
}

std::uint64_t Requester::timeout_ns() const {
  if (qp_.attributes().adaptive_timeout) return round_trip_.timeout_ns(retries_);
  return negotiated_timeout_ns(qp_.attributes().timeout);
}

void Requester::arm() {
  const std::uint64_t timeout = timeout_ns();
  if (timeout == base::never_ns) return;
  heard_ = false;
  core().deadlines.arm(retransmit_, core().now_ns() + timeout);
}

void Requester::timed_out() {
  const bool flying = in_flight() > 0;
  const bool unreachable = !qp_.reachable() && cursor_ != queue().tail();
  if (!flying && !unreachable) return;
  if (flying && queue()[queue().done()].held > 0) {
    arm();  // still in the sink: slow is not lost
    return;
  }
  if (heard_ && qp_.attributes().adaptive_timeout && postponed_ < limits::postponements) {
    ++core().counters.timeouts_postponed;
    ++postponed_;
    arm();
    return;
  }
  ++core().counters.timeouts;
  ++retries_;
  const bool give_up = qp_.attributes().adaptive_timeout
                           ? core().now_ns() - progress_at_ns_ >= limits::adaptive_give_up_ns
                           : retries_ > qp_.attributes().retry_count;
  if (give_up) {
    ++core().counters.retries_exceeded;
    fail_oldest(verbs::CompletionStatus::RetryExceeded);
    return;
  }
  if (retries_ > 1) qp_.probe_peer();
  window_threshold_ = std::max(limits::window_least, window_ / 2);
  window_ = limits::window_least;
  go_back();
  arm();
}

void Requester::rnr_over() { core().schedule(qp_); }

// Sends again from the first unacknowledged packet on.
void Requester::go_back() {
  ++core().counters.rewinds;
  round_trip_.cancel();
  reads_.clear();
  since_acknowledge_ = 0;
  cursor_ = queue().done();
  cursor_packet_ = 0;
  if (cursor_ != queue().tail() && queue()[cursor_].started) {
    cursor_packet_ = static_cast<std::uint32_t>(psn_distance(una_, queue()[cursor_].first_psn));
  }
  went_back_at_ns_ = core().now_ns();
  core().schedule(qp_);
}

}  // namespace roce
