// SPDX-License-Identifier: Apache-2.0
// The composition of a sComponent's image: one event core with the network and the first disk, an ext4 file system on
// it, served to mComponents, and membership of the rack.
#include "kernel/base/log.h"
#include "kernel/core/entropy.h"
#include "kernel/core/event_core.h"
#include "kernel/drivers/disks.h"
#include "kernel/memory/frames.h"
#include "kernel/start/component.h"
#include "net/component/component.h"
#include "net/component/frame_buffers.h"
#include "net/port/event_port.h"
#include "storage/disk/device_store.h"
#include "storage/disk/fiber_worker.h"
#include "storage/ext4/file_system.h"
#include "storage/service/file_service.h"

namespace {

using base::Error;
using base::Result;

constexpr std::uint32_t disk_core = 0;
constexpr std::uint64_t cache_share = 4;  // of the component's memory: one part in so many, for metadata blocks

class DiskMounter final : public storage::Mounter {
 public:
  explicit DiskMounter(storage::BlockStore& store) : store_(store) {}
  Result<base::Own<storage::FileSystem>> mount(storage::Time now) override {
    const std::uint64_t blocks = kernel::frames().counters().total / cache_share;
    auto system = TRY(ext4::FileSystem::mount(store_,
                                              {.cache_blocks = blocks,
                                               .first_generation = static_cast<std::uint32_t>(kernel::random_u64()),
                                               .hash_seed = kernel::random_u64()},
                                              now));
    return base::Own<storage::FileSystem>(std::move(system));
  }

 private:
  storage::BlockStore& store_;
};

class StorageComponent final : private component::Observer {
 public:
  Result<> start(const kernel::BootInfo& boot, kernel::EventCore& core) {
    component_ = TRY(component::Component::create(boot, core.loop()));
    port_ = TRY(base::try_make<port::EventPort>(component_->port(), component_->device(), core));
    TRY(start_disk(core));
    TRY(component_->prepare({.kind = messages::ComponentKind::Storage}, *this));
    buffers_ = TRY(base::try_make<component::FrameBuffers>(component_->local_key()));
    service_ =
        TRY(storage::FileService::create(core.loop(), worker_, *mounter_, *buffers_, messages::ComponentKind::Memory));
    service_->serve(component_->server());
    TRY(component_->statistics().add(*service_));
    return component_->start();
  }

 private:
  void node_died(const messages::NodeEntry& node) override { service_->client_died(base::BootId(node.boot_id)); }

  Result<> start_disk(kernel::EventCore& core) {
    disks_ = TRY(drivers::start_disks(component_->machine(), disk_core));
    if (disks_.empty()) {
      base::log_error("storage", "there is no disk that can be used");
      return base::fail(Error::NoDevice);
    }
    blockdev::BlockDevice& disk = *disks_[0];
    poller_ = TRY(base::try_make<kernel::DevicePoller>(disk));
    core.add(*poller_);
    TRY(worker_.start());
    store_ = TRY(base::try_make<storage::DeviceStore>(core.loop(), disk, worker_.fiber()));
    mounter_ = TRY(base::try_make<DiskMounter>(*store_));
    base::log_info("storage", "a disk of {} MiB{}", store_->capacity_bytes() >> 20,
                   store_->read_only() ? ", read-only" : "");
    return {};
  }

  base::Own<component::Component> component_;
  base::Own<port::EventPort> port_;
  base::Array<base::Own<blockdev::BlockDevice>> disks_;
  base::Own<kernel::DevicePoller> poller_;
  storage::FiberWorker worker_;
  base::Own<storage::DeviceStore> store_;
  base::Own<DiskMounter> mounter_;
  base::Own<component::FrameBuffers> buffers_;
  base::Own<storage::FileService> service_;
};

StorageComponent storage_component;

}  // namespace

[[noreturn]] void kernel::component_main(const BootInfo& boot) {
  make_event_cores();
  if (const Result<> started = storage_component.start(boot, event_core(0)); !started)
    base::log_error("storage", "this sComponent cannot start: {}", started.error());
  run_event_cores();
}
