// SPDX-License-Identifier: Apache-2.0
// What a signal frame's vector state says, and that nothing a user writes there can make XRSTOR fault.
#include "arch/x86_64/fpu_layout.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "kernel/base/random.h"

namespace arch {
namespace {

constexpr FpuLayout avx_cpu{.xsave = true, .features = 7, .state_bytes = 832, .mxcsr_mask = 0xffff};
constexpr FpuLayout old_cpu{.xsave = false, .features = 3, .state_bytes = 512, .mxcsr_mask = 0xffbf};

FxsaveArea area_of(const std::vector<std::byte>& image) {
  FxsaveArea area;
  std::memcpy(static_cast<void*>(&area), image.data(), sizeof area);
  return area;
}
XsaveHeader header_of(const std::vector<std::byte>& image) {
  XsaveHeader header;
  std::memcpy(&header, image.data() + fxsave_bytes, sizeof header);
  return header;
}
void set(std::vector<std::byte>& image, const FxsaveArea& area) { std::memcpy(image.data(), &area, sizeof area); }
void set(std::vector<std::byte>& image, const XsaveHeader& header) {
  std::memcpy(image.data() + fxsave_bytes, &header, sizeof header);
}

TEST(FpuLayout, ASignalImageSaysWhatItHolds) {
  FxsaveArea area;
  std::memset(static_cast<void*>(&area), 0xff, sizeof area);
  mark_signal_image(area, avx_cpu);
  EXPECT_EQ(area.magic1, 0x46505853u);
  EXPECT_EQ(area.extended_bytes, 836u);
  EXPECT_EQ(area.features, 7u);
  EXPECT_EQ(area.state_bytes, 832u);
  for (const auto word : area.unused) EXPECT_EQ(word, 0u);
  EXPECT_EQ(signal_state_bytes(area, avx_cpu), 832u);
  mark_signal_image(area, old_cpu);
  EXPECT_EQ(area.magic1, 0u);
  EXPECT_EQ(signal_state_bytes(area, old_cpu), 512u);
}

TEST(FpuLayout, DamagedMarksLeaveTheLegacyPart) {
  FxsaveArea good;
  mark_signal_image(good, avx_cpu);
  FxsaveArea area = good;
  area.magic1 ^= 1;
  EXPECT_EQ(signal_state_bytes(area, avx_cpu), 512u);
  area = good;
  area.state_bytes = 833;
  EXPECT_EQ(signal_state_bytes(area, avx_cpu), 512u);
  area.state_bytes = 575;
  EXPECT_EQ(signal_state_bytes(area, avx_cpu), 512u);
  area = good;
  area.extended_bytes = 832;
  EXPECT_EQ(signal_state_bytes(area, avx_cpu), 512u);
  EXPECT_EQ(signal_state_bytes(good, old_cpu), 512u);
}

TEST(FpuLayout, LegacyStateLoadsX87AndSse) {
  std::vector<std::byte> image(avx_cpu.state_bytes);
  FxsaveArea area;
  area.mxcsr = 0xffff'ffff;
  area.xmm[3][0] = 42;
  set(image, area);
  ASSERT_TRUE(make_loadable(image, fxsave_bytes, avx_cpu));
  EXPECT_EQ(header_of(image).present, 3u);
  EXPECT_EQ(area_of(image).mxcsr, 0xffffu);
  EXPECT_EQ(area_of(image).xmm[3][0], 42u);
}

TEST(FpuLayout, ComponentsAreThoseThatAreNamedPresentAndEnabled) {
  std::vector<std::byte> image(avx_cpu.state_bytes);
  FxsaveArea area;
  mark_signal_image(area, avx_cpu);
  area.features = ~std::uint64_t{0} & ~xfeature::sse;
  set(image, area);
  XsaveHeader header{};
  header.present = ~std::uint64_t{0};
  set(image, header);
  ASSERT_TRUE(make_loadable(image, image.size(), avx_cpu));
  EXPECT_EQ(header_of(image).present, xfeature::x87 | xfeature::avx);
}

TEST(FpuLayout, ImpossibleHeadersAreRefused) {
  std::vector<std::byte> image(avx_cpu.state_bytes);
  XsaveHeader header{};
  header.compacted = std::uint64_t{1} << 63;
  set(image, header);
  EXPECT_FALSE(make_loadable(image, image.size(), avx_cpu));
  header = {};
  header.reserved[5] = 1;
  set(image, header);
  EXPECT_FALSE(make_loadable(image, image.size(), avx_cpu));
}

// The conditions of SDM volume 1, section 13.8.1, under which XRSTOR faults.
TEST(FpuLayout, RandomImagesAreLoadableOrRefused) {
  base::Random random(11);
  unsigned accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::byte> image(avx_cpu.state_bytes);
    for (auto& byte : image) byte = static_cast<std::byte>(random.next());
    if (random.chance(500000)) {
      XsaveHeader header{};
      header.present = random.next();
      if (random.chance(100000)) header.compacted = random.next();
      set(image, header);
    }
    const std::size_t valid = random.chance(500000) ? image.size() : fxsave_bytes;
    if (!make_loadable(image, valid, avx_cpu)) continue;
    ++accepted;
    const XsaveHeader header = header_of(image);
    ASSERT_EQ(header.present & ~avx_cpu.features, 0u);
    ASSERT_EQ(header.compacted, 0u);
    for (const auto word : header.reserved) ASSERT_EQ(word, 0u);
    ASSERT_EQ(area_of(image).mxcsr & ~avx_cpu.mxcsr_mask, 0u);
  }
  EXPECT_GT(accepted, 5000u);
}

}  // namespace
}  // namespace arch
