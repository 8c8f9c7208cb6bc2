// SPDX-License-Identifier: Apache-2.0
// Tests that need no other program: each kind of request, from here to the image and from the image to here, and every
// byte compared. They have what the programs do not: no bytes at all, immediate data, PSNs that wrap.
#include <arpa/inet.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "net/verbs_test/pattern.h"
#include "tests/interop/verbs_peer/cells.h"
#include "tests/interop/verbs_peer/own_verbs.h"

namespace verbs_peer {
namespace {

using verbs_test::ControlAnswer;
using verbs_test::ControlRequest;
using verbs_test::TaskKind;
using verbs_test::Verb;

void expect(bool condition, const std::string& what) {
  if (!condition) fail(what);
}

class OwnTest {
 public:
  OwnTest(const Cell& cell, Place& place)
      : cell_(cell),
        place_(place),
        request_(request_of(cell)),
        queue_pair_(place.device, cell.gid_index, cell.program->transport, cell.size) {}

  void run() {
    const auto opened = ask(Verb::Open);
    const auto self = queue_pair_.self();
    queue_pair_.connect(opened.self, cell_.path_mtu);
    peer_ = opened.self;
    for (const std::uint64_t which : {0u, 1u}) queue_pair_.post_receive(which);
    request_.peer = self;
    ask(Verb::Connect);
    if (cell_.direction == Direction::ToImage) {
      for (std::uint32_t i = 0; i < cell_.iterations; ++i) ask_image(request_.seed + i, i);
    } else {
      verbs_test::fill_pattern(queue_pair_.exported().first(cell_.size), request_.seed);
      serve_image();
    }
  }
  void close() { ask(Verb::Close); }

 private:
  ControlAnswer ask(Verb verb) {
    request_.verb = static_cast<std::uint8_t>(verb);
    return place_.control.demand(request_, patience);
  }

  // ---- The guest asks

  ibv_send_wr to_memory(ibv_wr_opcode opcode) const {
    ibv_send_wr request{};
    request.opcode = opcode;
    request.wr.rdma.remote_addr = peer_.address;
    request.wr.rdma.rkey = peer_.rkey;
    return request;
  }

  void ask_image(std::uint32_t seed, std::uint32_t round) {
    switch (cell_.program->asked) {
      case TaskKind::PingSends:
        return ping(seed);
      case TaskKind::Writes:
        return write(seed, false);
      case TaskKind::WritesWithImmediate:
        return write(seed, true);
      case TaskKind::Reads:
        return compare_read(request_.seed);
      case TaskKind::FetchAdds:
      case TaskKind::CompareSwaps:
        return change(round);
      default:
        fail("no such test");
    }
  }

  void expect_echo(std::uint32_t bytes, std::uint32_t seed, bool immediate) {
    const ibv_wc echo = queue_pair_.receive();
    expect(echo.byte_len == bytes + queue_pair_.header_bytes(), "an echo of another length");
    expect(((echo.wc_flags & IBV_WC_WITH_IMM) != 0) == immediate, "an echo with other flags");
    if (immediate) expect(ntohl(echo.imm_data) == seed, "an echo with other immediate data");
    const auto came = queue_pair_.message(echo.wr_id, bytes);
    expect(verbs_test::count_mismatches(came, seed) == 0, "an echo of other bytes");
    queue_pair_.post_receive(echo.wr_id);
  }

  void ping(std::uint32_t seed) {
    const bool immediate = (cell_.program->flags & verbs_test::flag_immediate) != 0;
    const auto out = queue_pair_.out().first(cell_.size);
    verbs_test::fill_pattern(out, seed);
    ibv_send_wr send{};
    send.opcode = immediate ? IBV_WR_SEND_WITH_IMM : IBV_WR_SEND;
    send.imm_data = htonl(seed);
    queue_pair_.address(send);
    queue_pair_.perform(send, out);
    expect_echo(cell_.size, seed, immediate);
  }

  void write(std::uint32_t seed, bool immediate) {
    const auto out = queue_pair_.out().first(cell_.size);
    verbs_test::fill_pattern(out, seed);
    ibv_send_wr request = to_memory(immediate ? IBV_WR_RDMA_WRITE_WITH_IMM : IBV_WR_RDMA_WRITE);
    request.imm_data = htonl(seed);
    queue_pair_.perform(request, out);
    if (immediate) expect_echo(0, seed, true);
    compare_read(seed);
  }

  void compare_read(std::uint32_t seed) {
    const auto in = queue_pair_.exported().first(cell_.size);
    std::fill(in.begin(), in.end(), std::byte{0xee});
    queue_pair_.perform(to_memory(IBV_WR_RDMA_READ), in);
    expect(verbs_test::count_mismatches(in, seed) == 0, "other bytes read");
  }

  // The image's memory begins with the pattern of the seed; both operations make the next number of it.
  void change(std::uint32_t round) {
    const bool add = cell_.program->asked == TaskKind::FetchAdds;
    std::uint64_t before = 0, found = 0;
    verbs_test::fill_pattern(std::as_writable_bytes(std::span(&before, 1)), request_.seed);
    before += round;
    ibv_send_wr request{};
    request.opcode = add ? IBV_WR_ATOMIC_FETCH_AND_ADD : IBV_WR_ATOMIC_CMP_AND_SWP;
    request.wr.atomic.remote_addr = peer_.address;
    request.wr.atomic.rkey = peer_.rkey;
    request.wr.atomic.compare_add = add ? 1 : before;
    request.wr.atomic.swap = before + 1;
    const auto result = queue_pair_.out().first(sizeof found);
    queue_pair_.perform(request, result);
    std::memcpy(&found, result.data(), sizeof found);
    expect(found == before, "another value found");
    if (add) return;
    // A comparison that fails changes nothing.
    request.wr.atomic.swap = 0;
    queue_pair_.perform(request, result);
    std::memcpy(&found, result.data(), sizeof found);
    expect(found == before + 1, "a swap without equality");
  }

  // ---- The image asks

  // Echoes while the image runs; the answer comes over another connection.
  void serve_image() {
    ControlAnswer answer;
    std::atomic<bool> ended = false;
    std::string wrong;
    std::thread asking([&] {
      try {
        answer = ask(Verb::Run);
      } catch (const std::exception& error) {
        wrong = error.what();
      }
      ended = true;
    });
    std::uint32_t echoed = 0;
    std::string echo_failure;
    try {
      while (!ended) {
        const auto message = queue_pair_.try_receive(Clock::now() + std::chrono::milliseconds(5));
        if (!message) continue;
        echo(*message);
        ++echoed;
      }
    } catch (const std::exception& error) {
      echo_failure = error.what();
    }
    asking.join();
    expect(wrong.empty(), wrong);
    expect(echo_failure.empty(), echo_failure);
    expect(answer.messages == cell_.iterations, "the image did another number of messages");
    expect(answer.mismatches == 0u, "the image got other bytes");
    const bool echoes = cell_.program->served == TaskKind::EchoSends;
    expect(echoed == (echoes ? cell_.iterations : 0), "another number of messages came");
  }

  void echo(const ibv_wc& message) {
    const bool write = message.opcode == IBV_WC_RECV_RDMA_WITH_IMM;
    const std::uint32_t bytes = write ? 0 : message.byte_len - queue_pair_.header_bytes();
    ibv_send_wr send{};
    send.opcode = (message.wc_flags & IBV_WC_WITH_IMM) != 0 ? IBV_WR_SEND_WITH_IMM : IBV_WR_SEND;
    send.imm_data = message.imm_data;
    queue_pair_.address(send);
    queue_pair_.perform(send, queue_pair_.message(message.wr_id, bytes));
    queue_pair_.post_receive(message.wr_id);
  }

  const Cell& cell_;
  Place& place_;
  ControlRequest request_;
  OwnQueuePair queue_pair_;
  verbs_test::EndPoint peer_;
};

}  // namespace

std::string own_test(const Cell& cell, Place& place) {
  OwnTest test(cell, place);
  std::string wrong;
  try {
    test.run();
  } catch (const std::exception& error) {
    wrong = error.what();
  }
  test.close();
  return wrong;
}

}  // namespace verbs_peer
