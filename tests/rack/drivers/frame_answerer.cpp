// SPDX-License-Identifier: Apache-2.0
// The image's end of the Ethernet.
#include "tests/rack/drivers/frame_answerer.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"

namespace drivers_test {

using netdev::Segment;

namespace {
constexpr auto copied = Segment::Storage::Copied;

std::span<const std::byte> bytes_of(const auto& object) { return std::as_bytes(std::span(&object, 1)); }
}  // namespace

base::Result<> FrameAnswerer::start(device::DmaMemory& memory) {
  const std::size_t frame_bytes = netdev::ethernet_header_bytes + device_.mtu();
  TRY(echoes_.resize(echo_buffers));
  for (Echo& echo : echoes_) {
    echo.owner = this;
    echo.memory = TRY(memory.allocate(frame_bytes));
  }
  flood_page_ = TRY(memory.allocate(std::min(base::page_bytes, frame_bytes - sizeof(Head))));
  for (std::size_t i = 0; i < flood_page_.size(); ++i) flood_page_[i] = static_cast<std::byte>(i * 13);
  device_.set_receiver(*this);
  device_.set_transmit_space(*this);
  return {};
}

Head FrameAnswerer::answer(const Head& head, Command command) const {
  Head reply = head;
  std::memcpy(reply.destination, head.source, 6);
  const netdev::MacAddress mac = device_.mac();
  std::memcpy(reply.source, mac.data(), 6);
  reply.command = static_cast<std::uint8_t>(command);
  return reply;
}

void FrameAnswerer::frame(std::span<const std::byte> frame, netdev::More) {
  Head head;
  if (frame.size() < sizeof head) return;
  std::memcpy(&head, frame.data(), sizeof head);
  if (head.type != ethertype) return;
  switch (static_cast<Command>(head.command)) {
    case Command::Echo:
      return echo(frame);
    case Command::Flood:
      flood_.head = answer(head, Command::Flooded);
      flood_.total = head.count;
      flood_.sent = flood_.told = 0;
      device_.set_prompt_completions(true);  // the last one makes the end known
      return flood();
    case Command::Report:
      return report(answer(head, Command::Report));
    default:
      return;
  }
}

void FrameAnswerer::echo(std::span<const std::byte> frame) {
  for (Echo& echo : echoes_) {
    if (echo.lent) continue;
    std::memcpy(echo.memory.data(), frame.data(), frame.size());
    Head head;
    std::memcpy(&head, frame.data(), sizeof head);
    head = answer(head, Command::Echo);
    const Segment segments[] = {{bytes_of(head), copied},
                                {std::span(echo.memory).subspan(sizeof head, frame.size() - sizeof head)}};
    if (!device_.transmit(segments, &echo)) return;  // the test program notices what is missing
    echo.lent = true;
    ++lent_;
    return;
  }
}

void FrameAnswerer::Echo::transmitted() {
  lent = false;
  ++owner->told_;
}

void FrameAnswerer::flood() {
  while (flood_.sent < flood_.total) {
    Head head = flood_.head;
    head.count = flood_.sent;
    const Segment segments[] = {{bytes_of(head), copied}, {std::span(flood_page_)}};
    if (const auto sent = device_.transmit(segments, &flood_); !sent) {
      if (!was_full_) base::log_info("test", "flood: {}", sent.error());
      was_full_ = true;
      return;
    }
    ++flood_.sent;
    ++lent_;
  }
}

void FrameAnswerer::transmit_space_available() {
  ++spaces_;
  if (flood_.sent < flood_.total) flood();
}

void FrameAnswerer::Flood::transmitted() {
  ++owner.told_;
  if (++told == total) owner.finish_flood();
}

void FrameAnswerer::finish_flood() {
  device_.set_prompt_completions(false);
  Head head = flood_.head;
  head.command = static_cast<std::uint8_t>(Command::Done);
  const Segment segments[] = {{bytes_of(head), copied}};
  if (!device_.transmit(segments, nullptr)) base::log_warning("test", "the last frame of a flood found no room");
}

void FrameAnswerer::report(Head head) {
  const netdev::Counters counters = device_.counters();
  Report report{.head = head,
                .tx_packets = counters.tx_packets,
                .tx_bytes = counters.tx_bytes,
                .rx_packets = counters.rx_packets,
                .rx_bytes = counters.rx_bytes,
                .tx_full = counters.tx_full,
                .rx_dropped = counters.rx_dropped,
                .device_errors = counters.device_errors,
                .told = told_,
                .lent = lent_,
                .spaces = spaces_,
                .halts = core_.counters().halts};
  const Segment segments[] = {{bytes_of(report), copied}};
  if (!device_.transmit(segments, nullptr)) base::log_warning("test", "a report found no room");
}

}  // namespace drivers_test
