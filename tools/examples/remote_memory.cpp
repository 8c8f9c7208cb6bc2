// SPDX-License-Identifier: Apache-2.0
// An RDMA program that knows nothing of the rack: it connects to a component that exports memory (an mComponent started
// with export=1M on its command line), writes and reads that memory by RDMA, and is refused where it has no right to
// be.
//   remote_memory HOST
// Only libibverbs and librdmacm, on any device that reaches the rack. Status 0: all went as it has to.
#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

#include "net/exported_memory/wire.h"

namespace {

using exported_memory::Export;
using Page = std::array<unsigned char, 4096>;

void check(int result, const char* what) {
  if (result != 0) throw std::runtime_error(std::string(what) + ": " + strerror(errno));
}

class Connection {
 public:
  explicit Connection(const char* host) {
    rdma_addrinfo hints{}, *address = nullptr;
    hints.ai_port_space = RDMA_PS_TCP;
    check(rdma_getaddrinfo(host, std::to_string(exported_memory::port).c_str(), &hints, &address), "address");
    ibv_qp_init_attr queues{};
    queues.qp_type = IBV_QPT_RC;
    queues.sq_sig_all = 1;
    queues.cap = {.max_send_wr = 1, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1, .max_inline_data = 0};
    check(rdma_create_ep(&id_, address, nullptr, &queues), "rdma_create_ep");
    rdma_freeaddrinfo(address);
    region_ = rdma_reg_msgs(id_, page_.data(), page_.size());
    check(region_ == nullptr, "rdma_reg_msgs");
    rdma_conn_param parameters{};
    parameters.initiator_depth = 1;  // READs at a time
    parameters.retry_count = parameters.rnr_retry_count = 7;
    check(rdma_connect(id_, &parameters), "rdma_connect");
    const rdma_conn_param& answer = id_->event->param.conn;
    if (answer.private_data_len < sizeof memory_) throw std::runtime_error("this port exports no memory");
    memcpy(static_cast<void*>(&memory_), answer.private_data, sizeof memory_);
    if (memory_.magic_number != exported_memory::magic) throw std::runtime_error("this port exports no memory");
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    rdma_disconnect(id_);
    rdma_dereg_mr(region_);
    rdma_destroy_ep(id_);
  }

  const Export& memory() const { return memory_; }
  Page& page() { return page_; }

  ibv_wc_status write(std::uint64_t offset, std::uint32_t key) {
    check(rdma_post_write(id_, nullptr, page_.data(), page_.size(), region_, 0, memory_.address + offset, key), "post");
    return completion();
  }
  ibv_wc_status read(std::uint64_t offset, std::uint32_t key) {
    check(rdma_post_read(id_, nullptr, page_.data(), page_.size(), region_, 0, memory_.address + offset, key), "post");
    return completion();
  }

 private:
  ibv_wc_status completion() {
    ibv_wc completion{};
    if (rdma_get_send_comp(id_, &completion) != 1) throw std::runtime_error("no completion");
    return completion.status;
  }

  rdma_cm_id* id_ = nullptr;
  ibv_mr* region_ = nullptr;
  Page page_{};
  Export memory_;
};

// Each refusal breaks its connection, as the InfiniBand specification has it: so each case has one of its own.
template <typename Access>
void expect(const char* host, const char* what, ibv_wc_status expected, Access access) {
  Connection connection(host);
  const ibv_wc_status status = access(connection, connection.memory());
  printf("%s: %s\n", what, ibv_wc_status_str(status));
  if (status != expected) throw std::runtime_error(std::string("expected was: ") + ibv_wc_status_str(expected));
}

void try_all(const char* host) {
  Page pattern;
  for (std::size_t i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<unsigned char>(i * 31 + i / 256);
  expect(host, "write the last page", IBV_WC_SUCCESS, [&](Connection& connection, const Export& memory) {
    connection.page() = pattern;
    return connection.write(memory.bytes - sizeof(Page), memory.key);
  });
  expect(host, "read it back", IBV_WC_SUCCESS, [&](Connection& connection, const Export& memory) {
    const ibv_wc_status status = connection.read(memory.bytes - sizeof(Page), memory.read_only_key);
    if (connection.page() != pattern) throw std::runtime_error("it is not what was written");
    return status;
  });
  constexpr ibv_wc_status refused = IBV_WC_REM_ACCESS_ERR;
  expect(host, "read beyond the end", refused,
         [](Connection& connection, const Export& memory) { return connection.read(memory.bytes - 1, memory.key); });
  expect(host, "write before the beginning", refused,
         [](Connection& connection, const Export& memory) { return connection.write(-std::uint64_t{1}, memory.key); });
  expect(host, "write with a stale key", refused,
         [](Connection& connection, const Export& memory) { return connection.write(0, memory.stale_key); });
  expect(host, "write with a key for reading", refused,
         [](Connection& connection, const Export& memory) { return connection.write(0, memory.read_only_key); });
}

}  // namespace

int main(int count, char** values) {
  if (count != 2) {
    fprintf(stderr, "usage: remote_memory HOST\n");
    return 2;
  }
  try {
    try_all(values[1]);
    return 0;
  } catch (const std::exception& error) {
    fprintf(stderr, "remote_memory: %s\n", error.what());
    return 1;
  }
}
