// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/rxe_pair.h"

#include <fmt/format.h>

#include "tools/bench/perftest.h"
#include "tools/support/failure.h"

namespace bench {
namespace {

using support::Failure;

// Until its TCP port for the exchange listens.
constexpr const char* wait_for_perftest =
    "until grep -q ':4853 0*:0000 0A' /proc/net/tcp /proc/net/tcp6; do usleep 10000; done";
constexpr unsigned patience_s = 120;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

RxePair::RxePair(const std::filesystem::path& server_socket, const std::filesystem::path& client_socket)
    : server_({.name = "server",
               .switch_socket = server_socket,
               .ip = "10.77.8.1/16",
               .mac = "52:54:4c:47:08:01",
               .files = {}}),
      client_({.name = "client",
               .switch_socket = client_socket,
               .ip = "10.77.8.2/16",
               .mac = "52:54:4c:47:08:02",
               .files = {}}) {}

void RxePair::boot() {
  server_.boot();
  client_.boot();
}

void RxePair::wait_until_ready() {
  server_.wait_until_ready();
  client_.wait_until_ready();
}

Measured RxePair::measure(const Cell& cell, const Effort& effort) {
  const std::string command = perftest_command(cell, effort);
  const auto serving = server_.start_in_background(command);
  server_.run(wait_for_perftest, patience_s);
  const auto client = client_.run(fmt::format("{} {}", command, server_.ip()), patience_s);
  const auto server = server_.wait(serving, patience_s);
  const auto found = parse_perftest(cell, client.out);
  if (!client.ok() || !found) {
    throw Failure(fmt::format("bench: '{}' has failed:\n{}{}\nthe server:\n{}{}", command, client.out, client.error,
                              server.out, server.error));
  }
  return *found;
}

std::string RxePair::kernel() { return first_line(client_.run("uname -sr").out); }
std::string RxePair::perftest_version() {
  const auto told = client_.run("ib_send_lat --version");
  const std::string line = first_line(told.out + told.error);  // "Version: 6.06"
  return line.substr(line.find_last_of(' ') + 1);
}

}  // namespace bench
