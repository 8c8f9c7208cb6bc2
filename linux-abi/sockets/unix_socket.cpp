// SPDX-License-Identifier: Apache-2.0
// Open AF_UNIX sockets: see unix_socket.h.
#include "linux-abi/sockets/unix_socket.h"

#include <asm/socket.h>
#include <linux/fcntl.h>

#include "linux-abi/files/path_walk.h"
#include "linux-abi/signals/signal_numbers.h"

namespace linux_abi {

UnixEndpoint* AttachedFiles::endpoint(std::size_t index) const {
  Socket* const socket = files[index]->socket();
  UnixSocket* const local = socket == nullptr ? nullptr : socket->unix_socket();
  return local == nullptr ? nullptr : &local->endpoint();
}

base::Own<Attachment> AttachedFiles::copy() const {
  base::Array<OpenFileReference> copies;
  for (const OpenFileReference& file : files)
    if (!copies.push_back(file)) return nullptr;
  return base::make<AttachedFiles>(std::move(copies));
}

UnixSocket::UnixSocket(UnixEndpointReference endpoint, int flags)
    : Socket(flags, address_family::local, endpoint->type(), 0, default_socket_buffer, default_socket_buffer),
      endpoint_(std::move(endpoint)) {
  endpoint_->set_owner(this);
}

UnixSocket::~UnixSocket() { endpoint_->close(); }

void UnixSocket::close() { base::Own<UnixSocket>(this).reset(); }

std::uint32_t UnixSocket::references() const { return processor::CountedReferences<OpenFile>::count(*this); }

namespace {

Answer<OpenFileReference> open_endpoint(UnixEndpointReference endpoint, int flags) {
  const UnixEndpointReference kept = endpoint;
  auto socket = base::make<UnixSocket>(std::move(endpoint), flags);
  if (socket) return OpenFileReference(*socket.release());
  kept->close();
  return error(ENOMEM);
}

}  // namespace

Answer<OpenFileReference> UnixSocket::create(const processor::Reference<UnixSpace>& space, SocketType type, int flags) {
  return open_endpoint(TRY(UnixEndpoint::create(space, type)), flags);
}

Answer<UnixSocket::Pair> UnixSocket::create_pair(const processor::Reference<UnixSpace>& space, SocketType type,
                                                 int flags, const SocketCredentials& creator) {
  const auto one = TRY(UnixEndpoint::create(space, type)), other = TRY(UnixEndpoint::create(space, type));
  Pair ends;
  ends.first = TRY(open_endpoint(one, flags));
  ends.second = TRY(open_endpoint(other, flags));
  UnixEndpoint::connect_pair(*one, *other, creator);
  return ends;
}

Answer<> UnixSocket::bind_to(PlaceReference place, const UnixName& name) {
  TRY(endpoint_->bind(name, &place->node()));
  place_ = std::move(place);
  return {};
}

Answer<> UnixSocket::bind_abstract(const UnixName& name) {
  return name.empty() ? endpoint_->autobind() : endpoint_->bind(name, nullptr);
}

Answer<> UnixSocket::name_for_credentials() {
  return options().is_on(SO_PASSCRED) ? endpoint_->autobind() : Answer<>();
}

Answer<UnixEndpointReference> UnixSocket::find(const SocketAddress& address, Caller& caller) {
  const UnixName name = TRY(UnixName::parse(address));
  if (name.empty()) return error(EINVAL);
  UnixSpace& space = endpoint_->space();
  if (name.is_abstract()) return space.find_abstract(name);
  const PlaceReference place = TRY(walk(caller, at_current_directory, name.path(), LastLink::Follow));
  TRY(check_access(caller, place->node(), 2));
  if (place->node().type() != file_mode::socket) return error(ECONNREFUSED);
  return space.find_bound(&place->node());
}

Answer<> UnixSocket::listen(int backlog, Caller& caller) { return endpoint_->listen(backlog, credentials_of(caller)); }

Answer<OpenFileReference> UnixSocket::accept(int flags, Caller& caller) {
  SendOptions options = send_options(0, caller);
  options.deadline_ns = receive_options(0, caller).deadline_ns;
  const UnixEndpointReference accepted = TRY(endpoint_->accept(options, caller));
  OpenFileReference file = TRY(open_endpoint(accepted, flags));
  // SO_PASSCRED is taken over, the rest is new.
  file->socket()->options().put(SO_PASSCRED, this->options().number(SO_PASSCRED));
  return file;
}

Answer<> UnixSocket::connect(const SocketAddress& address, Caller& caller) {
  const bool datagram = type() == SocketType::Datagram;
  if (datagram && address.has_family() && address.family() == address_family::unspecified)
    return endpoint_->set_peer({});
  const UnixEndpointReference found = TRY(find(address, caller));
  TRY(name_for_credentials());
  if (datagram) return endpoint_->set_peer(found);
  return endpoint_->connect(found, credentials_of(caller), send_options(0, caller), caller);
}

Answer<> UnixSocket::shut_down(bool receiving, bool sending) {
  endpoint_->shut_down(receiving, sending);
  return {};
}

Answer<std::size_t> UnixSocket::send(std::span<const std::byte> from, Outgoing& message, int flags, Caller& caller) {
  if ((flags & message_flag::out_of_band) != 0) return error(EOPNOTSUPP);
  UnixEndpointReference to;
  if (message.to != nullptr && is_stream()) return error(endpoint_->is_connected() ? EISCONN : EOPNOTSUPP);
  if (message.to != nullptr && type() == SocketType::Datagram) to = TRY(find(*message.to, caller));
  TRY(name_for_credentials());
  const SendOptions options = send_options(flags, caller);
  const auto sent = endpoint_->send(from, std::move(to), message.attachment, message.credentials, options, caller);
  if (!sent && sent.error() == EPIPE && is_stream() && !options.no_signal) caller.raise(sig::pipe);
  return sent;
}

Answer<Received> UnixSocket::receive(std::span<std::byte> to, int flags, Caller& caller) {
  if ((flags & message_flag::out_of_band) != 0) return error(EOPNOTSUPP);
  return endpoint_->receive(to, receive_options(flags, caller), caller);
}

std::size_t UnixSocket::longest_message() const { return static_cast<std::size_t>(options().send_buffer()) - 32; }

Answer<OptionValue> UnixSocket::option(int level, int name, std::size_t room, Caller& caller) {
  if (level == SOL_SOCKET && name == SO_PEERCRED) return OptionValue::of(endpoint_->peer_credentials());
  if (level == SOL_SOCKET && name == SO_TXREHASH) return error(EOPNOTSUPP);
  return Socket::option(level, name, room, caller);
}

Answer<> UnixSocket::set_option(int level, int name, std::span<const std::byte> value, Caller& caller) {
  if (level == SOL_SOCKET && name == SO_TXREHASH) return error(EOPNOTSUPP);
  TRY(Socket::set_option(level, name, value, caller));
  if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
    endpoint_->set_send_buffer(static_cast<std::size_t>(options().send_buffer()));
  return {};
}

Answer<std::uint64_t> UnixSocket::control(std::uint32_t request, std::uint64_t argument, Caller& caller) {
  switch (request) {
    case socket_request::bytes_to_read:
      if (endpoint_->is_listening()) return error(EINVAL);
      return tell_count(endpoint_->bytes_to_read(), argument, caller);
    case socket_request::bytes_under_way:
      return tell_count(endpoint_->bytes_under_way(), argument, caller);
    case socket_request::at_mark:
      return tell_count(0, argument, caller);  // there are no bytes out of band
    default:
      return ask_interfaces(request, argument, caller);
  }
}

}  // namespace linux_abi
