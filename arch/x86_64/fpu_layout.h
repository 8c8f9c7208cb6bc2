// SPDX-License-Identifier: Apache-2.0
// What this CPU has, and the memory image of the vector registers: FXSAVE area (SDM volume 1, table 10-2), XSAVE header
// (section 13.4.2), and what Linux adds to both in a signal frame. Pure: the rules for taking back an image that a user
// wrote are tested hosted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"

namespace arch {

namespace xfeature {
inline constexpr std::uint64_t x87 = 1u << 0;
inline constexpr std::uint64_t sse = 1u << 1;
inline constexpr std::uint64_t avx = 1u << 2;
inline constexpr std::uint64_t avx512 = 7u << 5;  // opmask, upper halves of ZMM0-15, ZMM16-31
}  // namespace xfeature

struct FpuLayout {
  bool xsave;                 // else FXSAVE
  std::uint64_t features;     // XCR0; x87 and SSE without XSAVE
  std::uint32_t state_bytes;  // of one state
  std::uint32_t mxcsr_mask;   // the bits of MXCSR that exist
};

struct FxsaveArea {
  std::uint16_t control_word = 0;
  std::uint16_t status_word = 0;
  std::uint8_t tag_word = 0;
  std::uint8_t reserved = 0;
  std::uint16_t opcode = 0;
  std::uint64_t instruction_pointer = 0;
  std::uint64_t data_pointer = 0;
  std::uint32_t mxcsr = 0;
  std::uint32_t mxcsr_mask = 0;  // which bits of mxcsr exist; 0 stands for default_mxcsr_mask
  std::uint64_t st[8][2] = {};
  std::uint64_t xmm[16][2] = {};
  std::uint64_t reserved_for_cpu[6] = {};
  // Free for software. In a signal frame:
  std::uint32_t magic1 = 0;
  std::uint32_t extended_bytes = 0;  // with magic2 at the end
  std::uint64_t features = 0;        // which components follow
  std::uint32_t state_bytes = 0;     // without magic2
  std::uint32_t unused[7] = {};
};
static_assert(sizeof(FxsaveArea) == 512 && offsetof(FxsaveArea, mxcsr) == 24 && offsetof(FxsaveArea, xmm) == 160 &&
              offsetof(FxsaveArea, magic1) == 464);

struct XsaveHeader {
  std::uint64_t present;    // XSTATE_BV: components that are not in their initial state
  std::uint64_t compacted;  // XCOMP_BV: 0 in the standard layout
  std::uint64_t reserved[6];
};
static_assert(sizeof(XsaveHeader) == 64);

inline constexpr std::size_t fxsave_bytes = 512;
inline constexpr std::size_t xsave_header_end = fxsave_bytes + sizeof(XsaveHeader);
inline constexpr std::size_t fpu_alignment = 64;
inline constexpr std::uint16_t initial_control_word = 0x37f;
inline constexpr std::uint32_t initial_mxcsr = 0x1f80;
inline constexpr std::uint32_t default_mxcsr_mask = 0xffbf;

inline constexpr std::uint32_t signal_magic1 = 0x46505853;
inline constexpr std::uint32_t signal_magic2 = 0x46505845;

// Puts the software bytes of a signal frame into the FXSAVE part of an image.
void mark_signal_image(FxsaveArea& area, const FpuLayout& layout);

// How many bytes of a signal frame at whose start `area` was found hold state; fxsave_bytes if it is not, or not
// entirely, in the extended format (magic2 is then to be checked by the caller).
std::size_t signal_state_bytes(const FxsaveArea& area, const FpuLayout& layout);

// Makes an image of layout.state_bytes safe to load, given that the first `valid` bytes came from a user and the rest
// is zero. InvalidArgument: the header is impossible.
base::Result<> make_loadable(std::span<std::byte> image, std::size_t valid, const FpuLayout& layout);

}  // namespace arch
