// SPDX-License-Identifier: Apache-2.0
// /dev: the devices that every program expects, loop devices, /dev/pts with the slaves of pseudo-terminals, and an
// empty /dev/shm for a file system in memory to be mounted over.
#include <algorithm>

#include "kernel/base/format.h"
#include "linux-abi/console/pseudo_terminal.h"
#include "linux-abi/files/loop_devices.h"
#include "linux-abi/files/special_files.h"
#include "linux-abi/files/synthetic.h"

namespace linux_abi {
namespace {

Answer<NodeReference> find_nothing(std::string_view, int, Caller&) { return error(ENOENT); }
bool list_nothing(std::uint64_t, int, Caller&, ListedEntry&) { return false; }
constexpr DirectorySource empty{find_nothing, list_nothing, true};

// /dev/pts: its "ptmx", then slaves by number; the cookie after slave N is N + 2.
constexpr std::string_view master_name = "ptmx";

Answer<DeviceOwner> owner_of_slave(int number, Caller& caller) {
  const PseudoSlave slave = TRY(find_pseudo_slave(number, caller));
  return DeviceOwner{slave.permissions, slave.uid, slave.gid};
}

Answer<NodeReference> find_slave(std::string_view name, int, Caller& caller) {
  if (name == master_name) return make_device(device::pseudo_master, 0666);
  const PseudoSlave slave = TRY(find_pseudo_slave(number_of_name(name), caller));
  return make_owned_device(device::pseudo_slave(static_cast<std::uint32_t>(slave.number)), slave.number, owner_of_slave,
                           change_pseudo_slave);
}

bool list_slaves(std::uint64_t cookie, int, Caller& caller, ListedEntry& entry) {
  if (cookie == 0) {
    return entry.set(master_name, entry_type::character, 1);
  }
  PseudoSlave slave;
  if (cookie > 1000 || !next_pseudo_slave(static_cast<int>(cookie) - 1, caller, slave)) return false;
  std::array<char, 12> name;
  return entry.set(base::format(name, "{}", slave.number), entry_type::character,
                   static_cast<std::uint64_t>(slave.number) + 2);
}

constexpr DirectorySource slaves{find_slave, list_slaves, false};

struct Device {
  std::string_view name;
  std::uint64_t number;
  std::uint32_t permissions;
};
constexpr std::array<Device, 9> devices{{{"null", device::null, 0666},
                                         {"zero", device::zero, 0666},
                                         {"full", device::full, 0666},
                                         {"random", device::random, 0666},
                                         {"urandom", device::urandom, 0666},
                                         {"tty", device::tty, 0666},
                                         {"ptmx", device::pseudo_master, 0666},
                                         {"console", device::console, 0600},
                                         {"loop-control", device::loop_control, 0660}}};
constexpr std::array<std::string_view, LoopDevices::count> loops{"loop0", "loop1", "loop2", "loop3",
                                                                 "loop4", "loop5", "loop6", "loop7"};
struct Link {
  std::string_view name, target;
};
constexpr std::array<Link, 4> links{{{"fd", "/proc/self/fd"},
                                     {"stdin", "/proc/self/fd/0"},
                                     {"stdout", "/proc/self/fd/1"},
                                     {"stderr", "/proc/self/fd/2"}}};
struct Folder {
  std::string_view name;
  const DirectorySource& source;
};
constexpr std::array<Folder, 2> folders{{{"pts", slaves}, {"shm", empty}}};

Answer<> write_target(TextWriter& out, int link, Caller&) {
  return out.add_text(links[static_cast<std::size_t>(link)].target);
}

Answer<NodeReference> find(std::string_view name, int, Caller&) {
  for (const Device& device : devices)
    if (device.name == name) return make_device(device.number, device.permissions);
  for (std::uint32_t i = 0; i < loops.size(); ++i)
    if (loops[i] == name) return make_device(device::loop(i), 0660, file_mode::block);
  for (std::size_t i = 0; i < links.size(); ++i)
    if (links[i].name == name) return make_link(write_target, nullptr, static_cast<int>(i));
  for (const Folder& folder : folders)
    if (folder.name == name) return make_directory(folder.source, 0, 0755);
  return error(ENOENT);
}

bool list(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
  std::size_t index = cookie;
  if (index < devices.size()) {
    return entry.set(devices[index].name, entry_type::character, cookie + 1);
  }
  index -= devices.size();
  if (index < loops.size()) {
    return entry.set(loops[index], entry_type::block, cookie + 1);
  }
  index -= loops.size();
  if (index < links.size()) {
    return entry.set(links[index].name, entry_type::link, cookie + 1);
  }
  index -= links.size();
  if (index >= folders.size()) return false;
  return entry.set(folders[index].name, entry_type::directory, cookie + 1);
}

constexpr DirectorySource source{find, list, true};

}  // namespace

Answer<NodeReference> make_dev() { return make_directory(source, 0, 0755); }

}  // namespace linux_abi
