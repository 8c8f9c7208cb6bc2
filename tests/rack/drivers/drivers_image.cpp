// SPDX-License-Identifier: Apache-2.0
// The image of drivers_rack_test: network devices on core 0, disks on the last core.
#include "kernel/base/log.h"
#include "kernel/core/cores.h"
#include "kernel/core/event_core.h"
#include "kernel/drivers/disks.h"
#include "kernel/drivers/machine.h"
#include "kernel/drivers/network.h"
#include "kernel/start/component.h"
#include "tests/rack/drivers/disk_exercise.h"
#include "tests/rack/drivers/frame_answerer.h"

namespace drivers_test {
namespace {

using base::log_info;

void list_functions(const drivers::Machine& machine) {
  for (const pci::Function& function : machine.functions()) {
    const pci::Address at = function.address();
    log_info("test", "pci {:x}:{:x}.{}: {:x}:{:x} class {:x}", at.bus, at.device, at.function, function.vendor(),
             function.device(), function.class_code());
  }
}

// Starts when the core's loop runs.
class DiskWork final : public base::Work {
 public:
  DiskWork(kernel::EventCore& core, base::Own<blockdev::BlockDevice> disk, device::DmaMemory& memory, unsigned number)
      : core_(core), disk_(std::move(disk)), poller_(*disk_), memory_(memory), number_(number) {}
  void start() {
    core_.add(poller_);
    core_.loop().post(*this);
  }

 private:
  void run() override {
    base::spawn(exercise_disk(core_.loop(), *disk_, memory_, number_), [this](base::Result<> result) {
      log_info("test", "disk {}: {}", number_, result ? "all is well" : base::error_name(result.error()));
    });
  }
  kernel::EventCore& core_;
  base::Own<blockdev::BlockDevice> disk_;
  kernel::DevicePoller poller_;
  device::DmaMemory& memory_;
  unsigned number_;
};

base::Result<> start_disks_on(drivers::Machine& machine, std::uint32_t core) {
  auto disks = TRY(drivers::start_disks(machine, core));
  for (unsigned i = 0; i < disks.size(); ++i) {
    auto work = TRY(base::try_make<DiskWork>(kernel::event_core(core), std::move(disks[i]), machine.memory(), i));
    work.release()->start();
  }
  log_info("test", "{} disks on core {}", disks.size(), core);
  return {};
}

base::Result<> start_network_on(drivers::Machine& machine, std::uint32_t core) {
  auto devices = TRY(drivers::start_network_devices(machine, core));
  for (auto& owned : devices) {
    netdev::NetDevice& device = *owned.release();
    auto answerer = TRY(base::try_make<FrameAnswerer>(device, kernel::event_core(core)));
    auto poller = TRY(base::try_make<kernel::DevicePoller>(device));
    TRY(answerer.release()->start(machine.memory()));
    kernel::event_core(core).add(*poller.release());
    log_info("test", "network device with an MTU of {}", device.mtu());
  }
  return {};
}

base::Result<> start() {
  TRY(kernel::make_event_cores());
  auto machine = TRY(base::try_make<drivers::Machine>());
  TRY(machine->start());
  list_functions(*machine);
  TRY(start_network_on(*machine, 0));
  TRY(start_disks_on(*machine, kernel::core_count() - 1));
  machine.release();
  log_info("test", "ready");
  return {};
}

}  // namespace
}  // namespace drivers_test

[[noreturn]] void kernel::component_main(const BootInfo&) {
  if (const auto started = drivers_test::start(); !started) {
    base::log_error("test", "cannot start: {}", started.error());
    base::platform::panic("the test cannot start");
  }
  kernel::run_event_cores();
}
