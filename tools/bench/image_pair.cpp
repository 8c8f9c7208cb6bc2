// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/image_pair.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "net/linux_node/switch_fabric.h"
#include "net/roce/addresses.h"
#include "net/verbs_test/control_client.h"
#include "tools/machines/image.h"
#include "tools/support/failure.h"

namespace bench {
namespace {

using support::Failure;
using verbs_test::ControlAnswer;
using verbs_test::ControlRequest;
using verbs_test::TaskKind;
using verbs_test::Verb;

constexpr std::uint32_t task_timeout_ms = 60'000;
constexpr std::uint32_t path_mtu = 4096;
constexpr std::uint32_t control_ip = 0x0a4d08c8;  // 10.77.8.200
constexpr const char* server_ip = "10.77.8.101/16";
constexpr const char* client_ip = "10.77.8.102/16";
constexpr roce::MacAddress control_mac{{0x52, 0x54, 0x4c, 0x47, 0x08, 0xc8}};

// Who does what for a cell.
struct Tasks {
  TaskKind client;
  TaskKind server;
};

Tasks tasks_of(const Cell& cell) {
  const bool latency = cell.quantity == Quantity::Latency;
  switch (cell.operation) {
    case Operation::Send:
      return latency ? Tasks{TaskKind::TimedSends, TaskKind::EchoSends} : Tasks{TaskKind::Sends, TaskKind::SinkSends};
    case Operation::Write:
      return latency ? Tasks{TaskKind::TimedWrites, TaskKind::EchoWrites} : Tasks{TaskKind::Writes, TaskKind::Serve};
    case Operation::Read:
      return {latency ? TaskKind::TimedReads : TaskKind::Reads, TaskKind::Serve};
    case Operation::Call:
      return {latency ? TaskKind::TimedCalls : TaskKind::Calls, TaskKind::Serve};
  }
  throw Failure("bench: there is no such operation");
}

struct alignas(base::page_bytes) Page {
  std::byte bytes[base::page_bytes];
};

}  // namespace

struct ImagePair::Machines {
  machines::Image server;
  machines::Image client;
};

// This program as a third station: a connection to each image.
class ImagePair::Control {
 public:
  enum class Image { Server, Client };

  Control(const std::filesystem::path& socket, verbs::Gid server, verbs::Gid client)
      : loop_(clock_), poll_(loop_), memory_(verbs_test::SlotPool::memory_bytes / base::page_bytes) {
    const auto make = linux_node::on_switch({.switch_socket = socket, .ip = control_ip, .mac = control_mac});
    fabric_ = checked(make(poll_, lock_, [] {}), "cannot join the switch");
    {
      const base::SpinGuard guard(lock_);
      domain_ = checked(fabric_->device().allocate_protection_domain(), "no protection domain");
    }
    world_.reset(new verbs_test::World{loop_, lock_, fabric_->device(), *domain_, fabric_->connections()});
    slots_.emplace(*world_, memory_[0].bytes);
    connect(server_, server);
    connect(client_, client);
    server_gid_ = server;
  }
  ~Control() {
    for (Station* station : {&server_, &client_}) {
      station->client.reset();
      if (station->slot != nullptr) slots_->give_back(*station->slot);
    }
    slots_.reset();
    const base::SpinGuard guard(lock_);
    domain_.reset();
  }

  ControlAnswer demand(Image image, const ControlRequest& request) {
    Station& station = image == Image::Server ? server_ : client_;
    const ControlAnswer answer = checked(run(station.client->ask(request)), "the image does not answer");
    if (answer.error != 0u) {
      throw Failure(fmt::format("bench: the {} could not do task {}: {} (completion status {})",
                                image == Image::Server ? "server" : "client", request.task,
                                base::error_name(static_cast<base::Error>(answer.error.get())),
                                answer.completion_status.get()));
    }
    return answer;
  }
  verbs::Gid server_gid() const { return server_gid_; }

 private:
  struct Station {
    verbs_test::Slot* slot = nullptr;
    std::unique_ptr<verbs_test::ControlClient> client;
  };

  template <typename T>
  static T checked(base::Result<T> result, const char* what) {
    if (!result) throw Failure(fmt::format("bench: {}: {}", what, base::error_name(result.error())));
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
  template <typename T>
  base::Result<T> run(base::Task<T> task) {
    std::optional<base::Result<T>> outcome;
    base::spawn(std::move(task), [&outcome](base::Result<T> result) { outcome.emplace(std::move(result)); });
    while (!outcome) poll_.run_once();
    return std::move(*outcome);
  }
  void connect(Station& station, verbs::Gid image) {
    station.slot = checked(slots_->take(), "no memory");
    station.client = std::make_unique<verbs_test::ControlClient>(*world_, *station.slot);
    checked(run(station.client->connect(image)), "the image takes no connection");
  }

  poll_loop::MonotonicClock clock_;
  base::EventLoop loop_;
  poll_loop::PollLoop poll_;
  base::SpinLock lock_{base::LockRank::Rpc};
  std::unique_ptr<linux_node::Fabric> fabric_;
  base::Own<verbs::ProtectionDomain> domain_;
  std::vector<Page> memory_;
  std::unique_ptr<verbs_test::World> world_;
  std::optional<verbs_test::SlotPool> slots_;
  Station server_, client_;
  verbs::Gid server_gid_;
};

namespace {

machines::ImageConfig image_config(const std::filesystem::path& file, const std::filesystem::path& socket,
                                   const char* ip, const char* mac) {
  return {.file = file, .switch_socket = socket, .ip = ip, .mac = mac, .options = "verbs_test=1"};
}

verbs::Gid gid_of(const machines::Image& image) { return verbs::Gid::from_ipv4(*roce::parse_ipv4(image.ip())); }

ControlRequest request_of(Verb verb, const Cell& cell, const Effort& effort) {
  ControlRequest request;
  request.verb = static_cast<std::uint8_t>(verb);
  request.transport = static_cast<std::uint8_t>(verbs_test::Transport::Reliable);
  request.flags = verbs_test::flag_own;
  request.size = cell.bytes;
  request.iterations = effort.iterations(cell);
  request.depth = effort.depth;
  request.path_mtu = path_mtu;
  request.timeout_ms = task_timeout_ms;
  return request;
}

Measured measured(const Cell& cell, const ControlAnswer& answer) {
  if (cell.quantity == Quantity::Bandwidth) {
    const double seconds = static_cast<double>(answer.elapsed_ns.get()) / 1e9;
    return {.median = static_cast<double>(answer.bytes.get()) / seconds / (1 << 20)};
  }
  const double to_us = one_way(cell.operation) ? 2000 : 1000;
  return {.least = static_cast<double>(answer.least_ns.get()) / to_us,
          .median = static_cast<double>(answer.median_ns.get()) / to_us,
          .p99 = static_cast<double>(answer.p99_ns.get()) / to_us};
}

}  // namespace

ImagePair::ImagePair(const std::filesystem::path& image, const Sockets& sockets)
    : machines_(
          new Machines{.server = machines::Image(image_config(image, sockets.server, server_ip, "52:54:4c:47:08:65")),
                       .client = machines::Image(image_config(image, sockets.client, client_ip, "52:54:4c:47:08:66"))}),
      control_socket_(sockets.control) {}

ImagePair::~ImagePair() = default;

void ImagePair::boot() {
  machines_->server.start();
  machines_->client.start();
}

void ImagePair::connect() {
  for (machines::Image* image : {&machines_->server, &machines_->client}) {
    image->wait_for_line("verbs_test: listening");
  }
  control_ = std::make_unique<Control>(control_socket_, gid_of(machines_->server), gid_of(machines_->client));
}

Measured ImagePair::measure(const Cell& cell, const Effort& effort) {
  const Tasks tasks = tasks_of(cell);
  ControlRequest request = request_of(Verb::Open, cell, effort);
  const auto server = control_->demand(Control::Image::Server, request).self;
  const auto client = control_->demand(Control::Image::Client, request).self;
  request.verb = static_cast<std::uint8_t>(Verb::Connect);
  request.task = static_cast<std::uint8_t>(tasks.server);
  request.peer = client;
  control_->demand(Control::Image::Server, request);
  request.task = static_cast<std::uint8_t>(tasks.client);
  request.peer = server;
  control_->demand(Control::Image::Client, request);
  request.verb = static_cast<std::uint8_t>(Verb::Run);
  const ControlAnswer done = control_->demand(Control::Image::Client, request);
  request.verb = static_cast<std::uint8_t>(Verb::Close);
  control_->demand(Control::Image::Client, request);
  control_->demand(Control::Image::Server, request);
  if (done.messages != effort.iterations(cell) || done.mismatches != 0u) {
    throw Failure(fmt::format("bench: {} of {} operations, {} wrong", done.messages.get(), effort.iterations(cell),
                              done.mismatches.get()));
  }
  return measured(cell, done);
}

std::string ImagePair::icrc_method() const {
  const std::string console = machines_->client.console(), before = "ICRC by ";
  const auto at = console.find(before);
  if (at == console.npos) return "";
  const auto begin = at + before.size();
  return console.substr(begin, console.find_first_of("\r\n", begin) - begin);
}

}  // namespace bench
