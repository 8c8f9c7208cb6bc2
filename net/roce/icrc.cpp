// SPDX-License-Identifier: Apache-2.0
#include "net/roce/icrc.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "arch/x86_64/crc_fold.h"
#include "kernel/base/assert.h"
#include "kernel/base/endian.h"
#include "kernel/base/platform.h"

namespace roce {
namespace {

constexpr std::size_t slices = 16;
using Table = std::array<std::array<std::uint32_t, 256>, slices>;

// table[s][b]: what byte b contributes when s more bytes follow it in the block.
constexpr Table make_table() {
  Table table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0xedb88320u : 0);
    table[0][byte] = state;
  }
  for (std::size_t slice = 1; slice < slices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = table[slice - 1][byte];
      table[slice][byte] = (before >> 8) ^ table[0][before & 0xff];
    }
  }
  return table;
}
constinit const Table table = make_table();

std::uint32_t by_byte(std::uint32_t state, const std::byte* bytes, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    state = (state >> 8) ^ table[0][(state ^ std::to_integer<std::uint32_t>(bytes[i])) & 0xff];
  }
  return state;
}

std::uint64_t load(const std::byte* bytes) {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// What eight bytes contribute when `After` more follow them in the block.
template <std::size_t After>
[[gnu::always_inline]] inline std::uint32_t eight(std::uint64_t word) {
  return table[After + 7][word & 0xff] ^ table[After + 6][(word >> 8) & 0xff] ^ table[After + 5][(word >> 16) & 0xff] ^
         table[After + 4][(word >> 24) & 0xff] ^ table[After + 3][(word >> 32) & 0xff] ^
         table[After + 2][(word >> 40) & 0xff] ^ table[After + 1][(word >> 48) & 0xff] ^ table[After][word >> 56];
}

std::uint32_t slice_by_8(std::uint32_t state, const std::byte* bytes, std::size_t count) {
  for (; count >= 8; count -= 8, bytes += 8) state = eight<0>(load(bytes) ^ state);
  return by_byte(state, bytes, count);
}

std::uint32_t slice_by_16(std::uint32_t state, const std::byte* bytes, std::size_t count) {
  for (; count >= 16; count -= 16, bytes += 16) state = eight<8>(load(bytes) ^ state) ^ eight<0>(load(bytes + 8));
  return slice_by_8(state, bytes, count);
}

// ---- Elimination by a sparse multiple of the polynomial

// x^300 + x^155 + x^117 + x^89 + 1 is a multiple of the CRC's polynomial: to add its product with x^k changes no
// remainder. So a word that is erased from the front of the message may be added again 145, 183, 211 and 300 bits
// further on, by shifts alone: one load for eight bytes where tables take nine, which counts where each load is looked
// up in software, as under emulation. The last words remain for the tables.
constexpr std::uint32_t power_of_x(unsigned power) {
  std::uint32_t value = 1;
  for (unsigned i = 0; i < power; ++i) value = (value << 1) ^ ((value >> 31) != 0 ? 0x04c11db7u : 0);
  return value;
}
constexpr unsigned distances[] = {145, 183, 211, 300};
static_assert((power_of_x(300) ^ power_of_x(300 - distances[0]) ^ power_of_x(300 - distances[1]) ^
               power_of_x(300 - distances[2])) == power_of_x(300 - distances[3]));

constexpr std::size_t window_words = 5;  // 300 bits and a word reach so far
constexpr std::size_t least_eliminated = 4 * window_words * sizeof(std::uint64_t);

// What a word adds to the `Further`-th word after it, by one term and by all. Bits travel from the lowest to the
// highest.
template <unsigned Further, unsigned Distance>
[[gnu::always_inline]] inline std::uint64_t carried_by(std::uint64_t word) {
  if constexpr (Distance / 64 == Further) return word << Distance % 64;
  if constexpr (Distance / 64 + 1 == Further) return word >> (64 - Distance % 64);
  return 0;
}
template <unsigned Further>
[[gnu::always_inline]] inline std::uint64_t carried(std::uint64_t word) {
  return carried_by<Further, distances[0]>(word) ^ carried_by<Further, distances[1]>(word) ^
         carried_by<Further, distances[2]>(word) ^ carried_by<Further, distances[3]>(word);
}

std::uint32_t by_elimination(std::uint32_t state, const std::byte* bytes, std::size_t count) {
  if (count < least_eliminated) return slice_by_16(state, bytes, count);
  std::uint64_t next[window_words] = {state};  // what is to be added to the next words
  for (; count >= 2 * window_words * sizeof(std::uint64_t); count -= window_words * sizeof(std::uint64_t)) {
#pragma GCC unroll 5
    for (std::size_t i = 0; i < window_words; ++i, bytes += sizeof(std::uint64_t)) {
      const std::uint64_t word = load(bytes) ^ next[0];
      next[0] = next[1];
      next[1] = next[2] ^ carried<2>(word);
      next[2] = next[3] ^ carried<3>(word);
      next[3] = next[4] ^ carried<4>(word);
      next[4] = carried<5>(word);
    }
  }
  std::array<std::byte, window_words * sizeof(std::uint64_t)> last;
  for (std::size_t i = 0; i < window_words; ++i) {
    const std::uint64_t word = load(bytes + i * sizeof(std::uint64_t)) ^ next[i];
    std::memcpy(last.data() + i * sizeof(word), &word, sizeof(word));
  }
  return slice_by_16(slice_by_16(0, last.data(), last.size()), bytes + last.size(), count - last.size());
}

// ---- Carry-less multiplication

// x^power modulo the polynomial, with the bits in the order of a reflected CRC, one place up: the product of two
// reflected numbers is one place short.
constexpr std::uint64_t factor(unsigned power) {
  std::uint64_t value = 0x80000000;  // x^0
  for (unsigned i = 0; i < power; ++i) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320u : 0);
  return value << 1;
}
constexpr arch::CrcFactors factors = {.by_512_bits = {factor(512 + 32), factor(512 - 32)},
                                      .by_128_bits = {factor(128 + 32), factor(128 - 32)}};
constexpr std::size_t fold_block = 64;
constexpr std::size_t least_folded = 256;  // below that, saving registers and the end cost more than it saves

// With interrupts disabled: a thread that is switched to meanwhile finds its own vector registers.
std::uint32_t by_carry_less(std::uint32_t state, const std::byte* bytes, std::size_t count) {
  if (count < least_folded) return slice_by_16(state, bytes, count);
  std::array<std::byte, 16> folded;
  const std::uint64_t interrupts = base::platform::disable_interrupts();
  arch_crc_fold(&factors, state, bytes, count / fold_block, folded.data());
  base::platform::restore_interrupts(interrupts);
  state = slice_by_16(0, folded.data(), folded.size());
  return slice_by_16(state, bytes + count / fold_block * fold_block, count % fold_block);
}

// What not every CPU has comes last.
constexpr CrcMethodInfo methods[] = {
    {CrcMethod::ByteTable, "table", by_byte},
    {CrcMethod::SliceBy8, "slice-by-8", slice_by_8},
    {CrcMethod::SliceBy16, "slice-by-16", slice_by_16},
    {CrcMethod::Elimination, "elimination", by_elimination},
    {CrcMethod::CarryLess, "carry-less", by_carry_less},
};

}  // namespace

std::span<const CrcMethodInfo> crc_methods() {
  return std::span(methods).first(std::size(methods) - (arch::can_fold_crc() ? 0 : 1));
}

const CrcMethodInfo& crc_method(CrcMethod method) {
  for (const CrcMethodInfo& info : crc_methods()) {
    if (info.method == method) return info;
  }
  return methods[0];
}

std::uint32_t icrc_headers(const CrcMethodInfo& crc, std::span<const std::byte> headers) {
  constexpr std::byte ones{0xff};
  constexpr std::size_t udp_and_bth = 8 + 12;
  std::array<std::byte, 40 + udp_and_bth> masked;
  const bool ipv6 = (headers[0] >> 4) == std::byte{6};
  const std::size_t ip = ipv6 ? 40 : 20;
  LEGO_ASSERT(headers.size() >= ip + udp_and_bth);
  std::memcpy(masked.data(), headers.data(), ip + udp_and_bth);
  if (ipv6) {
    masked[0] |= std::byte{0x0f};  // traffic class, flow label
    masked[1] = masked[2] = masked[3] = ones;
    masked[7] = ones;  // hop limit
  } else {
    masked[1] = ones;                // type of service
    masked[8] = ones;                // time to live
    masked[10] = masked[11] = ones;  // checksum
  }
  masked[ip + 6] = masked[ip + 7] = ones;  // UDP checksum
  masked[ip + 8 + 4] = ones;               // BTH: FECN, BECN, reserved
  const std::uint32_t state = crc.update(icrc_seed, masked.data(), ip + udp_and_bth);
  const auto rest = headers.subspan(ip + udp_and_bth);
  return crc.update(state, rest.data(), rest.size());
}

}  // namespace roce
