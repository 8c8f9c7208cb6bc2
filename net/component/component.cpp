// SPDX-License-Identifier: Apache-2.0
// What every component's image has: see component.h.
#include "net/component/component.h"

#include "kernel/base/log.h"
#include "kernel/core/cores.h"
#include "kernel/core/entropy.h"
#include "kernel/core/rack_key.h"
#include "kernel/memory/frames.h"
#include "kernel/time/clock.h"
#include "net/port/open_port.h"

namespace component {

using base::Error;
using base::Result;

namespace {
constexpr std::uint32_t device_core = 0;
}  // namespace

Result<base::Own<Component>> Component::create(const kernel::BootInfo& boot, base::EventLoop& loop) {
  base::Own<Component> component = TRY(base::try_make<Component>(loop));
  component->configuration_ = TRY(read_configuration(boot.command_line()));
  const auto key = kernel::read_rack_key(boot);
  if (!key) {
    base::log_error("component", "no rack key (fw_cfg opt/lego/rack-key or a boot module rack-key): {}", key.error());
    return base::fail(key.error());
  }
  component->key_ = TRY(membership::RackKey::from_file(key->span()));
  component->boot_id_ = base::BootId(kernel::random_u64() | 1);
  TRY(component->start_network(boot));
  return component;
}

Result<> Component::start_network(const kernel::BootInfo&) {
  TRY(machine_.start());
  devices_ = TRY(drivers::start_network_devices(machine_, device_core));
  if (devices_.empty()) {
    base::log_error("component", "there is no network device that can be used");
    return base::fail(Error::NoDevice);
  }
  device_ = devices_[0].get();
  roce::EngineConfig config;
  config.ipv4 = configuration_.ip;
  config.prefix_length = configuration_.prefix_length;
  config.seed = kernel::random_u64();
  config.crc = TRY(port::choose_crc(kernel::clock(), {}));
  base::log_info("component", "ICRC by {}", roce::crc_method(config.crc).name);
  port_ = TRY(port::open_port(*device_, kernel::clock(), config));
  const base::SpinGuard guard(port_->lock());
  domain_ = TRY(port_->engine().device().allocate_protection_domain());
  all_memory_ = TRY(FrameBuffers::register_all(*domain_));
  buffers_ = TRY(base::try_make<FrameBuffers>(all_memory_->lkey()));
  return {};
}

rpc::NodeAddress Component::managers() const {
  return {.ip = configuration_.managers_ip, .port = messages::managers_port};
}

Result<> Component::prepare(const Options& options, Observer& observer) {
  observer_ = &observer;
  membership::MemberConfiguration member;
  member.key = key_;
  member.managers_ip = configuration_.managers_ip;
  member.ip = configuration_.ip;
  member.boot_id = boot_id_;
  member.kind = options.kind;
  member.name = configuration_.name;
  member.cores = kernel::core_count();
  member.excache_lines = options.excache_lines;
  member.memory_bytes = options.memory_bytes;
  member_ = TRY(base::try_make<membership::Member>(member, loop_, static_cast<membership::Entropy&>(*this),
                                                   static_cast<membership::MemberObserver&>(*this)));
  loop_driver_ = TRY(base::try_make<rpc::LoopDriver>(loop_));
  rpc::Driver& driver = options.driver != nullptr ? *options.driver : *loop_driver_;
  endpoint_ = TRY(rpc::Endpoint::create({.device = port_->engine().device(),
                                         .domain = *domain_,
                                         .connections = port_->engine().connections(),
                                         .lock = port_->lock(),
                                         .clock = kernel::clock(),
                                         .buffers = *buffers_,
                                         .driver = driver,
                                         .identity = *member_,
                                         .statistics = rpc_statistics_,
                                         .boot_id = boot_id_}));
  if (options.driver == nullptr) loop_driver_->attach(*endpoint_);
  server_ = TRY(base::try_make<rpc::Server>(loop_));
  stats_ = TRY(rpc::StatsService::create(*server_, *buffers_, port_->lock()));
  rpc_counters_ = TRY(base::try_make<rpc::EndpointCounters>(port_->lock(), rpc_statistics_));
  TRY(stats_->add(*rpc_counters_));
  return stats_->add(*this);
}

Result<> Component::start() {
  TRY(endpoint_->serve(*server_, messages::component_port));
  return member_->start(*endpoint_);
}

void Component::report(rpc::CounterSink& sink) {
  port_->for_each_counter([&](std::string_view name, std::uint64_t value) { sink.counter(name, value); });
  observer_->report_frames(sink);
}

void Component::fill(std::span<std::byte> bytes) { kernel::fill_random(bytes); }

membership::Load Observer::load() const {
  const kernel::FrameCounters frames = kernel::frames().counters();
  return {.frames_total = frames.total, .frames_free = frames.free, .load = 0};
}

void Observer::report_frames(rpc::CounterSink& sink) const {
  const kernel::FrameCounters frames = kernel::frames().counters();
  const auto used = [&](kernel::FrameKind kind) { return frames.used[static_cast<std::size_t>(kind)]; };
  sink.counter("frames.total", frames.total);
  sink.counter("frames.free", frames.free);
  sink.counter("frames.kernel", used(kernel::FrameKind::Kernel));
  sink.counter("frames.excache", used(kernel::FrameKind::ExCache));
  sink.counter("frames.anonymous", used(kernel::FrameKind::Anonymous));
  sink.counter("frames.page_cache", used(kernel::FrameKind::PageCache));
  sink.counter("frames.peak_used", frames.peak_used);
}

void Component::joined() {
  base::log_info("component", "joined the rack as node {}", member_->node());
  observer_->joined(*member_);
}

void Component::refused(Error error) { base::log_error("component", "the managers refused us: {}", error); }

void Component::lease_lost() {
  // What it served may be served by another component now: nothing more may come from here.
  base::platform::panic("the lease of this component is lost");
}

}  // namespace component
