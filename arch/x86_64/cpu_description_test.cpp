// SPDX-License-Identifier: Apache-2.0
// What is read from the answers of processors; each table is what one of them says.
#include "arch/x86_64/cpu_description.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "arch/x86_64/fpu_layout.h"

namespace arch {
namespace {

using Answers = std::map<std::pair<std::uint32_t, std::uint32_t>, CpuidResult>;

// "GenuineIntel", family 6, model 143; caches of 48K (its own), 2M (its own) and 105M (of 128 ids).
const Answers intel{{{0, 0}, {0x20, 0x756e6547, 0x6c65746e, 0x49656e69}},
                    {{1, 0}, {0x000806f8, 0x01020800, 0x10000001, 0x178bfbff}},
                    {{4, 0}, {0x04000121, 0x02c0003f, 63, 0}},
                    {{4, 1}, {0x04000143, 0x03c0003f, 2047, 0}},
                    {{4, 2}, {0x041fc163, 0x0380003f, 114687, 0}},
                    {{7, 0}, {1, 0x00010020, 0, 0}},
                    {{0xb, 0}, {1, 2, 0x100, 1}},
                    {{0xb, 1}, {7, 2, 0x201, 1}},
                    {{0x80000000, 0}, {0x80000008, 0, 0, 0}},
                    {{0x80000008, 0}, {0x00003934, 0, 0, 0}}};
// "AuthenticAMD", family 23, model 49; caches in AMD's leaf; no leaf 0Bh; 16 threads, by number alone.
const Answers amd{{{0, 0}, {0x7, 0x68747541, 0x444d4163, 0x69746e65}},
                  {{1, 0}, {0x00830f10, 0x00100800, 0, 0x178bfbff}},
                  {{0x80000000, 0}, {0x8000001f, 0, 0, 0}},
                  {{0x80000008, 0}, {0x00003030, 0, 0x0000400f, 0}},
                  {{0x8000001d, 0}, {0x00004121, 0x01c0003f, 63, 0}},
                  {{0x8000001d, 1}, {0x00004122, 0x01c0003f, 63, 0}}};
// Caches in AMD's older leaves: 64K of 2 ways twice, 512K of 16 ways, 16M of 16 ways.
const Answers older{{{0, 0}, {0xd, 0x68747541, 0x444d4163, 0x69746e65}},
                    {{1, 0}, {0x00060fb1, 0x00020800, 0, 0x178bfbff}},
                    {{0x80000000, 0}, {0x8000000a, 0, 0, 0}},
                    {{0x80000005, 0}, {0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140}},
                    {{0x80000006, 0}, {0, 0x42004200, 0x02008140, 0x00808140}},
                    {{0x80000008, 0}, {0x00003028, 0, 1, 0}}};
// Nothing but what every 64-bit processor has.
const Answers least{{{0, 0}, {1, 0, 0, 0}}, {{0x80000000, 0}, {0x80000001, 0, 0, 0}}};

// As a processor that does not know a leaf: zeros.
template <const Answers& answers>
CpuidResult answer(std::uint32_t leaf, std::uint32_t subleaf) {
  const auto found = answers.find({leaf, subleaf});
  return found == answers.end() ? CpuidResult{} : found->second;
}

std::set<std::string> flags_of(ReadCpuid cpuid, std::uint64_t states) {
  std::set<std::string> names;
  for (const CpuFlag& flag : cpu_flags())
    if (has_cpu_flag(cpuid, flag, states)) names.emplace(flag.name);
  return names;
}

TEST(CpuDescription, NamesAndNumbers) {
  const CpuIdentity one = read_cpu_identity(answer<intel>);
  EXPECT_STREQ(one.vendor.data(), "GenuineIntel");
  EXPECT_EQ(one.family, 6u);
  EXPECT_EQ(one.model, 143u);
  EXPECT_EQ(one.stepping, 8u);
  EXPECT_EQ(one.flushed_bytes, 64u);
  EXPECT_EQ(one.physical_address_bits, 52u);
  EXPECT_EQ(one.linear_address_bits, 57u);
  const CpuIdentity other = read_cpu_identity(answer<amd>);
  EXPECT_STREQ(other.vendor.data(), "AuthenticAMD");
  EXPECT_EQ(other.family, 23u);
  EXPECT_EQ(other.model, 49u);
}

TEST(CpuDescription, CachesAndWhoSharesThem) {
  const auto first = read_cpu_cache(answer<intel>, 0), last = read_cpu_cache(answer<intel>, 2);
  ASSERT_TRUE(first && last);
  EXPECT_EQ(first->type, CacheType::Data);
  EXPECT_EQ(first->bytes(), 48u << 10);
  EXPECT_EQ(first->ways, 12u);
  EXPECT_EQ(first->sharing_bits, 0u);
  EXPECT_EQ(last->type, CacheType::Unified);
  EXPECT_EQ(last->level, 3u);
  EXPECT_EQ(last->bytes(), std::uint64_t{107520} << 10);
  EXPECT_EQ(last->sharing_bits, 7u);
  EXPECT_FALSE(read_cpu_cache(answer<intel>, 3));
  const auto instructions = read_cpu_cache(answer<amd>, 1);
  ASSERT_TRUE(instructions);
  EXPECT_EQ(instructions->type, CacheType::Instruction);
  EXPECT_EQ(instructions->sharing_bits, 1u);
}

TEST(CpuDescription, CachesInTheOlderLeaves) {
  const std::array<std::uint32_t, 4> kibibytes{64, 64, 512, 16384}, ways{2, 2, 16, 16};
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto cache = read_cpu_cache(answer<older>, i);
    ASSERT_TRUE(cache) << i;
    EXPECT_EQ(cache->bytes(), std::uint64_t{kibibytes[i]} << 10);
    EXPECT_EQ(cache->ways, ways[i]);
    EXPECT_EQ(cache->sharing_bits, i == 3 ? 1u : 0u);
  }
  EXPECT_FALSE(read_cpu_cache(answer<older>, 4));
}

TEST(CpuDescription, PartsOfAnApicId) {
  EXPECT_EQ(read_cpu_topology(answer<intel>).thread_bits, 1u);
  EXPECT_EQ(read_cpu_topology(answer<intel>).package_shift, 7u);
  EXPECT_EQ(read_cpu_topology(answer<amd>).thread_bits, 0u);
  EXPECT_EQ(read_cpu_topology(answer<amd>).package_shift, 4u);
  constexpr std::uint32_t id = 0x85;  // the second thread of the third core of the second package
  EXPECT_EQ(read_cpu_topology(answer<intel>).package_of(id), 1u);
  EXPECT_EQ(read_cpu_topology(answer<intel>).core_of(id), 2u);
  EXPECT_EQ(read_cpu_topology(answer<least>).package_of(id), id);
  EXPECT_EQ(read_cpu_topology(answer<least>).core_of(id), 0u);
}

TEST(CpuDescription, AProcessorThatSaysLittle) {
  EXPECT_EQ(read_cpu_identity(answer<least>).physical_address_bits, 36u);
  EXPECT_FALSE(read_cpu_cache(answer<least>, 0));
  EXPECT_EQ(read_cpu_topology(answer<least>).package_shift, 0u);
  EXPECT_TRUE(flags_of(answer<least>, ~std::uint64_t{0}).empty());
}

TEST(CpuDescription, AFeatureNeedsItsRegisters) {
  const auto all = flags_of(answer<intel>, xfeature::avx | xfeature::avx512);
  EXPECT_TRUE(all.contains("fpu") && all.contains("sse2") && all.contains("pni"));
  EXPECT_TRUE(all.contains("avx2") && all.contains("avx512f"));
  const auto without = flags_of(answer<intel>, xfeature::avx);
  EXPECT_TRUE(without.contains("avx2"));
  EXPECT_FALSE(without.contains("avx512f"));
  EXPECT_FALSE(flags_of(answer<intel>, 0).contains("avx2"));
}

TEST(CpuDescription, NoNameAndNoBitTwice) {
  std::set<std::string> names;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>> places;
  for (const CpuFlag& flag : cpu_flags()) {
    CpuidResult result{};
    result.*flag.part = 1;
    const std::uint32_t part = result.eax + 2 * result.ebx + 4 * result.ecx + 8 * result.edx;
    EXPECT_TRUE(names.emplace(flag.name).second) << flag.name;
    EXPECT_TRUE(places.emplace(flag.leaf, flag.subleaf, part, flag.bit).second) << flag.name;
  }
}

}  // namespace
}  // namespace arch
