// SPDX-License-Identifier: Apache-2.0
// The composition of an mComponent's image: one event core with the network, the memory monitor over nearly all of the
// component's RAM, and membership of the rack.
#include <algorithm>

#include "arch/x86_64/cpu.h"
#include "kernel/base/log.h"
#include "kernel/core/event_core.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/start/component.h"
#include "memory/service/memory_monitor.h"
#include "net/component/component.h"
#include "net/exported_memory/export_service.h"
#include "net/port/event_port.h"
#include "net/verbs_test/image_service.h"

namespace {

using base::Result;

// Kept for the kernel: connections' buffers, page maps, coroutines. Page maps need 2 KiB for up to 512 pages.
std::uint64_t frames_for_kernel(std::uint64_t free) { return std::max<std::uint64_t>(free / 16, 4096); }
constexpr std::uint64_t largest_slab_frames = 16384;  // 64 MiB
constexpr std::uint64_t smallest_slab_frames = 64;
constexpr std::size_t staging_buffers = 8;

// What a pComponent has told the managers to be its memory is its ExCache.
base::Task<std::uint64_t> excache_lines_of(membership::Member* member, base::NodeId node) {
  CO_TRY(const messages::NodeEntry entry, co_await member->look_up(node));
  co_return entry.memory_bytes / base::page_bytes;
}

class MemoryComponent final : private component::Observer,
                              private memory::ProcessorObserver,
                              private memory::RackRefresher {
 public:
  Result<> start(const kernel::BootInfo& boot, kernel::EventCore& core) {
    component_ = TRY(component::Component::create(boot, core.loop()));
    port_ = TRY(base::try_make<port::EventPort>(component_->port(), component_->device(), core));
    TRY(export_memory(boot.command_line(), core.loop()));
    TRY(verbs_test::start_if_wanted(boot, *component_, core.loop()));
    const std::uint64_t free = kernel::frames().counters().free;
    const std::uint64_t given = free > frames_for_kernel(free) ? free - frames_for_kernel(free) : 0;
    TRY(component_->prepare({.kind = messages::ComponentKind::Memory, .memory_bytes = given * base::page_bytes},
                            *this));
    monitor_ = TRY(base::try_make<memory::MemoryMonitor>(core.loop(), component_->endpoint(), component_->server(),
                                                         slabs_, component_->managers()));
    monitor_->observe_processors(*this);
    monitor_->set_rack_refresher(*this);
    TRY(give_staging());
    TRY(give_frames(given));
    TRY(component_->statistics().add(*monitor_));
    base::log_info("memory", "{} MiB of frames", monitor_->frames_total() / 256);
    return component_->start();
  }

 private:
  void joined(membership::Member& member) override { monitor_->joined(member.node()); }

  void node_died(const messages::NodeEntry& node) override {
    if (node.kind != static_cast<std::uint8_t>(messages::ComponentKind::Processor)) return;
    base::spawn(monitor_->processor_died(base::NodeId(node.node)), [](Result<> ended) {
      if (!ended) base::log_warning("memory", "what a dead pComponent had stays: {}", ended.error());
    });
  }
  void rack_memory(const membership::RackMemory& memory) override { monitor_->set_rack_memory(memory.total_bytes); }
  base::Task<> refresh() override { return component_->member().refresh(); }
  membership::Load load() const override {
    return {.frames_total = monitor_->frames_total(), .frames_free = monitor_->frames_free()};
  }

  // All of the component's: those that the monitor was given, of which it tells what they are used for, and the
  // kernel's.
  void report_frames(rpc::CounterSink& sink) const override {
    const kernel::FrameCounters frames = kernel::frames().counters();
    const std::uint64_t kernel = frames.used[static_cast<std::size_t>(kernel::FrameKind::Kernel)];
    sink.counter("frames.total", frames.total);
    sink.counter("frames.free", frames.free + monitor_->frames_free());
    sink.counter("frames.kernel", kernel);
    sink.counter("frames.peak_used", kernel + monitor_->frames_peak_used());
  }

  void processor_seen(base::NodeId node) override {
    base::spawn(excache_lines_of(&component_->member(), node), [this, node](Result<std::uint64_t> lines) {
      if (!lines) return base::log_warning("memory", "node {} is not known to the managers: {}", node, lines.error());
      monitor_->serve_excache(*lines);
    });
  }

  Result<> give_frames(std::uint64_t wanted) {
    std::uint64_t slab = largest_slab_frames;
    while (wanted >= smallest_slab_frames && slab >= smallest_slab_frames) {
      const std::uint64_t frames = std::min(slab, wanted);
      const auto memory = kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Anonymous, frames);
      if (!memory) {
        slab /= 2;
        continue;
      }
      TRY(monitor_->add_frames(kernel::direct_map(*memory), static_cast<std::uint32_t>(frames),
                               component_->local_key()));
      wanted -= frames;
    }
    return {};
  }

  // The sComponent writes into it.
  Result<> give_staging() {
    constexpr std::uint64_t bytes = memory::FileStorage::max_read_bytes;
    const base::PhysAddr frames = TRY(kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Kernel,
                                                                staging_buffers * bytes / base::page_bytes));
    std::byte* memory = kernel::direct_map(frames);
    const auto address = reinterpret_cast<std::uint64_t>(memory);
    {
      const base::SpinGuard guard(component_->port().lock());
      staging_region_ = TRY(component_->domain().register_memory(
          address, staging_buffers * bytes, verbs::Access::LocalWrite | verbs::Access::RemoteWrite));
    }
    TRY(slabs_.add(address, staging_buffers * bytes, *staging_region_));
    for (std::size_t i = 0; i < staging_buffers; ++i) TRY(monitor_->add_staging({memory + i * bytes, bytes}));
    return {};
  }

  // export=BYTES: memory that any RDMA peer may use. Off unless it is asked for.
  Result<> export_memory(const kernel::CommandLine& line, base::EventLoop& loop) {
    if (!line.has("export")) return {};
    const std::uint64_t bytes = TRY(line.size("export"));
    const std::uint64_t frames = bytes / base::page_bytes;
    if (frames == 0 || frames > largest_slab_frames) return base::fail(base::Error::OutOfRange);
    const base::PhysAddr memory =
        TRY(kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Kernel, frames));
    const std::span<std::byte> exported(kernel::direct_map(memory), frames * base::page_bytes);
    std::ranges::fill(exported, std::byte{0});
    roce::Engine& engine = component_->port().engine();
    export_ = TRY(base::try_make<exported_memory::ExportService>(loop, component_->port().lock(), engine.device(),
                                                                 component_->domain(), engine.connections()));
    return export_->start(exported);
  }

  base::Own<component::Component> component_;
  base::Own<port::EventPort> port_;
  base::Own<exported_memory::ExportService> export_;
  base::Own<verbs::MemoryRegion> staging_region_;
  rpc::RegisteredSlabs slabs_;
  base::Own<memory::MemoryMonitor> monitor_;
};

MemoryComponent memory_component;

}  // namespace

[[noreturn]] void kernel::component_main(const BootInfo& boot) {
  make_event_cores();
  if (const Result<> started = memory_component.start(boot, event_core(0)); !started)
    base::log_error("memory", "this mComponent cannot start: {}", started.error());
  run_event_cores();
}
