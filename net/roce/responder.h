// SPDX-License-Identifier: Apache-2.0
// The half of a reliable connection that answers (IBTA Volume 1, 9.7): executes requests in PSN order, straight into
// place; repeats answers to duplicates; says once what is missing. READ and atomic answers wait in a queue for their
// turns to be sent, and an acknowledgement waits until those before it are out; acknowledgements that wait together are
// one.
//
// In a conversation (short messages that are answered by messages) an acknowledgement waits a little for that answer,
// or for the acknowledgements of further messages: a frame, and a wakening of the peer, less for each. Somebody who
// only sends is acknowledged at once.
#pragma once

#include <array>
#include <cstdint>

#include "net/roce/core.h"
#include "net/roce/packet.h"

namespace roce {

class RoceQueuePair;

class Responder {
 public:
  explicit Responder(RoceQueuePair& queue_pair) : qp_(queue_pair) {}

  void start();  // the queue pair became ReadyToReceive
  void stop();   // Error: READ answers are dropped, a NAK is still sent
  void reset();  // nothing is sent any more

  void receive(const Packet& packet);
  Emitted emit();
  // The other half has begun to send a message.
  void message_sent();

 private:
  // An executed READ or atomic, kept to repeat its answer.
  struct Record {
    Kind kind = Kind::ReadRequest;
    Psn first = 0;
    std::uint32_t packets = 0;  // 0: no record
    std::uint64_t address = 0;
    std::uint32_t length = 0;
    std::uint32_t rkey = 0;
    std::uint32_t msn = 0;
    std::uint64_t original = 0;
    std::uint64_t swap_or_add = 0;
    std::uint64_t compare = 0;
  };
  // An answer that is to be sent, or the rest of one.
  struct Response {
    Kind kind = Kind::ReadRequest;
    Psn record_first = 0;  // of which record
    Psn psn = 0;
    std::uint64_t address = 0;
    std::uint32_t length = 0;
    std::uint32_t rkey = 0;
    std::uint32_t msn = 0;
    std::uint64_t original = 0;
    bool duplicate = false;
    bool begun = false;
  };
  enum class Message : std::uint8_t { None, Send, Write };

  Core& core() const;
  // Requests (responder.cpp)
  void out_of_sequence();
  void execute(const Packet& packet);
  bool in_order(const OpcodeInfo& info) const;
  bool lengths_fit(const Packet& packet);
  void execute_send(const Packet& packet);
  void execute_write(const Packet& packet);
  void execute_read(const Packet& packet);
  void execute_atomic(const Packet& packet);
  void finish_message(const Packet& packet);
  void advance(std::uint32_t psns);
  bool allowed(verbs::Access access);
  bool memory_allows(std::uint32_t rkey, std::uint64_t address, std::uint32_t length, verbs::Access access);
  Record& remember(const Packet& packet, std::uint32_t packets);
  void receiver_not_ready();
  void refuse(std::uint8_t syndrome, std::uint64_t& counter);
  void refuse_now(Psn psn);
  // Duplicates (responder_output.cpp)
  void duplicate(const Packet& packet);
  void repeat_read(const Packet& packet);
  void repeat_atomic(const Packet& packet);
  void repeat(const Response& again);
  Record* find_record(Psn psn);
  // Answers (responder_output.cpp)
  enum class Patience : std::uint8_t { None, Some };
  void acknowledge(Patience patience);
  Patience patience_with(const Packet& packet) const;
  void wait_over();
  void acknowledge_now();
  bool goes_with_answer() const;
  std::uint64_t longest_wait_ns() const;
  void acknowledged_by(Psn psn);
  void negative(std::uint8_t syndrome, Psn psn);
  std::uint32_t responses_due(bool duplicate);
  void push(const Response& response);
  Response& response(std::uint32_t index) { return responses_[(response_head_ + index) % responses_.size()]; }
  Emitted emit_acknowledge();
  Emitted emit_read(Response& response);
  Emitted emit_atomic(const Response& response);
  void pop() {
    ++response_head_;
    --response_count_;
  }

  RoceQueuePair& qp_;
  Psn expected_ = 0;
  std::uint32_t msn_ = 0;
  bool sequence_nak_sent_ = false;  // silent until the expected packet is here
  std::uint64_t silent_until_ns_ = 0;
  std::uint8_t refusal_ = 0;  // the NAK that waits for the answers before it; 0: none
  Message message_ = Message::None;
  std::uint32_t offset_ = 0;  // bytes of the message that are here
  // The WRITE that is coming in
  std::uint64_t write_address_ = 0;
  std::uint32_t write_rkey_ = 0;
  std::uint32_t write_length_ = 0;

  // The acknowledgement or NAK to be sent
  bool answer_due_ = false;
  std::uint8_t answer_ = 0;  // syndrome
  Psn answer_psn_ = 0;       // of a NAK; an acknowledgement is for all before expected_

  // Whether it waits for company
  bool conversation_ = false;           // messages from the peer are followed by ours
  std::uint64_t heard_at_ns_ = 0;       // when the last message was here
  bool waits_ = false;                  // the acknowledgement that is due
  std::uint32_t waiting_messages_ = 0;  // for so many
  bool answered_ = false;               // a message of ours has left since it waits
  MemberDeadline<Responder, &Responder::wait_over> wait_{*this};

  std::array<Record, limits::reads> records_;
  std::uint32_t next_record_ = 0;
  std::array<Response, 2 * limits::reads> responses_;
  std::uint32_t response_head_ = 0;
  std::uint32_t response_count_ = 0;
};

}  // namespace roce
