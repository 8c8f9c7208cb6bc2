// SPDX-License-Identifier: Apache-2.0
// Booting an image to find out whether an accelerator serves.
#include "tools/rack/accelerator.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "tools/support/failure.h"

namespace rack {
namespace {

namespace fs = std::filesystem;

struct AcceleratorTest : testing::Test {
  AcceleratorTest() {
    char path[] = "/tmp/accelerator_test.XXXXXX";
    folder = mkdtemp(path);
  }
  ~AcceleratorTest() override { fs::remove_all(folder); }
  fs::path folder;
  const fs::path image = PROBE_IMAGE;
};

TEST_F(AcceleratorTest, AnImageThatRunsIsSeen) { EXPECT_TRUE(boots(Accelerator::Tcg, image, folder)); }

TEST_F(AcceleratorTest, AnImageThatDoesNotRunIsNotSeen) {
  std::ofstream(folder / "broken.elf") << "this is no image";
  EXPECT_FALSE(boots(Accelerator::Tcg, folder / "broken.elf", folder));
}

// Kvm is what `auto` chooses exactly where `kvm` works.
TEST_F(AcceleratorTest, KvmIsAFailureWhereAutoDoesWithoutIt) {
  const Accelerator chosen = choose_accelerator(Accelerator::Auto, image, folder, folder / "cache");
  EXPECT_NE(chosen, Accelerator::Auto);
  EXPECT_EQ(choose_accelerator(Accelerator::Auto, image, folder, folder / "cache"), chosen) << "it is remembered";
  if (chosen == Accelerator::Tcg) {
    EXPECT_THROW(choose_accelerator(Accelerator::Kvm, image, folder, folder / "cache"), support::Failure);
  } else {
    EXPECT_EQ(choose_accelerator(Accelerator::Kvm, image, folder, folder / "cache"), Accelerator::Kvm);
  }
  EXPECT_EQ(choose_accelerator(Accelerator::Tcg, image, folder, folder / "cache"), Accelerator::Tcg);
}

}  // namespace
}  // namespace rack
