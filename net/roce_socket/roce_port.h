// SPDX-License-Identifier: Apache-2.0
// Software RoCEv2 in a Linux program: an Engine whose wire is a port of the virtual switch (EtherSocket), driven by a
// PollLoop. Frames are copied into the socket when they are sent, so none is ever held. The lock is the one that
// serialises the engine for everyone (rpc::Endpoint's); it is taken here whenever the engine is called.
#pragma once

#include <functional>
#include <memory>

#include "kernel/base/spinlock.h"
#include "net/ether_socket/ether_socket.h"
#include "net/poll_loop/poll_loop.h"
#include "net/roce/engine.h"

namespace roce_socket {

class RocePort final : private roce::FrameSink {
 public:
  // `lost` is called, once, when the switch is gone. Everything made from the engine goes before the port does.
  static base::Result<std::unique_ptr<RocePort>> create(poll_loop::PollLoop& loop, base::SpinLock& lock,
                                                        ether_socket::EtherSocket socket,
                                                        const roce::EngineConfig& config, std::function<void()> lost);
  RocePort(const RocePort&) = delete;
  RocePort& operator=(const RocePort&) = delete;
  ~RocePort();

  roce::Engine& engine() { return *engine_; }
  ether_socket::EtherSocket::Counters counters() const { return socket_.counters(); }

 private:
  struct Alarm final : base::Timer {
    explicit Alarm(RocePort& owner) : port(owner) {}
    void expired() override { port.advance(); }
    RocePort& port;
  };
  // Tells that the switch is gone as an event of its own: the loop is not about to wait then.
  struct Farewell final : base::Work {
    explicit Farewell(RocePort& owner) : port(owner) {}
    void run() override { port.lost_(); }
    RocePort& port;
  };

  RocePort(poll_loop::PollLoop& loop, base::SpinLock& lock, ether_socket::EtherSocket socket,
           std::function<void()> lost);

  base::Result<> transmit(std::span<const roce::Segment> segments, roce::TransmitToken token) override;
  void quiesce() override {}  // no frame is ever held
  void handle(short events);
  void receive();
  void flush();
  void advance();
  void before_wait();
  void lose();

  poll_loop::PollLoop& loop_;
  base::SpinLock& lock_;
  ether_socket::EtherSocket socket_;
  std::function<void()> lost_;
  base::Own<roce::Engine> engine_;
  poll_loop::PollLoop::Watch watch_;
  poll_loop::PollLoop::Hook hook_;
  Alarm alarm_;
  Farewell farewell_;
  bool full_ = false;  // a frame was refused: the engine waits for space_available()
  bool gone_ = false;
  bool told_ = false;
};

}  // namespace roce_socket
