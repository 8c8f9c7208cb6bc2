// SPDX-License-Identifier: Apache-2.0
// /proc/net: the sockets that processes of the vNode have open, and its one interface, lo. See proc_texts.h. A socket
// that nobody has a descriptor of any more, or not yet, is not shown.
#include <algorithm>

#include "linux-abi/files/fixed_tree.h"
#include "linux-abi/files/hexadecimal.h"
#include "linux-abi/files/proc_texts.h"
#include "linux-abi/process/inspection.h"
#include "linux-abi/sockets/inet_socket.h"
#include "linux-abi/sockets/unix_socket.h"

namespace linux_abi {
namespace {

struct Shown {
  OpenFileReference file;
  std::uint64_t inode = 0;
  std::uint32_t uid = 0;
};

// Each once, by its inode, with a user that has it.
class Sockets {
 public:
  Answer<> collect(Caller& caller) {
    auto& thread = static_cast<Thread&>(caller);
    for (int pid = 0; (pid = next_process(thread, pid + 1)) != 0;) {
      const auto process = inspect(thread, pid, InspectFor::Everybody);
      if (!process || !process->descriptors) continue;
      const std::uint32_t uid = owner_of_process(pid, caller).uid;
      for (int number = 0; (number = process->descriptors->next(number)) >= 0; ++number) {
        const auto file = process->descriptors->get(number);
        if (file && (*file)->socket() != nullptr) TRY(add(*file, uid, caller));
      }
    }
    return {};
  }
  const base::Array<Shown>& all() const { return all_; }

 private:
  static int next_process(Thread& thread, int pid) {
    const base::SpinGuard guard(tasks_lock);
    PidEntry* entry = thread.process().vnode().pids.next(pid);
    while (entry != nullptr && entry->process == nullptr) entry = thread.process().vnode().pids.next(entry->pid + 1);
    return entry == nullptr ? 0 : entry->pid;
  }
  Answer<> add(const OpenFileReference& file, std::uint32_t uid, Caller& caller) {
    const std::uint64_t inode = TRY(file->status(caller)).inode;
    const auto same = [inode](const Shown& shown) { return shown.inode == inode; };
    if (std::any_of(all_.begin(), all_.end(), same)) return {};
    TRY(all_.push_back({file, inode, uid}));
    return {};
  }
  base::Array<Shown> all_;
};

// The numbers of struct tcp_info; a datagram socket is connected, or closed.
std::uint32_t state_of(InetEndpoint& endpoint) {
  constexpr std::uint32_t established = 1, closed = 7, listening = 10;
  if (endpoint.protocol() == InetProtocol::Udp) return endpoint.peer_name() ? established : closed;
  return endpoint.is_listening() ? listening : static_cast<std::uint32_t>(endpoint.tcp_state());
}

// As words of the machine's own order, which is how Linux shows addresses.
Answer<> add_address(TextWriter& out, const InetAddress& address, int family) {
  const std::size_t first = family == address_family::internet ? 12 : 0;
  for (std::size_t word = first; word < address.bytes.size(); word += 4)
    for (std::size_t byte = 4; byte-- > 0;) TRY(add_padded_hex(out, address.bytes[word + byte], 2, HexCase::Upper));
  TRY(out.add_text(":"));
  return add_padded_hex(out, address.port, 4, HexCase::Upper);
}

Answer<> add_number(TextWriter& out, std::uint64_t value, std::size_t width) {
  std::array<char, 24> digits;
  const std::string_view text = base::format(digits, "{}", value);
  for (std::size_t used = text.size(); used < width; ++used) TRY(out.add_text(" "));
  return out.add_text(text);
}

Answer<> add_inet_line(TextWriter& out, std::uint64_t number, const Shown& shown, InetEndpoint& endpoint) {
  const int family = endpoint.family();
  TRY(add_number(out, number, endpoint.protocol() == InetProtocol::Tcp ? 4 : 5));
  TRY(out.add_text(": "));
  TRY(add_address(out, endpoint.name(), family));
  TRY(out.add_text(" "));
  TRY(add_address(out, endpoint.peer_name().value_or(InetAddress::any(family)), family));
  TRY(out.add_text(" "));
  TRY(add_padded_hex(out, state_of(endpoint), 2, HexCase::Upper));
  TRY(out.add_text(" "));
  TRY(add_padded_hex(out, endpoint.bytes_under_way(), 8, HexCase::Upper));
  TRY(out.add_text(":"));
  TRY(add_padded_hex(out, endpoint.bytes_to_read(), 8, HexCase::Upper));
  TRY(out.add_text(" 00:00000000 00000000 "));
  TRY(add_number(out, shown.uid, 5));
  TRY(out.add_text("        0 "));
  TRY(out.add("{} 2 0000000000000000 0", shown.inode));
  return out.add_text(endpoint.protocol() == InetProtocol::Tcp ? " 0 0 10 0\n" : "\n");
}

Answer<> add_inet_head(TextWriter& out, int family, bool is_tcp) {
  const std::string_view addresses =
      family == address_family::internet
          ? "local_address rem_address   "
          : "local_address                         remote_address                        ";
  TRY(out.add_text(is_tcp ? "  sl  " : "   sl  "));
  TRY(out.add_text(addresses));
  TRY(out.add_text("st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"));
  return out.add_text(is_tcp ? "\n" : " ref pointer drops\n");
}

Answer<> add_inet(TextWriter& out, Caller& caller, int family, InetProtocol protocol) {
  TRY(add_inet_head(out, family, protocol == InetProtocol::Tcp));
  Sockets sockets;
  TRY(sockets.collect(caller));
  std::uint64_t number = 0;
  for (const Shown& shown : sockets.all()) {
    InetSocket* socket = shown.file->socket()->inet_socket();
    if (socket == nullptr || socket->family() != family) continue;
    InetEndpoint& endpoint = socket->endpoint();
    // Who has no name yet cannot be reached, and is not shown.
    if (endpoint.protocol() != protocol || endpoint.name().port == 0) continue;
    TRY(add_inet_line(out, number++, shown, endpoint));
  }
  return {};
}

Answer<> write_tcp(TextWriter& out, int, Caller& caller) {
  return add_inet(out, caller, address_family::internet, InetProtocol::Tcp);
}
Answer<> write_tcp6(TextWriter& out, int, Caller& caller) {
  return add_inet(out, caller, address_family::internet6, InetProtocol::Tcp);
}
Answer<> write_udp(TextWriter& out, int, Caller& caller) {
  return add_inet(out, caller, address_family::internet, InetProtocol::Udp);
}
Answer<> write_udp6(TextWriter& out, int, Caller& caller) {
  return add_inet(out, caller, address_family::internet6, InetProtocol::Udp);
}

Answer<> add_unix_line(TextWriter& out, const Shown& shown, UnixEndpoint& endpoint) {
  constexpr std::uint32_t unconnected = 1, connected = 3, accepts = 0x10000;
  TRY(out.add_text("0000000000000000: 00000002 00000000 "));
  TRY(add_padded_hex(out, endpoint.is_listening() ? accepts : 0, 8));
  TRY(out.add_text(" "));
  TRY(add_padded_hex(out, static_cast<std::uint64_t>(endpoint.type()), 4));
  TRY(out.add_text(" "));
  TRY(add_padded_hex(out, endpoint.is_connected() ? connected : unconnected, 2));
  TRY(out.add_text(" "));
  TRY(add_number(out, shown.inode, 5));
  const UnixName name = endpoint.own_name();
  if (!name.empty()) TRY(out.add_text(" "));
  // Zero bytes of an abstract name are shown as @, the first and others.
  for (const char each : name.is_abstract() ? name.abstract() : name.path())
    TRY(out.add_text(each == 0 ? "@" : std::string_view(&each, 1)));
  return out.add_text("\n");
}

Answer<> write_unix(TextWriter& out, int, Caller& caller) {
  TRY(out.add_text("Num       RefCount Protocol Flags    Type St Inode Path\n"));
  Sockets sockets;
  TRY(sockets.collect(caller));
  for (const Shown& shown : sockets.all())
    if (UnixSocket* socket = shown.file->socket()->unix_socket()) TRY(add_unix_line(out, shown, socket->endpoint()));
  return {};
}

// What there is none of: sockets of other kinds, routes beyond lo, neighbours.
Answer<> write_raw(TextWriter& out, int, Caller&) { return add_inet_head(out, address_family::internet, false); }
Answer<> write_raw6(TextWriter& out, int, Caller&) { return add_inet_head(out, address_family::internet6, false); }
Answer<> write_route(TextWriter& out, int, Caller&) {
  return out.add_text("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n");
}
Answer<> write_arp(TextWriter& out, int, Caller&) {
  return out.add_text("IP address       HW type     Flags       HW address            Mask     Device\n");
}
Answer<> write_packet(TextWriter& out, int, Caller&) {
  return out.add_text("sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
}
Answer<> write_netlink(TextWriter& out, int, Caller&) {
  return out.add_text("sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
}

// lo: 127.0.0.1 and ::1. What goes over it is not counted.
Answer<> write_devices(TextWriter& out, int, Caller&) {
  TRY(
      out.add_text("Inter-|   Receive                                                |  Transmit\n"
                   " face |bytes    packets errs drop fifo frame compressed multicast"
                   "|bytes    packets errs drop fifo colls carrier compressed\n"));
  return out.add_text(
      "    lo:       0       0    0    0    0     0          0         0"
      "        0       0    0    0    0     0       0          0\n");
}
Answer<> write_addresses6(TextWriter& out, int, Caller&) {
  return out.add_text("00000000000000000000000000000001 01 80 10 80       lo\n");
}

constexpr FixedText texts[] = {{"arp", write_arp},         {"dev", write_devices},   {"if_inet6", write_addresses6},
                               {"netlink", write_netlink}, {"packet", write_packet}, {"raw", write_raw},
                               {"raw6", write_raw6},       {"route", write_route},   {"tcp", write_tcp},
                               {"tcp6", write_tcp6},       {"udp", write_udp},       {"udp6", write_udp6},
                               {"unix", write_unix}};

}  // namespace

Answer<NodeReference> make_proc_net() { return make_directory(FixedTree<texts>::source, 0); }

}  // namespace linux_abi
