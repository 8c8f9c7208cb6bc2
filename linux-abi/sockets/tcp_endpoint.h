// SPDX-License-Identifier: Apache-2.0
// A TCP socket on lwIP's raw interface. What lwIP hands over waits here until it is read, and only then opens the
// window again. lwIP's pcb is gone when a connection was reset, or after close(), which leaves the rest to lwIP.
#pragma once

#include "kernel/base/array.h"
#include "linux-abi/sockets/byte_queue.h"
#include "linux-abi/sockets/inet_endpoint.h"
#include "lwip/tcp.h"

namespace linux_abi {

using TcpConnectingHook = boost::intrusive::list_base_hook<>;

class TcpEndpoint final : public InetEndpoint, public TcpConnectingHook {
 public:
  TcpEndpoint(processor::Reference<InetSpace> space, int family)
      : InetEndpoint(std::move(space), family, InetProtocol::Tcp) {}
  ~TcpEndpoint() override;

  Answer<> listen(int backlog) override;
  bool is_listening() override;
  Answer<InetEndpointReference> accept(const ReceiveOptions& options, Caller& caller) override;
  Answer<> connect(const InetAddress& to, const SendOptions& options, Caller& caller) override;
  Answer<> disconnect() override;
  Answer<> shut_down(bool receiving, bool sending) override;
  Answer<std::size_t> send(std::span<const std::byte> from, const InetAddress* to, const SendOptions& options,
                           Caller& caller) override;
  Answer<Received> receive(std::span<std::byte> to, const ReceiveOptions& options, Caller& caller) override;
  void close(bool abort) override;
  std::uint32_t events() override;
  std::size_t bytes_to_read() override;
  std::size_t bytes_under_way() override;
  std::size_t bytes_unsent() override;
  int tcp_state() override;
  std::uint32_t segment_bytes() override;
  void limit_segments(std::uint32_t bytes) override;

 private:
  friend class InetSpace;
  enum class State : std::uint8_t { Fresh, Connecting, Connected, Listening };

  // What lwIP calls; with inet_lock.
  static err_t accepted(void* listener, tcp_pcb* pcb, err_t failure);
  static err_t connected(void* endpoint, tcp_pcb* pcb, err_t failure);
  static err_t arrived(void* endpoint, tcp_pcb* pcb, pbuf* packet, err_t failure);
  static err_t acknowledged(void* endpoint, tcp_pcb* pcb, std::uint16_t bytes);
  static err_t polled(void* endpoint, tcp_pcb* pcb);
  static void lost(void* endpoint, err_t failure);

  void watch_locked(tcp_pcb* pcb);
  void forget_pcb_locked();  // lwIP goes on with it alone
  void leave_locked(bool abort);
  int start_locked(const InetAddress& to, std::uint64_t now_ns);
  int send_error_locked();
  std::size_t write_locked(std::span<const std::byte> from, std::uint64_t now_ns);
  void take_refused_locked();
  void open_window_locked(std::size_t bytes, std::uint64_t now_ns);

  State state_ = State::Fresh;
  tcp_pcb* pcb_ = nullptr;
  bool end_received_ = false;
  bool reset_ = false;
  bool connect_told_ = true;  // false: a connect() that did not wait has not been asked for its end
  bool starved_ = false;      // a write found no memory, or too many segments under way
  ByteQueue unread_;          // as much as the window that was announced
  base::Array<processor::Reference<TcpEndpoint>> waiting_;  // connected, not accepted yet
  std::size_t backlog_ = 0;
  std::uint32_t segment_limit_ = 0;  // 0: none
};

}  // namespace linux_abi
