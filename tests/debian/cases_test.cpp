// SPDX-License-Identifier: Apache-2.0
// cases/*.sh on the Debian root: in a vNode they say what they say natively. Several of them share a vNode.
#include <gtest/gtest.h>

#include "tests/debian/root_run.h"

namespace debian {
namespace {

using harness::Words;

struct Group {
  std::string name;
  Words cases;
  Words options;
  unsigned seconds = 900;
};
void PrintTo(const Group& group, std::ostream* stream) { *stream << group.name; }

class Cases : public testing::TestWithParam<Group> {};

TEST_P(Cases, SayWhatTheySayNatively) {
  const Group& group = GetParam();
  const CaseResults expected = run_cases_natively(group.cases);
  const CaseResults results = run_cases_in_vnode(group.cases, group.options, group.seconds);
  for (const std::string& name : group.cases) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(expected.contains(name));
    ASSERT_TRUE(results.contains(name)) << "it did not begin";
    EXPECT_EQ(results.at(name).output, expected.at(name).output);
    EXPECT_EQ(results.at(name).status, expected.at(name).status);
  }
}

const Words tools{"shell", "job_control", "coreutils", "search", "static_programs"};
const Words languages{"archives", "languages", "git"};
const Words heavy{"build", "python", "sqlite", "openssl", "node"};

INSTANTIATE_TEST_SUITE_P(Daily, Cases,
                         testing::Values(Group{"tools", tools, {"--excache", "64M"}},
                                         Group{"languages", languages, {"--excache", "128M"}},
                                         Group{"heavy", heavy, {"--excache", "128M", "--cpus", "2"}}),
                         [](const auto& each) { return each.param.name; });

// Working sets larger than the ExCache.
INSTANTIATE_TEST_SUITE_P(
    Small, Cases,
    testing::Values(Group{"tools", tools, {"--excache", "16M"}, 2400},
                    Group{"languages", languages, {"--excache", "16M"}, 2400},
                    Group{"heavy", {"python", "sqlite", "openssl", "node"}, {"--excache", "16M"}, 2400},
                    Group{"compilers", {"build"}, {"--excache", "32M"}, 2400}),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace debian
