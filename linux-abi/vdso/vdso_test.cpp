// SPDX-License-Identifier: Apache-2.0
// The vDSO as a program finds and uses it: its symbols by hash table, name and version, its answers by a clock page
// that the test writes, its unwind table.
#include <elf.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include <cstring>
#include <map>
#include <string>

#include "arch/x86_64/cpu.h"
#include "linux-abi/vdso/clock_page.h"
#include "linux-abi/vdso/vdso_image.h"

namespace {

constexpr std::size_t page_bytes = 4096;

class Vdso : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_LE(vdso::image().size(), page_bytes);
    void* memory = mmap(nullptr, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    page_ = ::new (memory) vdso::ClockPage;
    base_ = static_cast<std::byte*>(memory) + page_bytes;
    std::memcpy(base_, vdso::image().data(), vdso::image().size());
    ASSERT_EQ(mprotect(base_, page_bytes, PROT_READ | PROT_EXEC), 0);
    page_->start_ticks = arch::read_tsc() - 1'000'000;
    page_->ns_per_tick = std::uint64_t{1} << 31;  // half a nanosecond
    page_->wall_offset_ns = wall_offset;
    read_dynamic();
  }
  void TearDown() override { munmap(page_, 2 * page_bytes); }

  template <typename T>
  const T* at(std::uint64_t offset) const {
    return reinterpret_cast<const T*>(base_ + offset);
  }
  void read_dynamic() {
    const auto* header = at<Elf64_Ehdr>(0);
    ASSERT_EQ(std::memcmp(header->e_ident, ELFMAG, SELFMAG), 0);
    const auto* segments = at<Elf64_Phdr>(header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; ++i) {
      if (segments[i].p_type == PT_GNU_EH_FRAME) has_unwind_table_ = true;
      if (segments[i].p_type != PT_DYNAMIC) continue;
      for (const auto* entry = at<Elf64_Dyn>(segments[i].p_offset); entry->d_tag != DT_NULL; ++entry)
        dynamic_[entry->d_tag] = entry->d_un.d_val;
    }
  }
  std::string text(std::uint64_t offset) const { return at<char>(dynamic_.at(DT_STRTAB) + offset); }
  // As a C library looks it up.
  void* find(const std::string& name) const {
    const auto* hash = at<std::uint32_t>(dynamic_.at(DT_HASH));
    for (std::uint32_t i = 0; i < hash[1]; ++i) {
      const auto& symbol = at<Elf64_Sym>(dynamic_.at(DT_SYMTAB))[i];
      if (text(symbol.st_name) != name || symbol.st_shndx == SHN_UNDEF) continue;
      const auto version = at<std::uint16_t>(dynamic_.at(DT_VERSYM))[i] & 0x7fff;
      for (const auto* entry = at<Elf64_Verdef>(dynamic_.at(DT_VERDEF));;) {
        const auto* auxiliary =
            reinterpret_cast<const Elf64_Verdaux*>(reinterpret_cast<const std::byte*>(entry) + entry->vd_aux);
        if (entry->vd_ndx == version && text(auxiliary->vda_name) == "LINUX_2.6") return base_ + symbol.st_value;
        if (entry->vd_next == 0) break;
        entry = reinterpret_cast<const Elf64_Verdef*>(reinterpret_cast<const std::byte*>(entry) + entry->vd_next);
      }
    }
    return nullptr;
  }
  template <typename Function>
  Function* function(const std::string& name) const {
    return reinterpret_cast<Function*>(find(name));
  }
  static std::uint64_t ns(const timespec& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
  }
  std::uint64_t now_ns() const { return page_->monotonic_ns(arch::read_tsc_in_order()); }

  static constexpr std::uint64_t wall_offset = 1'700'000'000'999'999'999;
  vdso::ClockPage* page_ = nullptr;
  std::byte* base_ = nullptr;
  std::map<std::int64_t, std::uint64_t> dynamic_;
  bool has_unwind_table_ = false;
};

TEST_F(Vdso, IsASharedObjectThatNeedsNothing) {
  EXPECT_EQ(at<Elf64_Ehdr>(0)->e_type, ET_DYN);
  EXPECT_EQ(text(dynamic_.at(DT_SONAME)), "linux-vdso.so.1");
  EXPECT_TRUE(dynamic_.contains(DT_GNU_HASH));
  EXPECT_TRUE(has_unwind_table_);
  for (const auto tag : {DT_NEEDED, DT_RELA, DT_REL, DT_JMPREL, DT_INIT, DT_TEXTREL})
    EXPECT_FALSE(dynamic_.contains(tag)) << tag;
  EXPECT_EQ(find("__vdso_sgx_enter_enclave"), nullptr);
}

TEST_F(Vdso, ClocksAreThoseOfThePage) {
  const auto get = function<int(int, timespec*)>("__vdso_clock_gettime");
  ASSERT_NE(get, nullptr);
  for (const int clock : {CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME,
                          CLOCK_REALTIME_COARSE, CLOCK_TAI}) {
    const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
    const std::uint64_t before = now_ns() + (wall ? wall_offset : 0);
    timespec time{};
    ASSERT_EQ(get(clock, &time), 0);
    const std::uint64_t after = now_ns() + (wall ? wall_offset : 0);
    EXPECT_LT(time.tv_nsec, 1'000'000'000);
    EXPECT_GE(ns(time), before) << clock;
    EXPECT_LE(ns(time), after) << clock;
  }
}

TEST_F(Vdso, OtherClocksAreAskedOfTheSystem) {
  const auto get = function<int(int, timespec*)>("__vdso_clock_gettime");
  const auto resolution = function<int(int, timespec*)>("__vdso_clock_getres");
  timespec before{}, time{}, after{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  ASSERT_EQ(get(CLOCK_THREAD_CPUTIME_ID, &time), 0);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  EXPECT_LE(ns(before), ns(time));
  EXPECT_LE(ns(time), ns(after));
  EXPECT_EQ(get(99, &time), -EINVAL);
  EXPECT_EQ(get(-1, &time), -EINVAL);
  EXPECT_EQ(resolution(99, &time), -EINVAL);
  ASSERT_EQ(resolution(CLOCK_MONOTONIC, &time), 0);
  EXPECT_EQ(ns(time), 1u);
  ASSERT_EQ(resolution(CLOCK_REALTIME_COARSE, &time), 0);
  EXPECT_EQ(ns(time), 4'000'000u);
  EXPECT_EQ(resolution(CLOCK_REALTIME, nullptr), 0);
}

TEST_F(Vdso, OldFashionedTime) {
  const auto day = function<int(timeval*, struct timezone*)>("__vdso_gettimeofday");
  const auto seconds = function<time_t(time_t*)>("__vdso_time");
  const std::uint64_t before = now_ns() + wall_offset;
  timeval time{};
  struct timezone zone {
    5, 5
  };
  ASSERT_EQ(day(&time, &zone), 0);
  EXPECT_EQ(day(nullptr, nullptr), 0);
  time_t stored = 0;
  const time_t told = seconds(&stored);
  const std::uint64_t after = now_ns() + wall_offset;
  const std::uint64_t microseconds =
      static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
  EXPECT_GE(microseconds, before / 1000);
  EXPECT_LE(microseconds, after / 1000);
  EXPECT_EQ(zone.tz_minuteswest, 0);
  EXPECT_EQ(told, stored);
  EXPECT_GE(static_cast<std::uint64_t>(told), before / 1'000'000'000);
  EXPECT_LE(static_cast<std::uint64_t>(told), after / 1'000'000'000);
}

TEST_F(Vdso, AskedWithoutACoreNumberTheSystemTells) {
  const auto get = function<long(unsigned*, unsigned*, void*)>("__vdso_getcpu");
  ASSERT_NE(get, nullptr);
  unsigned core = ~0U, node = ~0U;
  ASSERT_EQ(get(&core, &node, nullptr), 0);
  EXPECT_LT(core, static_cast<unsigned>(CPU_SETSIZE));
  EXPECT_EQ(get(nullptr, nullptr, nullptr), 0);
}

}  // namespace
