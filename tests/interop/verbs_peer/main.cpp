// SPDX-License-Identifier: Apache-2.0
// verbs_peer: what runs in a Linux guest for the verbs tests against an image with verbs_test=1.
//   verbs_peer matrix IMAGE-IP < CELLS          each line a cell (cells.h); one answer line each: PASS, or FAIL and why
//   verbs_peer send IMAGE-IP SEED BYTES RETRIES a stream to the image
//   verbs_peer receive IMAGE-IP SEED BYTES      a stream from the image, which is told to send it
// The status is 0 if all went well.
#include <arpa/inet.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>

#include "kernel/base/error.h"
#include "tests/interop/verbs_peer/cells.h"
#include "tests/interop/verbs_peer/streams.h"

namespace verbs_peer {
namespace {

constexpr std::chrono::seconds stream_limit(600);

std::string perform(const Cell& cell, Place& place) {
  try {
    if (cell.program->exchange == Exchange::Own) return own_test(cell, place);
    return cell.direction == Direction::ToImage ? image_serves(cell, place) : image_asks(cell, place);
  } catch (const std::exception& error) {
    return error.what();
  }
}

// On one line.
std::string flat(std::string text) {
  for (char& character : text) {
    if (character == '\n') character = '|';
  }
  return text;
}

// As it is written for getaddrinfo: with the interface.
std::string link_local_address(ControlClient& control) {
  auto request = control_request(verbs_test::Verb::Open);
  request.flags = verbs_test::flag_ipv6;
  const auto opened = control.demand(request, patience);
  control.demand(control_request(verbs_test::Verb::Close), patience);
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, opened.self.gid.data(), text, sizeof text);
  return std::string(text) + "%eth0";
}

int matrix(const std::string& image_ip) {
  Device device;
  auto control = std::make_unique<ControlClient>(image_ip);
  const std::string link_local = link_local_address(*control);
  bool all_well = true;
  for (std::string line; std::getline(std::cin, line);) {
    const Cell cell = parse_cell(line);
    Place place{*control, device, image_ip, link_local};
    const auto begin = Clock::now();
    const std::string wrong = perform(cell, place);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
    std::printf("%s %s (%lld ms)%s%s\n", wrong.empty() ? "PASS" : "FAIL", line.c_str(), static_cast<long long>(took),
                wrong.empty() ? "" : ": ", flat(wrong).c_str());
    std::fflush(stdout);
    if (wrong.empty()) continue;
    all_well = false;
    control.reset();  // whatever state that one is in
    control = std::make_unique<ControlClient>(image_ip);
  }
  return all_well ? 0 : 1;
}

int report(const char* what, const StreamResult& result) {
  std::printf("%s %llu bytes, %llu wrong, %u connections\n", what, static_cast<unsigned long long>(result.bytes),
              static_cast<unsigned long long>(result.mismatches), result.connections);
  return result.mismatches == 0 ? 0 : 1;
}

// Until the image says that it does, or has done: while the switch misbehaves neither question nor answer is sure to
// arrive.
void ask_for_stream(const std::string& image_ip, const verbs_test::ControlRequest& request) {
  for (;;) {
    try {
      const auto answer = ControlClient(image_ip).ask(request, stream_limit);
      if (answer.error == 0u || answer.error == static_cast<std::uint32_t>(base::Error::Busy)) return;
      std::printf("the image: %s\n", describe(answer).c_str());
    } catch (const std::exception& error) {
      std::printf("asking the image: %s\n", error.what());
    }
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

int receive(const std::string& image_ip, std::uint32_t seed, std::uint64_t bytes) {
  auto request = control_request(verbs_test::Verb::Run);
  request.task = static_cast<std::uint8_t>(verbs_test::TaskKind::StreamSend);
  request.port = verbs_test::stream_port;
  request.seed = seed;
  request.stream_bytes = bytes;
  request.timeout_ms = static_cast<std::uint32_t>(std::chrono::milliseconds(stream_limit).count());
  const ibv_gid gid = Device().gid(gid_index_ipv4);
  std::memcpy(request.peer.gid.data(), gid.raw, request.peer.gid.size());
  // The thread ends with the program: what was received says all that matters.
  const StreamResult result =
      receive_stream(seed, bytes, stream_limit, [&] { std::thread(ask_for_stream, image_ip, request).detach(); });
  return report("received", result);
}

int run(int count, char** values) {
  const std::string what = count > 2 ? values[1] : "";
  if (what == "matrix") return matrix(values[2]);
  if ((count == 6 && what == "send") || (count == 5 && what == "receive")) {
    const auto seed = static_cast<std::uint32_t>(std::strtoul(values[3], nullptr, 10));
    const std::uint64_t bytes = std::strtoull(values[4], nullptr, 10);
    if (what == "receive") return receive(values[2], seed, bytes);
    return report("sent",
                  send_stream(values[2], seed, bytes, static_cast<std::uint8_t>(std::atoi(values[5])), stream_limit));
  }
  std::fprintf(stderr, "usage: verbs_peer matrix|send|receive IMAGE-IP [SEED BYTES [RETRIES]]\n");
  return 2;
}

}  // namespace
}  // namespace verbs_peer

int main(int count, char** values) {
  try {
    return verbs_peer::run(count, values);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "verbs_peer: %s\n", error.what());
    return 1;
  }
}
