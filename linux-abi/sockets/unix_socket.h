// SPDX-License-Identifier: Apache-2.0
// The open file of an AF_UNIX socket.
#pragma once

#include "linux-abi/files/place.h"
#include "linux-abi/sockets/socket.h"
#include "linux-abi/sockets/unix_endpoint.h"

namespace linux_abi {

class UnixSocket final : public Socket, public UnixOwner {
 public:
  struct Pair {
    OpenFileReference first, second;
  };
  // flags: O_NONBLOCK.
  static Answer<OpenFileReference> create(const processor::Reference<UnixSpace>& space, SocketType type, int flags);
  static Answer<Pair> create_pair(const processor::Reference<UnixSpace>& space, SocketType type, int flags,
                                  const SocketCredentials& creator);

  UnixSocket(UnixEndpointReference endpoint, int flags);
  ~UnixSocket() override;

  UnixEndpoint& endpoint() { return *endpoint_; }
  // To a file of its own that was made for it; it is kept. EINVAL.
  Answer<> bind_to(PlaceReference place, const UnixName& name);
  // To an abstract name, or with an empty name to one that is found for it.
  Answer<> bind_abstract(const UnixName& name);

  Answer<> listen(int backlog, Caller& caller) override;
  Answer<OpenFileReference> accept(int flags, Caller& caller) override;
  Answer<> connect(const SocketAddress& address, Caller& caller) override;
  Answer<> shut_down(bool receiving, bool sending) override;
  SocketAddress name() override { return endpoint_->own_name().address(); }
  Answer<SocketAddress> peer_name() override { return TRY(endpoint_->peer_name()).address(); }
  Answer<std::size_t> send(std::span<const std::byte> from, Outgoing& message, int flags, Caller& caller) override;
  Answer<Received> receive(std::span<std::byte> to, int flags, Caller& caller) override;
  std::size_t longest_message() const override;
  Answer<OptionValue> option(int level, int name, std::size_t room, Caller& caller) override;
  Answer<> set_option(int level, int name, std::span<const std::byte> value, Caller& caller) override;
  bool is_listening() override { return endpoint_->is_listening(); }
  int take_error() override { return endpoint_->take_error(); }
  UnixSocket* unix_socket() override { return this; }

  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override;
  std::uint32_t poll_events() override { return endpoint_->events(); }
  PollSource* poll_source() override { return &endpoint_->source(); }
  std::uint32_t references() const override;

 private:
  void close() override;
  Answer<UnixEndpointReference> find(const SocketAddress& address, Caller& caller);
  Answer<> name_for_credentials();

  const UnixEndpointReference endpoint_;
  PlaceReference place_;  // guarded by the space's lock until it is set, constant then
};

// Open files on their way (SCM_RIGHTS).
class AttachedFiles final : public Attachment {
 public:
  explicit AttachedFiles(base::Array<OpenFileReference> attached) : files(std::move(attached)) {}
  std::size_t count() const override { return files.size(); }
  UnixEndpoint* endpoint(std::size_t index) const override;
  base::Own<Attachment> copy() const override;

  base::Array<OpenFileReference> files;
};

}  // namespace linux_abi
