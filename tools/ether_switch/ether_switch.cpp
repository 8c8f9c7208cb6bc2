// SPDX-License-Identifier: Apache-2.0
#include "tools/ether_switch/ether_switch.h"

#include <algorithm>

#include "kernel/base/clock.h"

namespace ether_switch {
namespace {

constexpr std::size_t header_bytes = 14;
constexpr std::size_t max_addresses = 4096;          // a rack has some dozens; a guest may make up any number
constexpr std::size_t max_waiting_bytes = 64 << 20;  // two seconds of a busy rack

std::uint64_t address_at(std::span<const std::byte> frame, std::size_t offset) {
  std::uint64_t address = 0;
  for (const std::byte byte : frame.subspan(offset, 6)) address = (address << 8) | static_cast<std::uint64_t>(byte);
  return address;
}

bool is_group(std::uint64_t address) { return ((address >> 40) & 1) != 0; }

}  // namespace

EtherSwitch::EtherSwitch(FaultPlan plan, const std::vector<std::string>& port_names, FrameSink& sink)
    : plan_(std::move(plan)), sink_(sink) {
  for (const std::string& name : port_names) ports_.push_back({.hash = sender_hash(name)});
  for (const Partition& partition : plan_.partitions) {
    Cut cut{.ports = {}, .start_ns = partition.start_ns, .end_ns = partition.start_ns + partition.length_ns};
    for (PortIndex port = 0; port < port_names.size(); ++port) {
      if (std::ranges::find(partition.names, port_names[port]) != partition.names.end()) cut.ports.push_back(port);
    }
    cuts_.push_back(std::move(cut));
  }
}

void EtherSwitch::receive(PortIndex from, std::span<const std::byte> frame, std::uint64_t now_ns) {
  if (frame.size() < header_bytes) return;
  learn(from, frame);
  if (!plan_.disturbs_frames()) return forward(from, frame, now_ns);
  Port& port = ports_[from];
  const FrameFate fate = fate_of(plan_, port.hash, port.frames++);
  if (fate.drop) {
    ++counters_.dropped;
  } else if (fate.overtaken_by > 0) {
    return hold(from, frame, fate, now_ns);
  } else {
    schedule(from, frame, fate, now_ns);
  }
  let_go(from, now_ns, 1);
}

void EtherSwitch::learn(PortIndex from, std::span<const std::byte> frame) {
  const std::uint64_t source = address_at(frame, 6);
  if (is_group(source)) return;
  if (const auto known = addresses_.find(source); known != addresses_.end()) {
    known->second = from;
  } else if (addresses_.size() < max_addresses) {
    addresses_.emplace(source, from);
  }
}

void EtherSwitch::schedule(PortIndex from, std::span<const std::byte> frame, const FrameFate& fate,
                           std::uint64_t now_ns) {
  Port& port = ports_[from];
  if (fate.delay_ns > 0) ++counters_.delayed;
  port.last_ns = std::max(port.last_ns, now_ns + fate.delay_ns);
  deliver_at(from, frame, port.last_ns, now_ns);
  if (fate.duplicate) {
    ++counters_.duplicated;
    deliver_at(from, frame, port.last_ns, now_ns);
  }
}

void EtherSwitch::hold(PortIndex from, std::span<const std::byte> frame, const FrameFate& fate, std::uint64_t now_ns) {
  if (waiting_bytes_ + frame.size() > max_waiting_bytes) {
    ++counters_.overflowed;
    return;
  }
  let_go(from, now_ns, 1);
  ++counters_.reordered;
  waiting_bytes_ += frame.size();
  ports_[from].held.push_back({.frame = {frame.begin(), frame.end()},
                               .overtaken_by = fate.overtaken_by,
                               .deadline_ns = now_ns + std::max(max_held_ns, plan_.delay_max_ns)});
}

// `passed` frames of this sender have gone by: those that waited for no more than that follow them.
void EtherSwitch::let_go(PortIndex from, std::uint64_t now_ns, std::uint32_t passed) {
  Port& port = ports_[from];
  std::erase_if(port.held, [&](Held& held) {
    held.overtaken_by -= std::min(held.overtaken_by, passed);
    if (held.overtaken_by > 0 && held.deadline_ns > now_ns) return false;
    waiting_bytes_ -= held.frame.size();
    port.last_ns = std::max(port.last_ns, now_ns);
    deliver_at(from, held.frame, port.last_ns, now_ns);
    return true;
  });
}

void EtherSwitch::deliver_at(PortIndex from, std::span<const std::byte> frame, std::uint64_t at_ns,
                             std::uint64_t now_ns) {
  if (at_ns <= now_ns) return forward(from, frame, now_ns);
  if (waiting_bytes_ + frame.size() > max_waiting_bytes) {
    ++counters_.overflowed;
    return;
  }
  waiting_bytes_ += frame.size();
  waiting_.emplace(at_ns, Waiting{from, {frame.begin(), frame.end()}});
}

void EtherSwitch::release(std::uint64_t now_ns) {
  while (!waiting_.empty() && waiting_.begin()->first <= now_ns) {
    const auto first = waiting_.extract(waiting_.begin());
    waiting_bytes_ -= first.mapped().frame.size();
    forward(first.mapped().from, first.mapped().frame, now_ns);
  }
  for (PortIndex port = 0; port < ports_.size(); ++port) let_go(port, now_ns, 0);
}

std::uint64_t EtherSwitch::next_release_ns() const {
  std::uint64_t next = waiting_.empty() ? base::never_ns : waiting_.begin()->first;
  for (const Port& port : ports_) {
    for (const Held& held : port.held) next = std::min(next, held.deadline_ns);
  }
  return next;
}

void EtherSwitch::disconnect(PortIndex port) {
  std::erase_if(addresses_, [port](const auto& entry) { return entry.second == port; });
}

void EtherSwitch::forward(PortIndex from, std::span<const std::byte> frame, std::uint64_t now_ns) {
  const std::uint64_t destination = address_at(frame, 0);
  const auto known = is_group(destination) ? addresses_.end() : addresses_.find(destination);
  if (known != addresses_.end()) {
    if (known->second != from) deliver(from, known->second, frame, now_ns);
    return;
  }
  ++counters_.flooded;
  for (PortIndex to = 0; to < ports_.size(); ++to) {
    if (to != from) deliver(from, to, frame, now_ns);
  }
}

void EtherSwitch::deliver(PortIndex from, PortIndex to, std::span<const std::byte> frame, std::uint64_t now_ns) {
  if (cut(from, to, now_ns)) {
    ++counters_.partitioned;
    return;
  }
  ++counters_.forwarded;
  sink_.deliver(to, frame);
}

bool EtherSwitch::cut(PortIndex a, PortIndex b, std::uint64_t now_ns) const {
  return std::ranges::any_of(cuts_, [&](const Cut& cut) {
    if (now_ns < cut.start_ns || now_ns >= cut.end_ns) return false;
    const bool has_a = std::ranges::find(cut.ports, a) != cut.ports.end();
    const bool has_b = std::ranges::find(cut.ports, b) != cut.ports.end();
    return cut.ports.size() == 1 ? has_a || has_b : has_a && has_b;
  });
}

}  // namespace ether_switch
