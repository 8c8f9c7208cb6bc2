// SPDX-License-Identifier: Apache-2.0
// The rules for vector state that comes from a user: see fpu_layout.h. XRSTOR faults on an MXCSR bit that does not
// exist, a component that is not enabled, a compacted header, or a reserved bit (SDM volume 1, section 13.8).
#include "arch/x86_64/fpu_layout.h"

#include <cstring>

#include "kernel/base/assert.h"

namespace arch {

void mark_signal_image(FxsaveArea& area, const FpuLayout& layout) {
  std::memset(&area.magic1, 0, sizeof(FxsaveArea) - offsetof(FxsaveArea, magic1));
  if (!layout.xsave) return;
  area.magic1 = signal_magic1;
  area.extended_bytes = layout.state_bytes + static_cast<std::uint32_t>(sizeof(signal_magic2));
  area.features = layout.features;
  area.state_bytes = layout.state_bytes;
}

std::size_t signal_state_bytes(const FxsaveArea& area, const FpuLayout& layout) {
  const bool extended = layout.xsave && area.magic1 == signal_magic1 && area.state_bytes >= xsave_header_end &&
                        area.state_bytes <= layout.state_bytes &&
                        area.extended_bytes >= area.state_bytes + sizeof(signal_magic2);
  return extended ? area.state_bytes : fxsave_bytes;
}

base::Result<> make_loadable(std::span<std::byte> image, std::size_t valid, const FpuLayout& layout) {
  LEGO_ASSERT(image.size() == layout.state_bytes && valid <= image.size() && valid >= fxsave_bytes);
  FxsaveArea area;
  std::memcpy(&area, image.data(), sizeof area);
  const std::uint64_t named = area.features;
  area.mxcsr &= layout.mxcsr_mask;
  std::memset(&area.magic1, 0, sizeof(FxsaveArea) - offsetof(FxsaveArea, magic1));
  std::memcpy(image.data(), &area, sizeof area);
  if (!layout.xsave) return {};

  XsaveHeader header{};
  if (valid < xsave_header_end) {
    header.present = xfeature::x87 | xfeature::sse;
  } else {
    std::memcpy(&header, image.data() + fxsave_bytes, sizeof header);
    if (header.compacted != 0) return base::fail(base::Error::InvalidArgument);
    for (const std::uint64_t word : header.reserved) {
      if (word != 0) return base::fail(base::Error::InvalidArgument);
    }
    header.present &= named & layout.features;
  }
  std::memcpy(image.data() + fxsave_bytes, &header, sizeof header);
  return {};
}

}  // namespace arch
