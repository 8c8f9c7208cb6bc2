// SPDX-License-Identifier: Apache-2.0
// The table of programs, and cells as text: see cells.h.
#include "tests/interop/verbs_peer/cells.h"

#include <sstream>

namespace verbs_peer {
namespace {

using verbs_test::TaskKind;
using verbs_test::Transport;

const std::vector<Program>& programs() {
  static const std::vector<Program> all = {
      {"rping", {"rping", "-V"}, Exchange::Rping, TaskKind::Serve, TaskKind::RpingClient},
      {"ibv_rc_pingpong", {"ibv_rc_pingpong"}, Exchange::Pingpong, TaskKind::EchoSends, TaskKind::PingSends},
      {"ibv_ud_pingpong",
       {"ibv_ud_pingpong"},
       Exchange::Pingpong,
       TaskKind::EchoSends,
       TaskKind::PingSends,
       Transport::Datagram},
      {"ib_send_lat",
       {"ib_send_lat"},
       Exchange::Perftest,
       TaskKind::EchoSends,
       TaskKind::PingSends,
       Transport::Reliable,
       0,
       4,
       1},
      {"ib_send_lat_ud",
       {"ib_send_lat", "-c", "UD"},
       Exchange::Perftest,
       TaskKind::EchoSends,
       TaskKind::PingSends,
       Transport::Datagram,
       0,
       4,
       1},
      {"ib_write_lat",
       {"ib_write_lat"},
       Exchange::Perftest,
       TaskKind::PingWrites,
       TaskKind::EchoWrites,
       Transport::Reliable,
       0,
       4,
       0},  // its server begins
      {"ib_read_lat",
       {"ib_read_lat"},
       Exchange::Perftest,
       TaskKind::Serve,
       TaskKind::Reads,
       Transport::Reliable,
       0,
       4,
       1},
      {"ib_write_bw",
       {"ib_write_bw"},
       Exchange::Perftest,
       TaskKind::Serve,
       TaskKind::Writes,
       Transport::Reliable,
       0,
       3,
       1,
       true},
      {"ib_read_bw",
       {"ib_read_bw"},
       Exchange::Perftest,
       TaskKind::Serve,
       TaskKind::Reads,
       Transport::Reliable,
       0,
       3,
       1,
       true},
      {"ib_atomic_lat_fa",
       {"ib_atomic_lat", "-A", "FETCH_AND_ADD"},
       Exchange::Perftest,
       TaskKind::Serve,
       TaskKind::FetchAdds,
       Transport::Reliable,
       0,
       4,
       1,
       false,
       false},
      {"ib_atomic_lat_cs",
       {"ib_atomic_lat", "-A", "CMP_AND_SWAP"},
       Exchange::Perftest,
       TaskKind::Serve,
       TaskKind::CompareSwaps,
       Transport::Reliable,
       0,
       4,
       1,
       false,
       false},
      {"send",
       {},
       Exchange::Own,
       TaskKind::EchoSends,
       TaskKind::PingSends,
       Transport::Reliable,
       verbs_test::flag_verify},
      {"send_imm",
       {},
       Exchange::Own,
       TaskKind::EchoSends,
       TaskKind::PingSends,
       Transport::Reliable,
       verbs_test::flag_verify | verbs_test::flag_immediate},
      {"write", {}, Exchange::Own, TaskKind::Serve, TaskKind::Writes, Transport::Reliable, verbs_test::flag_verify},
      {"write_imm",
       {},
       Exchange::Own,
       TaskKind::EchoSends,
       TaskKind::WritesWithImmediate,
       Transport::Reliable,
       verbs_test::flag_verify},
      {"read", {}, Exchange::Own, TaskKind::Serve, TaskKind::Reads, Transport::Reliable, verbs_test::flag_verify},
      {"fetch_add", {}, Exchange::Own, TaskKind::Serve, TaskKind::FetchAdds},
      {"compare_swap", {}, Exchange::Own, TaskKind::Serve, TaskKind::CompareSwaps},
      {"datagram",
       {},
       Exchange::Own,
       TaskKind::EchoSends,
       TaskKind::PingSends,
       Transport::Datagram,
       verbs_test::flag_verify},
      {"datagram_imm",
       {},
       Exchange::Own,
       TaskKind::EchoSends,
       TaskKind::PingSends,
       Transport::Datagram,
       verbs_test::flag_verify | verbs_test::flag_immediate},
  };
  return all;
}

void append(std::vector<std::string>& arguments, std::initializer_list<std::string> more) {
  arguments.insert(arguments.end(), more);
}

// perftest's table: a line that begins with the size and the number of iterations.
bool has_result_line(const std::string& output, const Cell& cell) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::uint32_t size = 0, iterations = 0;
    if (words >> size >> iterations && size == cell.size && iterations == cell.iterations) return true;
  }
  return false;
}

}  // namespace

Cell parse_cell(const std::string& line) {
  std::istringstream words(line);
  std::string program, direction, family;
  Cell cell{};
  words >> program >> direction >> family >> cell.size >> cell.path_mtu >> cell.iterations;
  for (const Program& known : programs()) {
    if (known.name == program) cell.program = &known;
  }
  if (!words || cell.program == nullptr || (direction != "to-image" && direction != "from-image") ||
      (family != "ipv4" && family != "ipv6")) {
    fail("no cell: " + line);
  }
  cell.gid_index = family == "ipv4" ? gid_index_ipv4 : gid_index_ipv6;
  cell.direction = direction == "to-image" ? Direction::ToImage : Direction::FromImage;
  return cell;
}

verbs_test::ControlRequest request_of(const Cell& cell) {
  verbs_test::ControlRequest request;
  request.transport = static_cast<std::uint8_t>(cell.program->transport);
  const bool serves = cell.direction == Direction::ToImage;
  request.task = static_cast<std::uint8_t>(serves ? cell.program->served : cell.program->asked);
  request.flags = cell.program->flags;
  if (cell.gid_index == gid_index_ipv6) request.flags |= verbs_test::flag_ipv6;
  request.size = cell.size;
  request.iterations = cell.iterations;
  request.depth = 16;
  request.path_mtu = cell.path_mtu;
  request.seed = cell.size * 7 + cell.path_mtu;
  request.timeout_ms = 1000 * static_cast<std::uint32_t>(patience.count()) - 10'000;
  return request;
}

std::vector<std::string> command_line(const Cell& cell, const std::string& server) {
  const std::string size = std::to_string(cell.size), count = std::to_string(cell.iterations);
  const std::string gid = std::to_string(cell.gid_index), port = std::to_string(exchange_port);
  std::vector<std::string> arguments = cell.program->arguments;
  switch (cell.program->exchange) {
    case Exchange::Rping:
      append(arguments, {server.empty() ? "-s" : "-c", "-C", count, "-S", size, "-a"});
      if (!server.empty()) {
        append(arguments, {server});
      } else {
        append(arguments, {cell.gid_index == gid_index_ipv4 ? "0.0.0.0" : "::"});
      }
      break;
    case Exchange::Pingpong:
      append(arguments, {"-d", "rxe0", "-g", gid, "-p", port, "-n", count, "-s", size, "-r", "64", "-c"});
      if (cell.program->transport == verbs_test::Transport::Reliable) {
        append(arguments, {"-m", std::to_string(cell.path_mtu)});
      }
      if (!server.empty()) append(arguments, {server});
      break;
    case Exchange::Perftest:
      append(arguments, {"-d", "rxe0", "-x", gid, "-p", port, "-n", count, "-m", std::to_string(cell.path_mtu), "-F"});
      if (cell.program->sizes) append(arguments, {"-s", size});
      if (!server.empty()) append(arguments, {server});
      break;
    case Exchange::Own:
      break;
  }
  return arguments;
}

std::string judge_output(const Cell& cell, bool client, const std::string& output) {
  switch (cell.program->exchange) {
    case Exchange::Rping:
      // With -V it says so if a ping's bytes are wrong, and goes on.
      return output.find("mismatch") != output.npos ? "rping got other bytes" : "";
    case Exchange::Pingpong:
      if (output.find("invalid data") != output.npos) return "the program got other bytes";
      return output.find(std::to_string(cell.iterations) + " iters in") != output.npos ? ""
                                                                                       : "no result of the program";
    case Exchange::Perftest:
      return !client || has_result_line(output, cell) ? "" : "no result line of the program";
    case Exchange::Own:
      break;
  }
  return "";
}

}  // namespace verbs_peer
