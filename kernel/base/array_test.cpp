// SPDX-License-Identifier: Apache-2.0
#include "kernel/base/array.h"

#include <gtest/gtest.h>

#include "kernel/base/memory.h"
#include "kernel/base/random.h"

namespace {

TEST(Array, BehavesAsAVectorUnderRandomOperations) {
  base::Random random(1);
  base::Array<int> array;
  std::vector<int> model;
  for (int i = 0; i < 5000; ++i) {
    const std::size_t at = random.below(model.size() + 1);
    switch (random.below(4)) {
      case 0:
      case 1:
        ASSERT_TRUE(array.insert(at, i));
        model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), i);
        break;
      case 2:
        ASSERT_TRUE(array.push_back(i));
        model.push_back(i);
        break;
      default:
        if (at < model.size()) {
          array.erase(at);
          model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }
    ASSERT_TRUE(std::equal(array.begin(), array.end(), model.begin(), model.end()));
  }
}

TEST(Array, OwnsWhatIsMovedIn) {
  base::Array<base::Own<int>> array;
  ASSERT_TRUE(array.push_back(base::make<int>(5)));
  base::Array<base::Own<int>> other = std::move(array);
  EXPECT_EQ(*other[0], 5);
  EXPECT_TRUE(array.empty());
}

}  // namespace
