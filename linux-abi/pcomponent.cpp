// SPDX-License-Identifier: Apache-2.0
// The composition of a pComponent's image: threads on all cores, the network, the processor monitor with its ExCache,
// Linux on top, and membership of the rack.
#include "arch/x86_64/tlb_shootdown.h"
#include "kernel/base/log.h"
#include "kernel/core/cores.h"
#include "kernel/memory/frames.h"
#include "kernel/start/component.h"
#include "kernel/threads/scheduler.h"
#include "kernel/time/clock.h"
#include "linux-abi/calls/table.h"
#include "linux-abi/component/personality.h"
#include "linux-abi/console/launch_service.h"
#include "linux-abi/files/home_call.h"
#include "linux-abi/process/memory_information.h"
#include "linux-abi/process/request_count.h"
#include "linux-abi/time/load_averages.h"
#include "linux-abi/sockets/inet_retries.h"
#include "linux-abi/time/timer_service.h"
#include "linux-abi/time/wall_clock.h"
#include "linux-abi/trace/tracer.h"
#include "linux-abi/vdso/vdso_image.h"
#include "net/component/component.h"
#include "net/port/thread_port.h"
#include "processor/monitor.h"

namespace {

using base::Result;

constexpr std::uint64_t default_excache_bytes = std::uint64_t{64} << 20;

class ProcessorComponent final : private component::Observer,
                                 private rpc::CounterSource,
                                 private port::Expectation,
                                 private linux_abi::MemoryRefresher,
                                 private linux_abi::RequestCounter {
 public:
  explicit ProcessorComponent(const kernel::BootInfo& boot) : boot_(boot), loop_(kernel::clock()) {}

  // On the component's first kernel thread, which then runs the loop.
  Result<> start() {
    component_ = TRY(component::Component::create(boot_, loop_));
    port_ = TRY(port::ThreadPort::create(loop_, component_->port(), component_->device()));
    const std::uint64_t excache = boot_.command_line().size("excache").value_or(default_excache_bytes);
    TRY(component_->prepare({.kind = messages::ComponentKind::Processor,
                             .excache_lines = static_cast<std::uint32_t>(excache / base::page_bytes),
                             .memory_bytes = excache,
                             .driver = port_.get()},
                            *this));
    port_->attach(component_->endpoint());
    port_->expect(*this);
    launches_ = TRY(base::try_make<linux_abi::LaunchService>(loop_));
    launches_->serve(component_->server());
    launches_->set_refresher(*this);
    linux_abi::set_request_counter(*this);
    {
      const base::SpinGuard guard(component_->port().lock());
      TRY(linux_abi::start_home_calls(component_->endpoint(), component_->domain()));
    }
    TRY(linux_abi::start_timer_service());
    linux_abi::start_inet_retries();
    monitor_ = TRY(processor::Monitor::start({.excache_bytes = excache,
                                              .evictors = boot_.command_line().find_or("evictors", "on") != "off",
                                              .prefetch = boot_.command_line().find_or("prefetch", "on") != "off",
                                              .endpoint = component_->endpoint(),
                                              .domain = component_->domain(),
                                              .personality = personality_}));
    linux_abi::share_clock(TRY(monitor_->start_system_pages(vdso::image())));
    launches_->set_monitor(*monitor_);
    TRY(component_->statistics().add(*this));
    return component_->start();
  }

  [[noreturn]] void run() {
    if (const Result<> started = start(); !started)
      base::log_error("linux_abi", "this pComponent cannot start: {}", started.error());
    if (port_) port_->run();
    while (true) (void)threads::sleep_until(base::never_ns, threads::Interruptible::Never);
  }

 private:
  void joined(membership::Member& member) override { linux_abi::set_wall_clock(member.wall_time_ns()); }
  void node_died(const messages::NodeEntry& node) override {
    if (node.kind == static_cast<std::uint8_t>(messages::ComponentKind::Memory))
      monitor_->memory_dead(base::NodeId(node.node));
  }

  void rack_memory(const membership::RackMemory& memory) override {
    linux_abi::set_memory_information({memory.total_bytes, memory.free_bytes});
    // It comes with each heartbeat, once a second; the thread that brings it is not part of the load.
    const std::uint32_t runnable = threads::statistics().runnable;
    linux_abi::load_averages().sample(kernel::clock().now_ns(), runnable > 0 ? runnable - 1 : 0);
  }
  base::Task<> refresh_memory() override { return component_->member().refresh(); }
  std::uint64_t waiting_since_ns() const override { return component_->endpoint().demand_since_ns(); }

  void report(rpc::CounterSink& sink) override {
    linux_abi::set_wall_clock(component_->member().wall_time_ns());
    report_excache(sink);
    const threads::Statistics threads = threads::statistics();
    sink.counter("threads.now", threads.threads_now);
    sink.counter("threads.switches", threads.switches);
    for (std::uint64_t number = 0; number < linux_abi::call_numbers; ++number) {
      const std::uint64_t count = linux_abi::call_counts[number].load(std::memory_order_relaxed);
      if (count == 0) continue;
      std::array<char, 64> name;
      const linux_abi::CallEntry* entry = linux_abi::find_call(number);
      sink.counter(entry != nullptr ? base::format(name, "syscalls.{}", entry->name)
                                    : base::format(name, "syscalls.unknown_{}", number),
                   count);
    }
  }

  void report_excache(rpc::CounterSink& sink) {
    const excache::Counters counters = monitor_->counters();
    sink.counter("excache.lines", counters.lines);
    sink.counter("excache.faults", counters.faults);
    sink.counter("excache.zero_fills", counters.zero_fills);
    sink.counter("excache.remote_fills", counters.remote_fills);
    sink.counter("excache.joined_fills", counters.joined_fills);
    sink.counter("excache.shared_hits", counters.shared_hits);
    sink.counter("excache.prefetch_issued", counters.prefetch_issued);
    sink.counter("excache.prefetch_used", counters.prefetch_used);
    sink.counter("excache.evictions", counters.evictions);
    sink.counter("excache.evictions_by_faulting_thread", counters.evictions_by_faulting_thread);
    sink.counter("excache.waits_for_line", counters.waits_for_line);
    sink.counter("excache.wait_ns", counters.wait_ns);
    sink.counter("excache.write_backs", counters.write_backs);
    sink.counter("excache.bytes_written_back", counters.bytes_written_back);
    sink.counter("excache.cow_faults", counters.cow_faults);
    sink.counter("excache.zero_fill_messages", counters.zero_fill_messages);
    sink.counter("excache.demand_messages", demand_messages());
    sink.counter("tlb.shootdowns", arch::tlb_statistics().shootdowns);
  }

  std::uint64_t requests() override {
    const base::SpinGuard guard(component_->port().lock());
    return component_->rpc_statistics().requests_made();
  }

  std::uint64_t demand_messages() {
    const base::SpinGuard guard(component_->port().lock());
    const auto fetch = static_cast<std::uint16_t>(messages::Operation::PageFetch);
    return component_->rpc_statistics().made(fetch)->demand;
  }

  const kernel::BootInfo& boot_;
  base::EventLoop loop_;
  linux_abi::LinuxPersonality personality_;
  base::Own<component::Component> component_;
  base::Own<port::ThreadPort> port_;
  base::Own<linux_abi::LaunchService> launches_;
  base::Own<processor::Monitor> monitor_;
};

void run_component(void* self) { static_cast<ProcessorComponent*>(self)->run(); }

}  // namespace

[[noreturn]] void kernel::component_main(const BootInfo& boot) {
  linux_abi::install_personality();
  static linux_abi::LinuxTracer tracer;
  processor::install_tracer(tracer);
  threads::init();
  static ProcessorComponent component(boot);
  const auto thread = threads::create({.name = "component", .klass = policy::Class::High}, run_component, &component);
  if (!thread) base::platform::panic("no memory for the component's first thread");
  threads::start(**thread);
  run_on_other_cores([](std::uint32_t) { threads::run_this_core(); });
  threads::run_this_core();
}
