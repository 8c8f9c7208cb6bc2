// SPDX-License-Identifier: Apache-2.0
// Vector state in signal frames: the declarations are in fpu.h, the rules in fpu_layout.h.
#include <cstring>

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/fpu_layout.h"
#include "arch/x86_64/user_copy.h"

namespace arch {

namespace {

// Whether magic2 stands behind the state: without it the frame was cut short.
base::Result<bool> has_end_mark(base::UserVa at) {
  std::uint32_t mark = 0;
  TRY(copy_from_user(std::as_writable_bytes(std::span(&mark, 1)), at));
  return mark == signal_magic2;
}

}  // namespace

std::size_t signal_fpu_bytes() {
  const FpuLayout& layout = fpu_layout();
  return layout.state_bytes + (layout.xsave ? sizeof(signal_magic2) : 0);
}

base::Result<> write_signal_fpu(const FpuState& state, base::UserVa to) {
  if (to.value() % fpu_alignment != 0) return base::fail(base::Error::InvalidArgument);
  const FpuLayout& layout = fpu_layout();
  FxsaveArea area;
  std::memcpy(&area, state.bytes().data(), sizeof area);
  mark_signal_image(area, layout);
  TRY(copy_to_user(to, std::as_bytes(std::span(&area, 1))));
  if (!layout.xsave) return {};
  TRY(copy_to_user(to + fxsave_bytes, state.bytes().subspan(fxsave_bytes)));
  return copy_to_user(to + layout.state_bytes, std::as_bytes(std::span(&signal_magic2, 1)));
}

base::Result<> read_signal_fpu(FpuState& state, base::UserVa from) {
  if (from.value() % fpu_alignment != 0) return base::fail(base::Error::InvalidArgument);
  const FpuLayout& layout = fpu_layout();
  FxsaveArea area;
  TRY(copy_from_user(std::as_writable_bytes(std::span(&area, 1)), from));
  std::size_t bytes = signal_state_bytes(area, layout);
  if (bytes > fxsave_bytes && !TRY(has_end_mark(from + bytes))) bytes = fxsave_bytes;
  // Into a state of its own: the copies may sleep, and nothing is taken if one fails.
  FpuState fresh = TRY(FpuState::create());
  std::memcpy(fresh.bytes().data(), &area, sizeof area);
  TRY(copy_from_user(fresh.bytes().subspan(fxsave_bytes, bytes - fxsave_bytes), from + fxsave_bytes));
  TRY(make_loadable(fresh.bytes(), bytes, layout));
  state.copy_from(fresh);
  return {};
}

}  // namespace arch
