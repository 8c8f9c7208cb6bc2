// SPDX-License-Identifier: Apache-2.0
// The x87, SSE and AVX registers of user threads. The kernel itself never uses them, so they are saved and restored
// only around switches between user threads. A state is kept in XSAVE's standard (not compacted) layout, which is also
// what Linux puts in signal frames; without XSAVE it is the 512 bytes of FXSAVE.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "arch/x86_64/fpu_layout.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace arch {

// CR0, CR4 and XCR0; the first core to call decides the layout for all.
void init_fpu_on_this_core();
const FpuLayout& fpu_layout();

class FpuState {
 public:
  // In the state that a new program finds. NoMemory.
  static base::Result<FpuState> create();
  FpuState() = default;
  FpuState(FpuState&& other) noexcept;
  FpuState& operator=(FpuState&& other) noexcept;
  ~FpuState();

  explicit operator bool() const { return memory_ != nullptr; }
  void reset();                           // the initial state (execve)
  void copy_from(const FpuState& other);  // fork
  void save_registers();                  // registers → this
  void restore_registers();               // this → registers; if it does not hold a valid state: the initial one
  std::span<std::byte> bytes();
  std::span<const std::byte> bytes() const;

 private:
  void* memory_ = nullptr;  // as allocated; the state begins at the next multiple of 64
  std::byte* state_ = nullptr;
};

// The part of a signal frame that uc_mcontext.fpstate points to: FXSAVE area with the software bytes (magic1), XSAVE
// header and components, magic2. The address must be a multiple of 64.
std::size_t signal_fpu_bytes();
[[nodiscard]] base::Result<> write_signal_fpu(const FpuState& state, base::UserVa to);
// Takes back what a handler may have changed. Malformed or partial state is made valid as Linux does: without magic
// only the FXSAVE part is taken. BadAddress; InvalidArgument for a misaligned address or impossible header.
[[nodiscard]] base::Result<> read_signal_fpu(FpuState& state, base::UserVa from);

}  // namespace arch
