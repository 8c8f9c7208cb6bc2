// SPDX-License-Identifier: Apache-2.0
// Vector registers of user threads: see fpu.h. XSAVE (SDM volume 1, chapter 13) writes every enabled component, so that
// no byte of a state is ever left over from somebody else.
#include "arch/x86_64/fpu.h"

#include <cstring>
#include <new>
#include <utility>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/fpu_layout.h"
#include "arch/x86_64/msr.h"
#include "kernel/base/assert.h"
#include "kernel/base/platform.h"

namespace arch {

namespace {

FpuLayout layout{};

// What user programs may use. Not AMX (8 KiB more, on demand only) and not protection keys.
std::uint64_t usable_features() {
  const CpuidResult supported = cpuid(0xd, 0);
  const std::uint64_t mask = supported.eax | (std::uint64_t{supported.edx} << 32);
  std::uint64_t features = mask & (xfeature::x87 | xfeature::sse | xfeature::avx);
  if ((features & xfeature::avx) != 0 && (mask & xfeature::avx512) == xfeature::avx512) features |= xfeature::avx512;
  return features;
}

std::uint32_t find_mxcsr_mask() {
  alignas(16) FxsaveArea area;
  fxsave(&area);
  return area.mxcsr_mask == 0 ? default_mxcsr_mask : area.mxcsr_mask;
}

}  // namespace

void init_fpu_on_this_core() {
  write_cr0((read_cr0() & ~(cr::cr0_emulation | cr::cr0_task_switched)) | cr::cr0_monitor_coprocessor |
            cr::cr0_numeric_error);
  write_cr4(read_cr4() | cr::cr4_fxsave | cr::cr4_simd_exceptions);
  const bool has_xsave = cpu_features().xsave;
  if (has_xsave) {
    write_cr4(read_cr4() | cr::cr4_xsave);
    write_xcr0(usable_features());
  }
  if (layout.state_bytes != 0) return;
  layout = {.xsave = has_xsave,
            .features = has_xsave ? read_xcr0() : xfeature::x87 | xfeature::sse,
            // EBX: the size for what XCR0 enables now.
            .state_bytes = has_xsave ? cpuid(0xd, 0).ebx : static_cast<std::uint32_t>(fxsave_bytes),
            .mxcsr_mask = find_mxcsr_mask()};
}

const FpuLayout& fpu_layout() { return layout; }

base::Result<FpuState> FpuState::create() {
  LEGO_ASSERT(layout.state_bytes != 0);
  FpuState state;
  state.memory_ = base::platform::allocate(layout.state_bytes + fpu_alignment - 16);
  if (state.memory_ == nullptr) return base::fail(base::Error::NoMemory);
  const auto address = reinterpret_cast<std::uintptr_t>(state.memory_);
  state.state_ = reinterpret_cast<std::byte*>(base::round_up(address, fpu_alignment));
  state.reset();
  return state;
}

FpuState::FpuState(FpuState&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), state_(std::exchange(other.state_, nullptr)) {}

FpuState& FpuState::operator=(FpuState&& other) noexcept {
  FpuState taken(std::move(other));
  std::swap(memory_, taken.memory_);
  std::swap(state_, taken.state_);
  return *this;
}

FpuState::~FpuState() { base::platform::deallocate(memory_); }

void FpuState::reset() {
  std::memset(state_, 0, layout.state_bytes);
  auto& area = *new (state_) FxsaveArea;
  area.control_word = initial_control_word;
  area.mxcsr = initial_mxcsr;
}

void FpuState::copy_from(const FpuState& other) { std::memcpy(state_, other.state_, layout.state_bytes); }

void FpuState::save_registers() {
  if (layout.xsave) {
    xsave(state_, layout.features);
  } else {
    fxsave(state_);
  }
}

void FpuState::restore_registers() {
  if (layout.xsave) {
    xrstor(state_, layout.features);
  } else {
    fxrstor(state_);
  }
}

std::span<std::byte> FpuState::bytes() { return {state_, layout.state_bytes}; }
std::span<const std::byte> FpuState::bytes() const { return {state_, layout.state_bytes}; }

}  // namespace arch
