// SPDX-License-Identifier: Apache-2.0
// What the ExCache remembers about one thread between its faults: the lines that the instruction under way has got so
// far, which are not taken from it before it ran (an x86 instruction may need eight pages and more at once), and the
// fault history that prefetch follows. Guarded by the ExCache's lock. A context with pins is on the ExCache's list;
// ExCache::forget(context) before it is destroyed.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>

namespace excache {

struct Line;

inline constexpr unsigned max_pins = 16;

class FaultContext
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  FaultContext() = default;
  FaultContext(const FaultContext&) = delete;
  FaultContext& operator=(const FaultContext&) = delete;

 private:
  friend class ExCache;
  std::array<Line*, max_pins> pins_{};
  unsigned pin_count_ = 0;
  unsigned oldest_pin_ = 0;        // the next to be replaced
  std::uint64_t instruction_ = 0;  // whose faults the pins serve
  std::uint64_t last_fault_ns_ = 0;
  bool in_fault_ = false;  // between the first attempt and its end
  bool filled_ = false;    // this fault has made or awaited the line that it will find

  std::uint64_t last_page_ = 0;
  std::int64_t stride_ = 0;
  unsigned run_ = 0;         // faults in a row with this stride
  std::uint64_t ahead_ = 0;  // prefetched up to this page
};

}  // namespace excache
