// SPDX-License-Identifier: Apache-2.0
// Random operations against a model: on images of several shapes, with a cache so small that everything is evicted all
// the time, with a disk that fills up, with one that fails now and then, and across mounts.
#include <gtest/gtest.h>

#include "storage/ext4/testing/model.h"

namespace ext4::testing {
namespace {

struct Case {
  const char* shape;
  std::uint64_t seed;
  std::size_t cache_blocks;
};

class RandomOperations : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Shapes, RandomOperations,
                         ::testing::Values(Case{"-b 4096", 1, 512}, Case{"-b 4096", 2, 16}, Case{"-b 1024", 3, 16},
                                           Case{"-b 1024 -g 2048", 4, 64}, Case{"-t ext2 -b 1024", 5, 32},
                                           Case{"-t ext3 -b 4096", 6, 32}, Case{"-b 4096 -O ^metadata_csum", 7, 16},
                                           Case{"-b 2048 -I 128", 8, 32}));

TEST_P(RandomOperations, AgreeWithTheModel) {
  Image image(64, GetParam().shape);
  Mounted mounted(image, GetParam().cache_blocks);
  Model model(mounted, {.seed = GetParam().seed});
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 500; ++i) model.step();
    model.compare();
    mounted.unmount();
    ASSERT_EQ(image.check(), "");
    mounted.mount(GetParam().cache_blocks);
    model.forget_holds();
    model.compare();
  }
  EXPECT_GT(model.succeeded(), model.refused() / 2);
  mounted.unmount();
  EXPECT_EQ(image.check(), "");
}

class FullDisk : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Shapes, FullDisk,
                         ::testing::Values(Case{"-b 1024 -O ^has_journal", 1, 64},
                                           Case{"-b 4096 -O ^has_journal", 2, 16},
                                           Case{"-b 1024 -N 64 -O ^has_journal", 3, 32},
                                           Case{"-t ext2 -b 1024", 4, 32}));

TEST_P(FullDisk, OperationsHappenAsAWholeOrNotAtAll) {
  Image image(3, GetParam().shape);
  Mounted mounted(image, GetParam().cache_blocks);
  Model model(mounted, {.seed = GetParam().seed, .names = 60, .largest_file = 3'000'000, .allow_no_space = true});
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 600; ++i) model.step();
    model.compare();
  }
  EXPECT_GT(model.refused(), 100u);
  mounted.unmount();
  EXPECT_EQ(image.check(), "");
}

class FailingDisk : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Shapes, FailingDisk,
                         ::testing::Values(Case{"-b 4096", 1, 16}, Case{"-b 1024", 2, 16},
                                           Case{"-t ext3 -b 1024", 3, 24}, Case{"-b 4096 -O ^metadata_csum", 4, 32}));

TEST_P(FailingDisk, OperationsHappenAsAWholeOrNotAtAll) {
  Image image(32, GetParam().shape);
  Mounted mounted(image, GetParam().cache_blocks);
  Model model(mounted, {.seed = GetParam().seed, .allow_io_errors = true});
  base::Random random(GetParam().seed);
  for (int round = 0; round < 6; ++round) {
    mounted.store.fails = [&] { return random.chance(20'000); };
    for (int i = 0; i < 400; ++i) model.step();
    mounted.store.fails = nullptr;
    model.compare();
  }
  mounted.unmount();
  EXPECT_EQ(image.check(), "");
}

}  // namespace
}  // namespace ext4::testing
