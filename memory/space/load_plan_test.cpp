// SPDX-License-Identifier: Apache-2.0
#include "memory/space/load_plan.h"

#include <gtest/gtest.h>

namespace {

using base::page_bytes;
using base::UserVa;

TEST(LoadPlan, MapsSegmentsAndClearsTheEndOfData) {
  memory::ElfProgram program;
  program.segments[0] = {.start = 0x400000,
                         .file_end = 0x402000,
                         .file_offset = 0,
                         .zero_start = 0x402000,
                         .memory_end = 0x402000,
                         .protection = 5};
  program.segments[1] = {.start = 0x403000,
                         .file_end = 0x404000,
                         .file_offset = 0x2000,
                         .zero_start = 0x403800,
                         .memory_end = 0x406010,
                         .protection = 3};
  program.segment_count = 2;
  program.highest = 0x406010;
  vma::VmaSet vmas;
  base::Array<messages::ZeroRange> zeros;
  ASSERT_TRUE(memory::map_program(vmas, program, base::ObjectId(9), 0, zeros));
  ASSERT_EQ(zeros.size(), 1u);
  EXPECT_EQ(zeros[0].address, 0x403800u);
  EXPECT_EQ(zeros[0].bytes, 0x800u);
  EXPECT_EQ(vmas.find(UserVa(0x403000))->object, base::ObjectId(9));
  EXPECT_EQ(vmas.find(UserVa(0x404000))->object, base::ObjectId(0));
  EXPECT_EQ(vmas.find(UserVa(0x406fff))->protection, vma::Protection::Read | vma::Protection::Write);
  EXPECT_EQ(vmas.find(UserVa(0x407000)), nullptr);
  EXPECT_EQ(memory::map_program(vmas, program, base::ObjectId(9), 0x7fff'ffff'0000, zeros).error(),
            base::Error::Malformed);
}

TEST(LoadPlan, LayoutsNeverOverlap) {
  for (std::uint64_t random = 0; random < 2000; ++random) {
    const std::uint64_t limit = random % 3 == 0 ? ~std::uint64_t{0} : (random % 64) << 20;
    const auto layout = memory::choose_layout(limit, random);
    EXPECT_EQ(layout.stack_top % page_bytes, 0u);
    EXPECT_EQ(layout.stack_bytes % page_bytes, 0u);
    EXPECT_EQ(layout.areas.mmap_top.value() % page_bytes, 0u);
    EXPECT_EQ(layout.program_base % page_bytes, 0u);
    EXPECT_GT(layout.areas.mmap_top.value(), layout.program_base + (std::uint64_t{1} << 40));
    EXPECT_LE(layout.areas.mmap_top.value() + vma::stack_guard_bytes, layout.stack_top - layout.stack_bytes);
    vma::VmaSet vmas(layout.areas);
    ASSERT_TRUE(memory::map_stack(vmas, layout, random % 2 == 0));
    ASSERT_TRUE(memory::map_system_pages(vmas, layout, 1, 2));
    EXPECT_EQ(vmas.count(), 3u);  // each its own
  }
  EXPECT_EQ(memory::choose_layout(8 << 20, 0).stack_top, 0x7fff'ffff'f000u);
  EXPECT_EQ(memory::choose_layout(8 << 20, 0).areas.mmap_top.value(), 0x7fff'f7ff'f000u);
  EXPECT_EQ(memory::choose_layout(8 << 20, 0).program_base, 0x5555'5555'4000u);
}

TEST(LoadPlan, SystemPagesAreDataThatStaysUnwritableAndCode) {
  for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{77}}) {
    const auto layout = memory::choose_layout(8 << 20, random);
    vma::VmaSet vmas(layout.areas);
    ASSERT_TRUE(memory::map_stack(vmas, layout, false));
    ASSERT_TRUE(memory::map_system_pages(vmas, layout, 1, 1));
    const vma::Vma* data = vmas.first();
    if (data->grows_down()) data = vmas.next(*data);
    ASSERT_NE(data, nullptr);
    EXPECT_EQ(data->object, base::ObjectId(messages::system_pages_object));
    EXPECT_EQ(vmas.protect(data->range, vma::Protection::Read | vma::Protection::Write).error(),
              base::Error::AccessDenied);
    const vma::Vma* code = vmas.next(*data);
    ASSERT_NE(code, nullptr);
    EXPECT_EQ(code->range.start, data->range.end);
    EXPECT_EQ(code->object_offset, page_bytes);
    EXPECT_EQ(code->protection, vma::Protection::Read | vma::Protection::Execute);
    EXPECT_FALSE(code->shared());  // a debugger's breakpoints are its own
  }
}

}  // namespace
