// SPDX-License-Identifier: Apache-2.0
// /dev: the devices that every program expects, /dev/pts with the slaves of pseudo-terminals, and an empty /dev/shm for
// a file system in memory to be mounted over.
#include <algorithm>
#include <charconv>
#include <cstring>

#include "linux-abi/console/pseudo_terminal.h"
#include "linux-abi/files/special_files.h"
#include "linux-abi/files/synthetic.h"

namespace linux_abi {
namespace {

constexpr std::uint8_t character_entry = 2, directory_entry = 4, link_entry = 10;  // DT_*

void fill(ListedEntry& entry, std::string_view name, std::uint8_t type, std::uint64_t cookie) {
  std::memcpy(entry.name.data(), name.data(), name.size());
  entry.type = type;
  entry.cookie = cookie;
}

Answer<NodeReference> find_nothing(std::string_view, int, Caller&) { return error(ENOENT); }
bool list_nothing(std::uint64_t, int, Caller&, ListedEntry&) { return false; }
constexpr DirectorySource empty{find_nothing, list_nothing, true};

// /dev/pts: its "ptmx", then slaves by number; the cookie after slave N is N + 2.
constexpr std::string_view master_name = "ptmx";
constexpr std::uint32_t slave_permissions = 0620;

Answer<NodeReference> find_slave(std::string_view name, int, Caller& caller) {
  if (name == master_name) return make_device(device::pseudo_master, 0666);
  int number = -1;
  const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
  PseudoSlave slave;
  const bool whole = bad == std::errc() && end == name.data() + name.size() && (name == "0" || name[0] != '0');
  if (!whole || number < 0 || !next_pseudo_slave(number, caller, slave) || slave.number != number) return error(ENOENT);
  return make_device(device::pseudo_slave(static_cast<std::uint32_t>(number)), slave_permissions, slave.uid);
}

bool list_slaves(std::uint64_t cookie, int, Caller& caller, ListedEntry& entry) {
  if (cookie == 0) {
    fill(entry, master_name, character_entry, 1);
    return true;
  }
  PseudoSlave slave;
  if (cookie > 1000 || !next_pseudo_slave(static_cast<int>(cookie) - 1, caller, slave)) return false;
  std::array<char, 12> name{};
  const auto [end, bad] = std::to_chars(name.data(), name.data() + name.size(), slave.number);
  fill(entry, {name.data(), end}, character_entry, static_cast<std::uint64_t>(slave.number) + 2);
  return true;
}

constexpr DirectorySource slaves{find_slave, list_slaves, false};

struct Device {
  std::string_view name;
  std::uint64_t number;
  std::uint32_t permissions;
};
constexpr std::array<Device, 8> devices{{{"null", device::null, 0666},
                                         {"zero", device::zero, 0666},
                                         {"full", device::full, 0666},
                                         {"random", device::random, 0666},
                                         {"urandom", device::urandom, 0666},
                                         {"tty", device::tty, 0666},
                                         {"ptmx", device::pseudo_master, 0666},
                                         {"console", device::console, 0600}}};
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
  for (std::size_t i = 0; i < links.size(); ++i)
    if (links[i].name == name) return make_link(write_target, nullptr, static_cast<int>(i), -1);
  for (const Folder& folder : folders)
    if (folder.name == name) return make_directory(folder.source, 0, 0755);
  return error(ENOENT);
}

bool list(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
  std::size_t index = cookie;
  if (index < devices.size()) {
    fill(entry, devices[index].name, character_entry, cookie + 1);
    return true;
  }
  index -= devices.size();
  if (index < links.size()) {
    fill(entry, links[index].name, link_entry, cookie + 1);
    return true;
  }
  index -= links.size();
  if (index >= folders.size()) return false;
  fill(entry, folders[index].name, directory_entry, cookie + 1);
  return true;
}

constexpr DirectorySource source{find, list, true};

}  // namespace

Answer<NodeReference> make_dev() { return make_directory(source, 0, 0755); }

}  // namespace linux_abi
