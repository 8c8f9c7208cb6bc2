// SPDX-License-Identifier: Apache-2.0
// The switch's sockets: one listening Unix socket for each named port, so that a port has its name before its first
// frame (QEMU cannot say one). One client at a time per port. Single-threaded; sleeps in epoll when nothing happens,
// and looks again a few times first where frames follow one another soon: a wakening costs more than all else here. A
// port that does not read has a bounded queue of its own, and what does not fit is dropped and counted: it never holds
// up the others.
#pragma once

#include <sys/epoll.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernel/base/spin_policy.h"
#include "net/ether_socket/frame_stream.h"
#include "tools/ether_switch/ether_switch.h"
#include "tools/ether_switch/pcap_writer.h"
#include "tools/support/fd.h"

namespace ether_switch {

struct PortSpec {
  std::string name;
  std::string path;
};

class Server : private FrameSink {
 public:
  // Listens on all ports. Throws support::Failure.
  Server(const std::vector<PortSpec>& ports, FaultPlan plan, std::optional<PcapWriter> capture);
  ~Server();

  // Serves until stop_fd becomes readable.
  void run(int stop_fd);

  // One line: what was forwarded, dropped and so on, in all and for each port.
  std::string summary() const;

 private:
  struct Port {
    PortSpec spec;
    support::Fd listener;
    support::Fd client;
    std::unique_ptr<ether_socket::FrameReader> reader;
    std::unique_ptr<ether_socket::FrameWriter> writer;
    bool dirty = false;        // frames were queued in this round
    bool wants_write = false;  // epoll watches for room
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::uint64_t dropped = 0;  // of former clients too
    std::uint64_t bad = 0;
  };

  // Waits for what is to be done; returns how many of `events` it has filled.
  std::size_t wait(std::span<epoll_event> events);
  void deliver(PortIndex to, std::span<const std::byte> frame) override;
  void listen_on(Port& port);
  void accept_client(PortIndex index);
  void read_frames(PortIndex index);
  void capture(std::span<const std::byte> frame);
  void flush_dirty();
  void flush(PortIndex index);
  void watch(PortIndex index, bool write, int operation);
  void hang_up(PortIndex index);
  void set_timer();
  std::uint64_t now_ns() const;

  std::vector<Port> ports_;
  EtherSwitch switch_;
  std::optional<PcapWriter> capture_;
  support::Fd epoll_;
  support::Fd timer_;
  std::uint64_t started_ns_;
  std::uint64_t timer_at_ns_;
  base::SpinPolicy spin_policy_{150 * base::microsecond_ns};  // a round trip between two machines
};

}  // namespace ether_switch
