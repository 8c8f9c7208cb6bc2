// SPDX-License-Identifier: Apache-2.0
// An open socket of any family: what the calls about sockets ask of it. Addresses come as the program gave them, with
// their size; each family checks its own. Blocking is by the file's O_NONBLOCK, the call's flag and the time-outs of
// the options.
#pragma once

#include "linux-abi/files/open_file.h"
#include "linux-abi/sockets/socket_message.h"
#include "linux-abi/sockets/socket_options.h"

namespace linux_abi {

class InetSocket;
class NetlinkSocket;
class UnixSocket;

struct Outgoing {
  const SocketAddress* to = nullptr;  // nullptr: where it is connected to
  base::Own<Attachment> attachment;
  SocketCredentials credentials;
};

// ioctls about what a socket holds.
namespace socket_request {
inline constexpr std::uint32_t bytes_to_read = 0x541b, bytes_under_way = 0x5411, bytes_unsent = 0x894b,
                               at_mark = 0x8905, last_time = 0x8906, last_time_ns = 0x8907, last_time_new = 0x80108906,
                               last_time_ns_new = 0x80108907;
}

class Socket : public OpenFile {
 public:
  Socket(int flags, int family, SocketType type, int protocol, std::int32_t send_buffer, std::int32_t receive_buffer);

  int family() const { return family_.load(std::memory_order_relaxed); }
  SocketType type() const { return type_; }
  int protocol() const { return protocol_; }
  bool is_stream() const { return type_ == SocketType::Stream; }
  SocketOptions& options() { return options_; }
  const SocketOptions& options() const { return options_; }

  // Of AF_UNIX sockets the call itself does it: it may need a file.
  virtual Answer<> bind(const SocketAddress&, Caller&) { return error(EOPNOTSUPP); }
  virtual Answer<> listen(int backlog, Caller& caller) = 0;
  // flags: O_NONBLOCK of the new one.
  virtual Answer<OpenFileReference> accept(int flags, Caller& caller) = 0;
  virtual Answer<> connect(const SocketAddress& address, Caller& caller) = 0;
  virtual Answer<> shut_down(bool receiving, bool sending) = 0;
  virtual SocketAddress name() = 0;
  virtual Answer<SocketAddress> peer_name() = 0;  // ENOTCONN
  // Raises SIGPIPE as Linux does. flags: MSG_*.
  virtual Answer<std::size_t> send(std::span<const std::byte> from, Outgoing& message, int flags, Caller& caller) = 0;
  virtual Answer<Received> receive(std::span<std::byte> to, int flags, Caller& caller) = 0;
  // The longest message that is taken; of streams no limit.
  virtual std::size_t longest_message() const = 0;
  // room: how many bytes the program takes, which some options look at.
  virtual Answer<OptionValue> option(int level, int name, std::size_t room, Caller& caller);
  virtual Answer<> set_option(int level, int name, std::span<const std::byte> value, Caller& caller);
  // What the options want to be told with a message that was received.
  virtual void note(const Received& received, ControlNotes& notes) const;
  virtual bool is_listening() = 0;
  virtual int take_error() = 0;
  // Which of them it is.
  virtual UnixSocket* unix_socket() { return nullptr; }
  virtual InetSocket* inet_socket() { return nullptr; }
  virtual NetlinkSocket* netlink_socket() { return nullptr; }

  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override;
  Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller) override;
  bool keeps_messages() const override { return !is_stream(); }
  Answer<FileStatus> status(Caller& caller) override;
  std::size_t describe(std::span<char> to, Caller& caller) override;
  Socket* socket() override { return this; }

 protected:
  void set_family(int family) { family_.store(family, std::memory_order_relaxed); }
  Answer<std::uint64_t> tell_count(std::size_t count, std::uint64_t to, Caller& caller) const;
  SendOptions send_options(int flags, Caller& caller) const;
  ReceiveOptions receive_options(int flags, Caller& caller) const;

 private:
  std::atomic<int> family_;  // AF_INET6 may become AF_INET, once
  const SocketType type_;
  const int protocol_;
  SocketOptions options_;
  const std::uint64_t inode_;
};

// ioctl, of sockets of any family: questions about network interfaces, of which there is lo. ENOTTY, ENODEV.
Answer<std::uint64_t> ask_interfaces(std::uint32_t request, std::uint64_t argument, Caller& caller);

// SO_BINDTODEVICE: lo, by its name. EINVAL, ENODEV, EPERM.
Answer<OptionValue> bound_interface(const SocketOptions& options, std::size_t room);
Answer<> bind_to_interface(SocketOptions& options, std::span<const std::byte> name, bool privileged);

// Of the thread, as its peers see it.
SocketCredentials credentials_of(Caller& caller);

namespace message_flag {
inline constexpr int out_of_band = 1, peek = 2, control_truncated = 8, truncated = 0x20, do_not_wait = 0x40,
                     end_of_record = 0x80, wait_all = 0x100, error_queue = 0x2000, no_signal = 0x4000, more = 0x8000,
                     wait_for_one = 0x10000, close_on_exec = 0x40000000;
}

}  // namespace linux_abi
