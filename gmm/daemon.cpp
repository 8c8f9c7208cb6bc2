// SPDX-License-Identifier: Apache-2.0
// gmmd without main(): see daemon.h.
#include "gmm/daemon.h"

#include <sys/random.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "kernel/base/log.h"

namespace gmm {

namespace {

constexpr std::uint32_t link_mtu = 4200;  // a page is one packet

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

std::uint64_t random_number(membership::Entropy& entropy) {
  std::uint64_t number = 0;
  while (number == 0) entropy.fill(std::as_writable_bytes(std::span(&number, 1)));
  return number;
}

}  // namespace

void Daemon::GetRandom::fill(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

Result<std::unique_ptr<Daemon>> Daemon::create(poll_loop::PollLoop& loop, const Options& options,
                                               std::function<void()> lost) {
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
  if (auto attached = daemon->attach(options, std::move(lost)); !attached) {
    base::log_error("gmm", "cannot attach to the switch at {}: {}", std::string_view(options.switch_socket),
                    attached.error());
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

Result<> Daemon::attach(const Options& options, std::function<void()> lost) {
  roce::EngineConfig config;
  config.mac = options.mac;
  config.ipv4 = options.ip;
  config.prefix_length = options.prefix_length;
  config.link_mtu = link_mtu;
  config.seed = random_number(entropy_);
  auto socket = TRY(ether_socket::EtherSocket::connect(options.switch_socket));
  port_ = TRY(roce_socket::RocePort::create(loop_, lock_, std::move(socket), config, std::move(lost)));
  const base::SpinGuard guard(lock_);
  domain_ = TRY(port_->engine().device().allocate_protection_domain());
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
      TRY(rpc::Endpoint::create({port_->engine().device(), *domain_, port_->engine().connections(), lock_, loop.clock(),
                                 *buffers_, driver_, *managers_, statistics_, base::BootId(random_number(entropy_))}));
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
  const roce::Counters& counters = port_->engine().counters();
  sink.counter("net.tx_packets", counters.tx_packets);
  sink.counter("net.tx_bytes", counters.tx_bytes);
  sink.counter("net.rx_packets", counters.rx_packets);
  sink.counter("net.rx_bytes", counters.rx_bytes);
  sink.counter("net.retransmits", counters.retransmits);
}

}  // namespace gmm
