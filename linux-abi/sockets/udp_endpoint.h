// SPDX-License-Identifier: Apache-2.0
// A UDP socket: datagrams that came through lwIP wait here, as many bytes as its receive buffer has room for.
#pragma once

#include "kernel/base/array.h"
#include "linux-abi/sockets/inet_endpoint.h"
#include "lwip/udp.h"

namespace linux_abi {

struct Datagram : boost::intrusive::list_base_hook<> {
  base::Array<std::byte> bytes;
  DatagramTags tags;
  std::uint32_t lost = 0;  // before it
};

class UdpEndpoint final : public InetEndpoint {
 public:
  static constexpr std::size_t longest = 65507;

  UdpEndpoint(processor::Reference<InetSpace> space, int family)
      : InetEndpoint(std::move(space), family, InetProtocol::Udp) {}

  Answer<> listen(int) override { return error(EOPNOTSUPP); }
  Answer<InetEndpointReference> accept(const ReceiveOptions&, Caller&) override { return error(EOPNOTSUPP); }
  Answer<> connect(const InetAddress& to, const SendOptions& options, Caller& caller) override;
  Answer<> disconnect() override;
  Answer<> shut_down(bool receiving, bool sending) override;
  Answer<std::size_t> send(std::span<const std::byte> from, const InetAddress* to, const SendOptions& options,
                           Caller& caller) override;
  Answer<Received> receive(std::span<std::byte> to, const ReceiveOptions& options, Caller& caller) override;
  void close(bool abort) override;
  std::uint32_t events() override;
  std::size_t bytes_to_read() override;
  std::size_t bytes_under_way() override { return 0; }

 private:
  using Datagrams = boost::intrusive::list<Datagram>;
  static void arrived(void* endpoint, udp_pcb* pcb, pbuf* packet, const ip_addr_t* address, std::uint16_t port);
  void take_locked(const pbuf& packet);
  // Of peeking from an offset on, what is left of it; null: nothing is there.
  Datagram* first_locked(std::size_t& skip);
  Answer<> open_locked();
  static void free(Datagrams& datagrams);

  udp_pcb* pcb_ = nullptr;
  Datagrams datagrams_;
  std::size_t queued_bytes_ = 0;
  std::uint32_t lost_ = 0;  // for want of room
};

}  // namespace linux_abi
