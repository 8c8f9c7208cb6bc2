// SPDX-License-Identifier: Apache-2.0
// A program of the guest as the client of the image: this side of its TCP exchange is ours, and what it says of its
// queue pair goes to the image, whose answer it gets.
#include <thread>

#include "tests/interop/verbs_peer/cells.h"
#include "tests/interop/verbs_peer/child_program.h"
#include "tests/interop/verbs_peer/exchange.h"
#include "tests/interop/verbs_peer/tcp.h"

namespace verbs_peer {
namespace {

using verbs_test::ControlAnswer;
using verbs_test::ControlRequest;
using verbs_test::EndPoint;
using verbs_test::TaskKind;
using verbs_test::Verb;

class Server {
 public:
  Server(const Cell& cell, Place& place) : cell_(cell), place_(place), request_(request_of(cell)) {
    request_.verb = static_cast<std::uint8_t>(Verb::Open);
    self_ = place_.control.demand(request_, patience).self;
  }

  // Until the program closes its socket.
  void exchange(Socket program) {
    const bool pingpong = cell_.program->exchange == Exchange::Pingpong;
    for (;;) {
      const std::string message = program.read_message();
      if (message.empty()) return;
      const auto keys = pingpong ? parse_pingpong_keys(message) : parse_perftest_keys(message);
      if (keys) {
        connect(*keys);
        if (++keys_seen_ == cell_.program->keys_before && is_run(cell_.program->served)) start();
        program.write(pingpong ? format_pingpong_keys(self_) : format_perftest_keys(self_));
      } else if (message.size() == done_message.size()) {
        return;
      } else {
        // Its version, what it says of its machine, its path MTU, its results: ours are the same.
        program.write(message);
      }
    }
  }

  ControlAnswer close() {
    if (running_.joinable()) running_.join();
    request_.verb = static_cast<std::uint8_t>(Verb::Close);
    return place_.control.demand(request_, patience);
  }

 private:
  static bool is_run(TaskKind task) {
    return static_cast<std::uint8_t>(task) >= static_cast<std::uint8_t>(TaskKind::PingSends);
  }
  // A server that begins by itself: it runs while the program does. What went wrong shows in what it has counted.
  void start() {
    request_.verb = static_cast<std::uint8_t>(Verb::Run);
    running_ = std::thread([&control = place_.control, request = request_] {
      try {
        control.ask(request, patience);
      } catch (const std::exception&) {
      }
    });
  }

  // perftest repeats its keys at each step.
  void connect(const EndPoint& peer) {
    if (connected_) return;
    connected_ = true;
    request_.verb = static_cast<std::uint8_t>(Verb::Connect);
    request_.peer = peer;
    place_.control.demand(request_, patience);
  }

  const Cell& cell_;
  Place& place_;
  ControlRequest request_;
  EndPoint self_;
  bool connected_ = false;
  unsigned keys_seen_ = 0;
  std::thread running_;
};

std::string judge(const Cell& cell, ChildProgram& program) {
  const auto status = program.wait(patience);
  const std::string output = program.output();
  if (!status) return "the program does not end: " + output;
  if (*status != 0) return "the program's status is " + std::to_string(*status) + ": " + output;
  const std::string wrong = judge_output(cell, true, output);
  return wrong.empty() ? "" : wrong + ": " + output;
}

std::string serve_rping(const Cell& cell, Place& place) {
  ChildProgram program(command_line(cell, place.address(cell)));
  return judge(cell, program);
}

}  // namespace

std::string image_serves(const Cell& cell, Place& place) {
  if (cell.program->exchange == Exchange::Rping) return serve_rping(cell, place);
  Server server(cell, place);
  std::string wrong;
  try {
    const Socket listener = listen_on_loopback(exchange_port);
    ChildProgram program(command_line(cell, "127.0.0.1"));
    try {
      server.exchange(accept_one(listener));
      wrong = judge(cell, program);
    } catch (const std::exception& error) {
      program.wait(std::chrono::seconds(1));
      wrong = std::string(error.what()) + ": " + program.output();
    }
  } catch (const std::exception& error) {
    wrong = error.what();
  }
  const ControlAnswer counted = server.close();
  if (!wrong.empty()) return wrong;
  const bool counts = cell.program->served != TaskKind::Serve;
  if (counts && counted.messages != cell.iterations) {
    return "the image has counted " + std::to_string(counted.messages) + " messages";
  }
  return "";
}

}  // namespace verbs_peer
