// SPDX-License-Identifier: Apache-2.0
// The images' paths, name=, ip=, gmm= and the rack key's fw_cfg name are what people and tests rely on.
#include "tools/rack/rack_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace rack {
namespace {

constexpr std::uint64_t mib = 1 << 20;
// Beside the ExCache a pComponent holds its image, buffers of queue pairs, threads and page tables; and for each page
// of the ExCache a line, tags and buckets: a tenth of its size, and more for what forks share.
constexpr std::uint64_t processor_kernel_bytes = 128 * mib;
constexpr std::uint64_t processor_bytes(std::uint64_t excache) {
  return excache + excache / 4 / mib * mib + processor_kernel_bytes;
}
constexpr std::uint64_t storage_bytes = 256 * mib;
constexpr unsigned debug_exit_port = 0xf4;  // where kernel/core/panic.cpp writes the status
constexpr unsigned panic_status = 3;        // of QEMU: twice this and one

// In QEMU's option lists a comma ends the value, two are one.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char character : text) result += character == ',' ? ",," : std::string(1, character);
  return result;
}

std::string log_of(const RackFiles& files, const Component& component) {
  return files.logs / (component.name + ".log");
}

std::uint64_t ram_bytes(const RackConfig& config, Kind kind) {
  if (kind == Kind::Processor) return processor_bytes(config.excache_bytes);
  return kind == Kind::Memory ? config.memory_bytes : storage_bytes;
}

std::string kernel_command_line(const RackConfig& config, const Component& component) {
  std::string line =
      fmt::format("name={} ip={}/{} gmm={}", component.name, component.ip(), prefix_length, managers().ip());
  if (component.kind == Kind::Processor) line += fmt::format(" excache={}K", config.excache_bytes / 1024);
  line += fmt::format(" panic_exit={}", panic_status);
  for (const std::string& option : config.kernel_options) line += " " + option;
  return line;
}

PlannedProcess plan_switch(const RackConfig& config, const RackFiles& files) {
  PlannedProcess process{.name = "switch",
                         .arguments = {files.build / "tools/ether_switch/ether_switch", "--ready-fd", "{ready_fd}"},
                         .log = files.logs / "switch.log",
                         .announces_ready = true};
  auto& arguments = process.arguments;
  for (const Component& port : ports_of(config)) {
    arguments.insert(arguments.end(), {"--port", fmt::format("{}={}", port.name, socket_of(files, port).string())});
  }
  if (!config.pcap.empty()) arguments.insert(arguments.end(), {"--pcap", config.pcap});
  if (!config.faults.empty()) arguments.insert(arguments.end(), {"--faults", config.faults});
  return process;
}

PlannedProcess plan_managers(const RackConfig& config, const RackFiles& files) {
  const Component gmm = managers();
  const std::string gmmd = config.managers.empty() ? (files.build / "gmm/gmmd").string() : config.managers;
  return {.name = gmm.name,
          .arguments = {gmmd, "--name", gmm.name, "--switch", socket_of(files, gmm), "--ip",
                        fmt::format("{}/{}", gmm.ip(), prefix_length), "--mac", gmm.mac(), "--key", files.key},
          .log = log_of(files, gmm)};
}

void add_disk(std::vector<std::string>& arguments, const RackFiles& files, unsigned index) {
  if (index >= files.disks.size()) return;
  const bool own = index == 0 && files.root_use == DiskUse::Own;
  arguments.insert(arguments.end(), {"-drive",
                                     fmt::format("if=none,id=disk0,format=raw,discard=unmap,cache={},file={}",
                                                 own ? "writeback" : "unsafe", escaped(files.disks[index])),
                                     "-device", "virtio-blk-pci,drive=disk0,disable-legacy=on"});
}

// QEMU's translator leaves the guest's memory barriers out for a machine that can only ever have one core, though the
// devices run in threads of their own: notifications and interrupts would get lost. Room for a second core keeps them.
std::string smp_argument(unsigned cores) { return fmt::format("{},maxcpus={}", cores, std::max(cores, 2u)); }

// A panic ends QEMU, so that the rack learns of it at once.
void end_at_panic(std::vector<std::string>& arguments) {
  arguments.insert(arguments.end(), {"-device", fmt::format("isa-debug-exit,iobase={:#x},iosize=4", debug_exit_port)});
}

PlannedProcess plan_component(const RackConfig& config, Accelerator accelerator, const RackFiles& files,
                              const Component& component) {
  PlannedProcess process{.name = component.name, .arguments = {"qemu-system-x86_64"}, .log = log_of(files, component)};
  auto& arguments = process.arguments;
  const auto add = [&arguments](std::vector<std::string> more) {
    arguments.insert(arguments.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  add({"-name", component.name});
  add(machine_arguments(accelerator));
  add({"-smp", smp_argument(component.kind == Kind::Processor ? config.cpus : 1)});
  end_at_panic(arguments);
  add({"-m", fmt::format("{}K", ram_bytes(config, component.kind) / 1024)});
  add({"-kernel", image_of(files.build, component.kind), "-append", kernel_command_line(config, component)});
  add({"-fw_cfg", fmt::format("name=opt/lego/rack-key,file={}", escaped(files.key))});
  add({"-chardev", fmt::format("file,id=console,append=on,path={}", escaped(process.log)), "-serial",
       "chardev:console"});
  add({"-netdev",
       fmt::format("stream,id=net0,server=off,addr.type=unix,addr.path={}", escaped(socket_of(files, component))),
       "-device",
       fmt::format("virtio-net-pci,netdev=net0,mac={},host_mtu=4200,disable-legacy=on,romfile=", component.mac())});
  if (component.kind == Kind::Storage) add_disk(arguments, files, component.index);
  if (config.gdb.contains(component.name)) {
    add({"-gdb", fmt::format("unix:{},server=on,wait=off", escaped(gdb_socket_of(files, component)))});
  }
  return process;
}

}  // namespace

std::filesystem::path socket_of(const RackFiles& files, const Component& component) {
  return files.folder / (component.name + ".sock");
}

std::filesystem::path gdb_socket_of(const RackFiles& files, const Component& component) {
  return files.folder / (component.name + ".gdb");
}

std::filesystem::path image_of(const std::filesystem::path& build, Kind kind) {
  if (kind == Kind::Processor) return build / "linux-abi/pcomponent.elf";
  return build / (kind == Kind::Memory ? "memory/mcomponent.elf" : "storage/scomponent.elf");
}

std::vector<std::string> machine_arguments(Accelerator accelerator) {
  std::vector<std::string> arguments = {"-machine",   "q35",      "-nodefaults", "-no-user-config",
                                        "-no-reboot", "-display", "none"};
  const bool kvm = accelerator == Accelerator::Kvm;
  arguments.insert(arguments.end(), {"-accel", kvm ? "kvm" : "tcg,thread=multi", "-cpu", kvm ? "host" : "max"});
  return arguments;
}

ProcessPlan make_plan(const RackConfig& config, Accelerator accelerator, const RackFiles& files) {
  ProcessPlan plan = {plan_switch(config, files), plan_managers(config, files)};
  for (const Component& component : components_of(config)) {
    plan.push_back(plan_component(config, accelerator, files, component));
  }
  return plan;
}

}  // namespace rack
