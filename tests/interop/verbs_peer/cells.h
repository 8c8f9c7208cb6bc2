// SPDX-License-Identifier: Apache-2.0
// One cell of the matrix: which program, in which direction, with which messages; and what each program is. A cell is
// written as it is read: "ib_send_lat to-image ipv4 4096 1024 6" is 6 messages of 4096 bytes with path MTU 1024.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/verbs_test/control.h"
#include "tests/interop/verbs_peer/control_client.h"

namespace verbs_peer {

enum class Direction : std::uint8_t {
  ToImage,    // the guest's side is the client, the image the server
  FromImage,  // the other way round
};

// How a program finds its peer.
enum class Exchange : std::uint8_t {
  Rping,     // rdma_cm alone
  Pingpong,  // one message each way over TCP
  Perftest,  // perftest's over TCP
  Own,       // none: this program's own tests
};

struct Program {
  std::string name;                    // in the matrix
  std::vector<std::string> arguments;  // the program and its fixed options
  Exchange exchange;
  verbs_test::TaskKind served;  // what an image does that is its server
  verbs_test::TaskKind asked;   // and its client
  verbs_test::Transport transport = verbs_test::Transport::Reliable;
  std::uint8_t flags = 0;  // verbs_test::flag_*
  // perftest: how often a server's program exchanges keys before the client begins and after it has ended, and whether
  // both exchange reports.
  unsigned keys_before = 0;
  unsigned keys_after = 0;
  bool reports = false;
  bool sizes = true;  // takes --size
};

struct Cell {
  const Program* program;
  Direction direction;
  unsigned gid_index;
  std::uint32_t size;
  std::uint32_t path_mtu;
  std::uint32_t iterations;
};

// Throws for what cannot be read.
Cell parse_cell(const std::string& line);

// The cell's request to the image, but for verb, peer and port.
verbs_test::ControlRequest request_of(const Cell& cell);

inline constexpr std::chrono::seconds patience(40);
inline constexpr std::uint16_t exchange_port = 18515;

// What can be passed to both sides of a cell.
struct Place {
  ControlClient& control;
  Device& device;
  std::string image_ip;
  std::string image_link_local;  // with the guest's interface

  const std::string& address(const Cell& cell) const {
    return cell.gid_index == gid_index_ipv4 ? image_ip : image_link_local;
  }
};

// Each returns "" if all was well, and otherwise says what was not.
std::string image_serves(const Cell& cell, Place& place);
std::string image_asks(const Cell& cell, Place& place);
std::string own_test(const Cell& cell, Place& place);

// The command line of a cell's program; `server`: an address, if it is to be the client.
std::vector<std::string> command_line(const Cell& cell, const std::string& server);
// What is wrong with what the program said at its end.
std::string judge_output(const Cell& cell, bool client, const std::string& output);

}  // namespace verbs_peer
