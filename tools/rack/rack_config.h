// SPDX-License-Identifier: Apache-2.0
// What a rack in QEMU consists of, and the names and addresses of its components. Addresses follow from the names, so
// that the same rack has the same addresses, and the same seed of faults the same history, every time.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace rack {

enum class Accelerator { Tcg, Kvm, Auto };

inline constexpr unsigned max_components_of_a_kind = 64;
inline constexpr unsigned max_cpus = 64;

struct RackConfig {
  unsigned processors = 1;
  unsigned memories = 1;
  unsigned storages = 1;
  unsigned cpus = 1;  // of each pComponent
  std::uint64_t excache_bytes = 64 << 20;
  std::uint64_t memory_bytes = 512 << 20;
  Accelerator accelerator = Accelerator::Auto;
  std::string faults;                       // checked; empty: none
  std::string pcap;                         // a file; empty: none
  std::string managers;                     // a program started in gmmd's place, with its arguments; empty: gmmd
  std::set<std::string> gdb;                // components with a gdb server
  std::vector<std::string> kernel_options;  // key=value, added to every component's command line
};

enum class Kind : std::uint8_t { Manager = 0, Processor = 1, Memory = 2, Storage = 3, Client = 9 };

struct Component {
  std::string name;  // p0, m0, s0, gmm, lego
  Kind kind;
  unsigned index = 0;
  std::string ip() const;   // 10.77.kind.index+1, of a network of 16 bits
  std::string mac() const;  // locally administered
};

inline constexpr std::uint8_t prefix_length = 16;

Component managers();
Component client();
// p0.., m0.., s0..: what has an image of its own.
std::vector<Component> components_of(const RackConfig& config);
// The ports of the switch: all of the above.
std::vector<Component> ports_of(const RackConfig& config);

}  // namespace rack
