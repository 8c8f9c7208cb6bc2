// SPDX-License-Identifier: Apache-2.0
// The image as the client of a server program of the guest: the client's side of the TCP exchange is done here, with
// the image's queue pair in it, and in the middle the image runs.
#include <arpa/inet.h>
#include <unistd.h>

#include <bit>
#include <cstring>

#include "kernel/base/error.h"
#include "tests/interop/verbs_peer/cells.h"
#include "tests/interop/verbs_peer/child_program.h"
#include "tests/interop/verbs_peer/exchange.h"
#include "tests/interop/verbs_peer/tcp.h"

namespace verbs_peer {
namespace {

using verbs_test::ControlAnswer;
using verbs_test::ControlRequest;
using verbs_test::EndPoint;
using verbs_test::Verb;

constexpr unsigned reports = 5;  // numbers of 8 bytes that bandwidth programs exchange

class Client {
 public:
  Client(const Cell& cell, Place& place) : cell_(cell), place_(place), request_(request_of(cell)) {}

  ControlAnswer ask(Verb verb) {
    request_.verb = static_cast<std::uint8_t>(verb);
    return place_.control.demand(request_, patience);
  }
  ControlAnswer run(Socket program) {
    return cell_.program->exchange == Exchange::Pingpong ? run_pingpong(program) : run_perftest(program);
  }
  // rping needs no queue pair of the session. Its server may not listen yet.
  ControlAnswer run_rping(ChildProgram& program) {
    request_.port = verbs_test::rping_port;
    request_.verb = static_cast<std::uint8_t>(Verb::Run);
    std::memcpy(request_.peer.gid.data(), place_.device.gid(cell_.gid_index).raw, request_.peer.gid.size());
    const auto deadline = Clock::now() + patience;
    for (;;) {
      const ControlAnswer answer = place_.control.ask(request_, patience);
      const bool refused = answer.error == static_cast<std::uint32_t>(base::Error::NotConnected);
      if (!refused || !program.running() || Clock::now() > deadline) return answer;
      usleep(20'000);
    }
  }

 private:
  EndPoint open() { return ask(Verb::Open).self; }
  void connect(const EndPoint& peer) {
    request_.peer = peer;
    ask(Verb::Connect);
  }

  ControlAnswer run_pingpong(Socket& program) {
    const EndPoint self = open();
    program.write(format_pingpong_keys(self));
    std::string keys(pingpong_keys_bytes, '\0');
    program.read(keys);
    const auto peer = parse_pingpong_keys(keys);
    if (!peer) fail("the program's keys are malformed");
    connect(*peer);
    program.write(done_message);
    return ask(Verb::Run);
  }

  // The client writes first, at each step.
  void swap(Socket& program, std::span<const char> bytes) {
    program.write(bytes);
    std::vector<char> theirs(bytes.size());
    program.read(theirs);
  }
  void swap_number(Socket& program, std::uint32_t value) {
    const auto bytes = std::bit_cast<std::array<char, 4>>(htonl(value));
    swap(program, bytes);
  }
  EndPoint swap_keys(Socket& program, const EndPoint& self) {
    program.write(format_perftest_keys(self));
    std::string keys(perftest_keys_bytes, '\0');
    program.read(keys);
    const auto peer = parse_perftest_keys(keys);
    if (!peer) fail("the program's keys are malformed");
    return *peer;
  }

  ControlAnswer run_perftest(Socket& program) {
    std::string version(perftest_version);
    version.resize(perftest_version_bytes);
    swap(program, version);
    swap_number(program, 4096);  // the size of a page and of a cache line here
    swap_number(program, 64);
    swap(program, format_perftest_mtu(cell_.path_mtu));
    const EndPoint self = open();
    connect(swap_keys(program, self));
    for (unsigned i = 1; i < cell_.program->keys_before; ++i) swap_keys(program, self);
    const ControlAnswer answer = ask(Verb::Run);
    if (cell_.program->reports) {
      swap_keys(program, self);
      for (unsigned i = 0; i < reports; ++i) swap(program, std::array<char, 8>{});
    }
    for (unsigned i = 0; i < cell_.program->keys_after; ++i) swap_keys(program, self);
    if (cell_.program->keys_after > 0) program.write(done_message);
    return answer;
  }

  const Cell& cell_;
  Place& place_;
  ControlRequest request_;
};

Socket connect_to(ChildProgram& program) {
  const auto deadline = Clock::now() + patience;
  while (program.running() && Clock::now() < deadline) {
    if (auto socket = connect_on_loopback(exchange_port)) return std::move(*socket);
    usleep(10'000);
  }
  fail("the program does not listen");
}

std::string judge(const Cell& cell, const ControlAnswer& answer, ChildProgram& program) {
  if (answer.error != 0u) return "the image: " + describe(answer) + ": " + program.output();
  if (answer.messages != cell.iterations) return "the image did " + std::to_string(answer.messages) + " messages";
  if (answer.mismatches != 0u) return "the image got " + std::to_string(answer.mismatches) + " wrong bytes or values";
  const auto status = program.wait(patience);
  const std::string output = program.output();
  if (!status) return "the program does not end: " + output;
  if (*status != 0) return "the program's status is " + std::to_string(*status) + ": " + output;
  const std::string wrong = judge_output(cell, false, output);
  return wrong.empty() ? "" : wrong + ": " + output;
}

}  // namespace

std::string image_asks(const Cell& cell, Place& place) {
  Client client(cell, place);
  ChildProgram program(command_line(cell, ""));
  std::string wrong;
  try {
    const bool rping = cell.program->exchange == Exchange::Rping;
    const ControlAnswer answer = rping ? client.run_rping(program) : client.run(connect_to(program));
    wrong = judge(cell, answer, program);
  } catch (const std::exception& error) {
    program.wait(std::chrono::seconds(1));
    wrong = std::string(error.what()) + ": " + program.output();
  }
  client.ask(Verb::Close);
  return wrong;
}

}  // namespace verbs_peer
