// SPDX-License-Identifier: Apache-2.0
// gmmd without main(): see daemon.h.
#include "gmm/daemon.h"

#include <chrono>
#include <fstream>
#include <iterator>

#include "kernel/base/log.h"

namespace gmm {

namespace {

Result<membership::RackKey> read_key(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto key = membership::RackKey::from_file(std::as_bytes(std::span(text)));
  if (!file.is_open() || !key) {
    base::log_error("gmm", "{}: no rack key of {} to {} bytes", std::string_view(path), membership::RackKey::min_bytes,
                    membership::RackKey::max_bytes);
    return base::fail(Error::InvalidArgument);
  }
  return key;
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::create(poll_loop::PollLoop& loop, const Options& options,
                                               const linux_node::MakeFabric& make_fabric, std::function<void()> lost) {
  const membership::RackKey key = TRY(read_key(options.key_file));
  std::unique_ptr<Daemon> daemon(new Daemon(loop));
  Counters restored;
  if (!options.state_file.empty()) {
    daemon->state_.emplace(options.state_file);
    const auto loaded = daemon->state_->load();
    if (!loaded) {
      base::log_error("gmm", "{}: {}", std::string_view(options.state_file), loaded.error());
      return base::fail(loaded.error());
    }
    restored = *loaded;
  }
  if (auto attached = daemon->attach(make_fabric, std::move(lost)); !attached) {
    base::log_error("gmm", "cannot attach to {}: {}", std::string_view(options.fabric), attached.error());
    return base::fail(attached.error());
  }
  if (auto serving = daemon->serve(key, restored); !serving) {
    base::log_error("gmm", "cannot serve: {}", serving.error());
    return base::fail(serving.error());
  }
  base::log_info("gmm", "{} serves at {}.{}.{}.{}, epoch {}", std::string_view(options.name), options.ip >> 24,
                 options.ip >> 16 & 255, options.ip >> 8 & 255, options.ip & 255, daemon->managers_->epoch());
  return daemon;
}

Result<> Daemon::attach(const linux_node::MakeFabric& make_fabric, std::function<void()> lost) {
  fabric_ = TRY(make_fabric(loop_, lock_, std::move(lost)));
  const base::SpinGuard guard(lock_);
  domain_ = TRY(fabric_->device().allocate_protection_domain());
  buffers_ = std::make_unique<rpc::HeapBuffers>(*domain_);
  return {};
}

Result<> Daemon::serve(const membership::RackKey& key, const Counters& restored) {
  base::EventLoop& loop = loop_.loop();
  WallClock& wall_clock = *this;
  managers_ = std::make_unique<Managers>(key, loop, entropy_, wall_clock, restored, state_ ? &*state_ : nullptr);
  server_ = std::make_unique<rpc::Server>(loop, managers_.get(), Managers::server_limits());
  rpc_counters_ = std::make_unique<rpc::EndpointCounters>(lock_, statistics_);
  stats_ = TRY(rpc::StatsService::create(*server_, *buffers_, lock_));
  TRY(stats_->add(*managers_));
  TRY(stats_->add(*rpc_counters_));
  rpc::CounterSource& network = *this;
  TRY(stats_->add(network));
  endpoint_ =
      TRY(rpc::Endpoint::create({fabric_->device(), *domain_, fabric_->connections(), lock_, loop.clock(), *buffers_,
                                 driver_, *managers_, statistics_, base::BootId(entropy_.number())}));
  driver_.attach(*endpoint_);
  return managers_->serve(*endpoint_, *server_);
}

Daemon::~Daemon() {
  // An answer may be under way, whose handler waits until it is taken.
  if (endpoint_) {
    endpoint_->close();
    while (!endpoint_->closed() && loop_.loop().run_ready()) {
    }
  }
  endpoint_.reset();
  stats_.reset();
  const base::SpinGuard guard(lock_);
  buffers_.reset();
  domain_.reset();
}

std::uint64_t Daemon::wall_time_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

void Daemon::report(rpc::CounterSink& sink) {
  const base::SpinGuard guard(lock_);
  const linux_node::NetworkCounters counters = fabric_->counters();
  sink.counter("net.tx_packets", counters.tx_packets);
  sink.counter("net.tx_bytes", counters.tx_bytes);
  sink.counter("net.rx_packets", counters.rx_packets);
  sink.counter("net.rx_bytes", counters.rx_bytes);
  sink.counter("net.retransmits", counters.retransmits);
}

}  // namespace gmm
