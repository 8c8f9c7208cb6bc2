// SPDX-License-Identifier: Apache-2.0
// A server that does nothing: its memory is read and written without it.
#include "tests/rack/port/server.h"

#include "kernel/base/log.h"

namespace port_test {

using base::Result;
using verbs::Access;

namespace {
constexpr std::size_t memory_bytes = (pages + writable_pages) * base::page_bytes;
constexpr Access peers_access = Access::LocalWrite | Access::RemoteRead | Access::RemoteWrite;
}  // namespace

Result<> Server::start(device::DmaMemory& memory) {
  const std::span<std::byte> bytes = TRY(memory.allocate(memory_bytes));
  for (std::size_t page = 0; page < pages; ++page) {
    auto* words = reinterpret_cast<std::uint64_t*>(bytes.data() + page * base::page_bytes);
    fill_page({words, base::page_bytes / 8}, page, 0);
  }
  base::SpinGuard guard(port_.lock());
  verbs::Device& device = port_.engine().device();
  domain_ = TRY(device.allocate_protection_domain());
  const auto address = reinterpret_cast<std::uint64_t>(bytes.data());
  region_ = TRY(domain_->register_memory(address, memory_bytes, peers_access));
  completions_ = TRY(device.create_completion_queue(64));
  offer_ = {.address = address, .rkey = region_->rkey()};
  return port_.engine().connections().listen(service_port, *this);
}

void Server::requested(base::Own<verbs::ConnectionRequest> request) {
  if (const auto accepted = accept(*request); !accepted) {
    base::log_warning("test", "a connection cannot be accepted: {}", accepted.error());
  }
}

Result<> Server::accept(verbs::ConnectionRequest& request) {
  TRY(clients_.push_back({}));
  Client& client = clients_.back();
  client.queue_pair = TRY(port_.engine().device().create_queue_pair(
      *domain_, {.send_cq = completions_.get(), .recv_cq = completions_.get()}));
  client.connection = TRY(
      request.accept(*client.queue_pair, peers_access, *this, {.private_data = std::as_bytes(std::span(&offer_, 1))}));
  return {};
}

void Server::established(verbs::Connection&, std::span<const std::byte>) { base::log_info("test", "connected"); }
void Server::rejected(verbs::Connection&, verbs::RejectReason, std::span<const std::byte>) {}
void Server::disconnected(verbs::Connection&) { base::log_info("test", "disconnected"); }

}  // namespace port_test
