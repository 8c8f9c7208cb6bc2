// SPDX-License-Identifier: Apache-2.0
// libibverbs and librdmacm as objects: see rdma.h.
#include "tests/interop/verbs_peer/rdma.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace verbs_peer {
namespace {

constexpr int resolve_ms = 2000;

// The next event, which must be this one. Throws if it is another, or none comes.
std::vector<std::byte> expect_event(rdma_event_channel* channel, rdma_cm_event_type wanted, int timeout_ms) {
  pollfd waiting{.fd = channel->fd, .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, timeout_ms) <= 0) fail(std::string("no ") + rdma_event_str(wanted));
  rdma_cm_event* event = nullptr;
  if (rdma_get_cm_event(channel, &event) != 0) fail_errno("rdma_get_cm_event");
  const rdma_cm_event_type type = event->event;
  const auto* data = static_cast<const std::byte*>(event->param.conn.private_data);
  std::vector<std::byte> private_data(data, data + (data != nullptr ? event->param.conn.private_data_len : 0));
  rdma_ack_cm_event(event);
  if (type != wanted) fail(std::string(rdma_event_str(type)) + " instead of " + rdma_event_str(wanted));
  return private_data;
}

void set_ack_timeout(rdma_cm_id* id, const Connection::Parameters& parameters) {
  if (!parameters.ack_timeout) return;
  std::uint8_t code = *parameters.ack_timeout;
  if (rdma_set_option(id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &code, sizeof code) != 0) {
    fail_errno("RDMA_OPTION_ID_ACK_TIMEOUT");
  }
}

rdma_conn_param connection_parameters(std::span<const std::byte> private_data, std::uint8_t retries) {
  rdma_conn_param parameters{};
  parameters.private_data = private_data.data();
  parameters.private_data_len = static_cast<std::uint8_t>(private_data.size());
  parameters.responder_resources = 4;
  parameters.initiator_depth = 4;
  parameters.retry_count = retries;
  parameters.rnr_retry_count = 7;
  return parameters;
}

}  // namespace

void fail(const std::string& what) { throw std::runtime_error(what); }
void fail_errno(const std::string& what) { fail(what + ": " + std::strerror(errno)); }

Device::Device() {
  int count = 0;
  ibv_device** list = ibv_get_device_list(&count);
  if (list == nullptr || count == 0) fail("there is no RDMA device");
  context_ = ibv_open_device(list[0]);
  ibv_free_device_list(list);
  if (context_ == nullptr) fail_errno("ibv_open_device");
  domain_ = ibv_alloc_pd(context_);
  if (domain_ == nullptr) fail_errno("ibv_alloc_pd");
}

Device::~Device() {
  ibv_dealloc_pd(domain_);
  ibv_close_device(context_);
}

ibv_gid Device::gid(unsigned index) const {
  ibv_gid gid{};
  if (ibv_query_gid(context_, 1, static_cast<int>(index), &gid) != 0) fail_errno("ibv_query_gid");
  return gid;
}

Memory::Memory(ibv_pd* domain, std::size_t bytes) : bytes_(bytes) {
  memory_ = static_cast<std::byte*>(std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096));
  if (memory_ == nullptr) fail("no memory");
  std::memset(memory_, 0, bytes);
  region_ =
      ibv_reg_mr(domain, memory_, bytes,
                 IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC);
  if (region_ == nullptr) fail_errno("ibv_reg_mr");
}

Memory::~Memory() {
  ibv_dereg_mr(region_);
  std::free(memory_);
}

std::optional<ibv_wc> next_completion(ibv_cq* queue, Clock::time_point deadline) {
  ibv_wc completion;
  for (unsigned looks = 0;; ++looks) {
    const int count = ibv_poll_cq(queue, 1, &completion);
    if (count < 0) fail("ibv_poll_cq");
    if (count == 1) return completion;
    if (Clock::now() > deadline) return std::nullopt;
    // Sleeping gives the one processor of the guest to the kernel's threads.
    if (looks > 20) usleep(50);
  }
}

Connection::Connection(const std::string& ip, std::uint16_t port, const Parameters& parameters)
    : own_channel_(rdma_create_event_channel(), rdma_destroy_event_channel), retries_(parameters.retries) {
  if (!own_channel_) fail_errno("rdma_create_event_channel");
  if (rdma_create_id(own_channel_.get(), &id_, nullptr, RDMA_PS_TCP) != 0) fail_errno("rdma_create_id");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  try {
    if (inet_pton(AF_INET, ip.c_str(), &address.sin_addr) != 1) fail(ip + " is no address");
    set_ack_timeout(id_, parameters);
    if (rdma_resolve_addr(id_, nullptr, reinterpret_cast<sockaddr*>(&address), resolve_ms) != 0) {
      fail_errno("rdma_resolve_addr");
    }
    expect_event(own_channel_.get(), RDMA_CM_EVENT_ADDR_RESOLVED, 2 * resolve_ms);
    if (rdma_resolve_route(id_, resolve_ms) != 0) fail_errno("rdma_resolve_route");
    expect_event(own_channel_.get(), RDMA_CM_EVENT_ROUTE_RESOLVED, 2 * resolve_ms);
    make_queues(parameters);
  } catch (...) {
    rdma_destroy_id(id_);
    throw;
  }
}

Connection::Connection(rdma_cm_id* id, const Parameters& parameters)
    : own_channel_(nullptr, rdma_destroy_event_channel), id_(id), retries_(parameters.retries) {
  set_ack_timeout(id_, parameters);
  make_queues(parameters);
}

void Connection::make_queues(const Parameters& parameters) {
  queue_ = ibv_create_cq(id_->verbs, static_cast<int>(parameters.sends + parameters.receives), nullptr, nullptr, 0);
  if (queue_ == nullptr) fail_errno("ibv_create_cq");
  ibv_qp_init_attr attributes{};
  attributes.send_cq = attributes.recv_cq = queue_;
  attributes.qp_type = IBV_QPT_RC;
  attributes.sq_sig_all = 1;
  attributes.cap = {.max_send_wr = parameters.sends,
                    .max_recv_wr = parameters.receives,
                    .max_send_sge = 1,
                    .max_recv_sge = 1,
                    .max_inline_data = 0};
  if (rdma_create_qp(id_, nullptr, &attributes) != 0) fail_errno("rdma_create_qp");
}

Connection::~Connection() {
  if (connected_) rdma_disconnect(id_);
  if (id_->qp != nullptr) rdma_destroy_qp(id_);
  if (queue_ != nullptr) ibv_destroy_cq(queue_);
  rdma_destroy_id(id_);
}

std::vector<std::byte> Connection::connect(std::span<const std::byte> private_data) {
  rdma_conn_param parameters = connection_parameters(private_data, retries_);
  if (rdma_connect(id_, &parameters) != 0) fail_errno("rdma_connect");
  auto answer = expect_event(own_channel_.get(), RDMA_CM_EVENT_ESTABLISHED, 60'000);
  connected_ = true;
  return answer;
}

void Connection::accept(std::span<const std::byte> private_data) {
  rdma_conn_param parameters = connection_parameters(private_data, retries_);
  if (rdma_accept(id_, &parameters) != 0) fail_errno("rdma_accept");
  connected_ = true;
}

void Connection::post_receive(std::uint64_t wr_id, const ibv_sge& sge) {
  ibv_sge list = sge;
  ibv_recv_wr request{};
  request.wr_id = wr_id;
  request.sg_list = &list;
  request.num_sge = 1;
  ibv_recv_wr* bad = nullptr;
  if (ibv_post_recv(id_->qp, &request, &bad) != 0) fail("ibv_post_recv");
}

void Connection::post_send(std::uint64_t wr_id, const ibv_sge& sge) {
  ibv_sge list = sge;
  ibv_send_wr request{};
  request.wr_id = wr_id;
  request.sg_list = &list;
  request.num_sge = 1;
  request.opcode = IBV_WR_SEND;
  request.send_flags = IBV_SEND_SIGNALED;
  ibv_send_wr* bad = nullptr;
  if (ibv_post_send(id_->qp, &request, &bad) != 0) fail("ibv_post_send");
}

}  // namespace verbs_peer
