// SPDX-License-Identifier: Apache-2.0
// /dev: the devices that every program expects.
#include <algorithm>
#include <cstring>

#include "linux-abi/files/special_files.h"
#include "linux-abi/files/synthetic.h"

namespace linux_abi {
namespace {

struct Device {
  std::string_view name;
  std::uint64_t number;
  std::uint32_t permissions;
};
constexpr std::array<Device, 7> devices{{{"null", device::null, 0666},
                                         {"zero", device::zero, 0666},
                                         {"full", device::full, 0666},
                                         {"random", device::random, 0666},
                                         {"urandom", device::urandom, 0666},
                                         {"tty", device::tty, 0666},
                                         {"console", device::console, 0600}}};
struct Link {
  std::string_view name, target;
};
constexpr std::array<Link, 4> links{{{"fd", "/proc/self/fd"},
                                     {"stdin", "/proc/self/fd/0"},
                                     {"stdout", "/proc/self/fd/1"},
                                     {"stderr", "/proc/self/fd/2"}}};

constexpr std::string_view shared_memory = "shm";

Answer<> write_target(TextWriter& out, int link, Caller&) {
  return out.add_text(links[static_cast<std::size_t>(link)].target);
}

Answer<NodeReference> find(std::string_view name, int, Caller&) {
  for (const Device& device : devices)
    if (device.name == name) return make_device(device.number, device.permissions);
  for (std::size_t i = 0; i < links.size(); ++i)
    if (links[i].name == name) return make_link(write_target, nullptr, static_cast<int>(i), -1);
  return error(ENOENT);
}

bool list(std::uint64_t cookie, int, Caller&, ListedEntry& entry) {
  constexpr std::uint8_t character = 2, directory = 4, link = 10;
  constexpr std::size_t first_directory = devices.size() + links.size();
  if (cookie > first_directory) return false;
  const bool is_device = cookie < devices.size();
  const std::string_view name = is_device                   ? devices[cookie].name
                                : cookie == first_directory ? shared_memory
                                                            : links[cookie - devices.size()].name;
  std::memcpy(entry.name.data(), name.data(), name.size());
  entry.type = is_device ? character : cookie == first_directory ? directory : link;
  entry.cookie = cookie + 1;
  return true;
}

// What others are mounted over.
Answer<NodeReference> find_nothing(std::string_view, int, Caller&) { return error(ENOENT); }
bool list_nothing(std::uint64_t, int, Caller&, ListedEntry&) { return false; }
constexpr DirectorySource empty{find_nothing, list_nothing, true};
Answer<NodeReference> find_in_dev(std::string_view name, int subject, Caller& caller) {
  return name == shared_memory ? make_directory(empty, 0, 0755) : find(name, subject, caller);
}

constexpr DirectorySource source{find_in_dev, list, true};

}  // namespace

Answer<NodeReference> make_dev() { return make_directory(source, 0, 0755); }

}  // namespace linux_abi
