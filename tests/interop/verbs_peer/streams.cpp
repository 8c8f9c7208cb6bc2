// SPDX-License-Identifier: Apache-2.0
// Long transfers over librdmacm: see streams.h. ACK timeout 14 (67 ms) and seven retries, as the image's.
#include "tests/interop/verbs_peer/streams.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "net/verbs_test/pattern.h"
#include "tests/interop/verbs_peer/rdma.h"

namespace verbs_peer {
namespace {

using verbs_test::stream_chunk_bytes;
using verbs_test::stream_depth;
using verbs_test::StreamHello;

constexpr std::uint8_t ack_timeout = 14;
constexpr std::chrono::milliseconds pause(100);

std::span<const std::byte> bytes_of(const StreamHello& hello) { return std::as_bytes(std::span(&hello, 1)); }

StreamHello hello_in(std::span<const std::byte> private_data) {
  StreamHello hello;
  if (private_data.size() < sizeof hello) fail("private data that is too short");
  std::memcpy(&hello, private_data.data(), sizeof hello);
  if (hello.magic != verbs_test::control_magic) fail("private data of something else");
  return hello;
}

// ---- Sending

class Sender {
 public:
  Sender(std::string ip, std::uint32_t seed, std::uint64_t bytes, std::uint8_t retries, Clock::time_point deadline)
      : ip_(std::move(ip)), seed_(seed), retries_(retries), deadline_(deadline) {
    result_.bytes = bytes;
  }

  StreamResult run() {
    for (;;) {
      try {
        if (attempt()) return result_;
        continue;  // to hear that all has arrived
      } catch (const std::runtime_error& error) {
        if (lost_) throw;
        std::printf("stream: broke at %llu: %s\n", static_cast<unsigned long long>(acknowledged_), error.what());
        std::fflush(stdout);
      }
      if (Clock::now() > deadline_) fail("the stream does not end");
      usleep(static_cast<useconds_t>(std::chrono::microseconds(pause).count()));
    }
  }

 private:
  bool attempt() {
    Connection connection(ip_, verbs_test::stream_port,
                          {.ack_timeout = ack_timeout, .retries = retries_, .sends = stream_depth});
    StreamHello hello;
    hello.seed = seed_;
    hello.total_bytes = result_.bytes;
    hello.offset = acknowledged_;
    const StreamHello answer = hello_in(connection.connect(bytes_of(hello)));
    ++result_.connections;
    if (answer.offset < acknowledged_ || answer.offset > result_.bytes) {
      lost_ = true;
      fail("the receiver misses what was acknowledged");
    }
    result_.mismatches = answer.mismatches;
    if (answer.offset == result_.bytes) return true;
    Memory memory(connection.domain(), stream_depth * stream_chunk_bytes);
    send_from(connection, memory, answer.offset);
    return false;
  }

  void send_from(Connection& connection, Memory& memory, std::uint64_t offset) {
    std::uint64_t next = offset, done = offset;
    unsigned place = 0;
    while (done < result_.bytes) {
      while (next < result_.bytes && next - done < std::uint64_t{stream_depth - 1} * stream_chunk_bytes) {
        const auto bytes = std::min<std::uint64_t>(stream_chunk_bytes, result_.bytes - next);
        const auto chunk = memory.bytes().subspan(place++ % stream_depth * stream_chunk_bytes, bytes);
        verbs_test::fill_pattern(chunk, seed_, next);
        next += bytes;
        connection.post_send(next, memory.sge(chunk));
      }
      const auto sent = next_completion(connection.queue(), deadline_);
      if (!sent) fail("the stream does not end");
      if (sent->status != IBV_WC_SUCCESS) fail(ibv_wc_status_str(sent->status));
      done = sent->wr_id;
      acknowledged_ = std::max(acknowledged_, done);
    }
  }

  const std::string ip_;
  const std::uint32_t seed_;
  const std::uint8_t retries_;
  const Clock::time_point deadline_;
  std::uint64_t acknowledged_ = 0;
  bool lost_ = false;
  StreamResult result_;
};

// ---- Receiving

class Receiver {
 public:
  Receiver(std::uint32_t seed, std::uint64_t bytes)
      : seed_(seed), bytes_(bytes), channel_(rdma_create_event_channel(), rdma_destroy_event_channel) {
    if (!channel_ || rdma_create_id(channel_.get(), &listener_, nullptr, RDMA_PS_TCP) != 0)
      fail_errno("rdma_create_id");
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(verbs_test::stream_port);
    if (rdma_bind_addr(listener_, reinterpret_cast<sockaddr*>(&any)) != 0 || rdma_listen(listener_, 4) != 0) {
      fail_errno("rdma_listen");
    }
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() {
    connection_.reset();
    rdma_destroy_id(listener_);
  }

  StreamResult run(Clock::time_point deadline) {
    // Until the sender has asked for the end and has left again.
    while (!told_ || connection_) {
      if (Clock::now() > deadline) fail("the stream does not end");
      drain();
      pollfd waiting{.fd = channel_->fd, .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, idle_ ? 1 : 0) > 0) take_event();
    }
    return result_;
  }

 private:
  static constexpr std::uint32_t chunks = 2 * stream_depth;

  void take_event() {
    rdma_cm_event* event = nullptr;
    if (rdma_get_cm_event(channel_.get(), &event) != 0) fail_errno("rdma_get_cm_event");
    const rdma_cm_event_type type = event->event;
    rdma_cm_id* const id = event->id;
    const auto* data = static_cast<const std::byte*>(event->param.conn.private_data);
    const std::vector<std::byte> private_data(data, data + (data != nullptr ? event->param.conn.private_data_len : 0));
    rdma_ack_cm_event(event);
    if (type == RDMA_CM_EVENT_CONNECT_REQUEST) {
      take_request(id, private_data);
    } else if (type == RDMA_CM_EVENT_DISCONNECTED && id == current_) {
      drain();
      connection_.reset();
      current_ = nullptr;
    }
  }

  // What came over the connection before this one was acknowledged: it counts.
  void take_request(rdma_cm_id* id, std::span<const std::byte> private_data) {
    drain();
    connection_.reset();
    memory_.reset();
    const StreamHello hello = hello_in(private_data);
    StreamHello answer = hello;
    answer.offset = received_;
    answer.mismatches = result_.mismatches;
    if (hello.seed != seed_ || hello.total_bytes != bytes_) fail("another stream");
    connection_ =
        std::make_unique<Connection>(id, Connection::Parameters{.ack_timeout = ack_timeout, .receives = chunks});
    current_ = id;
    memory_ = std::make_unique<Memory>(connection_->domain(), chunks * stream_chunk_bytes);
    for (std::uint32_t which = 0; which < chunks; ++which) post(which);
    connection_->accept(bytes_of(answer));
    ++result_.connections;
    told_ = received_ == bytes_;
  }

  std::span<std::byte> chunk(std::uint64_t which) {
    return memory_->bytes().subspan(which * stream_chunk_bytes, stream_chunk_bytes);
  }
  void post(std::uint64_t which) { connection_->post_receive(which, memory_->sge(chunk(which))); }

  void drain() {
    idle_ = true;
    ibv_wc completion;
    while (connection_ && ibv_poll_cq(connection_->queue(), 1, &completion) == 1) {
      if (completion.status != IBV_WC_SUCCESS) continue;
      idle_ = false;
      const auto came = chunk(completion.wr_id).first(completion.byte_len);
      result_.mismatches += verbs_test::count_mismatches(came, seed_, received_);
      received_ += came.size();
      result_.bytes = received_;
      post(completion.wr_id);
    }
  }

  const std::uint32_t seed_;
  const std::uint64_t bytes_;
  std::unique_ptr<rdma_event_channel, void (*)(rdma_event_channel*)> channel_;
  rdma_cm_id* listener_ = nullptr;
  rdma_cm_id* current_ = nullptr;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Memory> memory_;
  std::uint64_t received_ = 0;
  bool told_ = false;
  bool idle_ = false;
  StreamResult result_;
};

}  // namespace

StreamResult send_stream(const std::string& ip, std::uint32_t seed, std::uint64_t bytes, std::uint8_t retries,
                         std::chrono::seconds limit) {
  return Sender(ip, seed, bytes, retries, Clock::now() + limit).run();
}

StreamResult receive_stream(std::uint32_t seed, std::uint64_t bytes, std::chrono::seconds limit,
                            const std::function<void()>& listening) {
  Receiver receiver(seed, bytes);
  listening();
  return receiver.run(Clock::now() + limit);
}

}  // namespace verbs_peer
